import { createHash } from "node:crypto";

/** A SHA-256 of bytes that come one after the other. */
export interface Sha256 {
  update(bytes: Uint8Array): void;
  /** In hexadecimal; the last call. */
  hex(): string;
}

export function sha256(): Sha256 {
  const digest = createHash("sha256");
  return {
    update(bytes) {
      digest.update(bytes);
    },
    hex: () => digest.digest("hex"),
  };
}
