import { sha256 as noble } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import type { Sha256 } from "../sha256.ts";

/** WebCrypto hashes only what is in memory as a whole. */
export function sha256(): Sha256 {
  const digest = noble.create();
  return {
    update(bytes) {
      digest.update(bytes);
    },
    hex: () => bytesToHex(digest.digest()),
  };
}
