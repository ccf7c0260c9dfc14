import { fileURLToPath } from "node:url";

/** What bytes may be given as: a path, an address, or the bytes themselves. */
export type BytesInput = string | URL | Uint8Array | Blob;

/** How an input is called in sentences and records: by its path or address; bytes by their kind, a File by its name. */
export function inputName(input: BytesInput): string {
  if (typeof input === "string") return input;
  if (input instanceof URL) return input.protocol === "file:" ? fileURLToPath(input) : input.href;
  if (input instanceof Uint8Array) return "bytes";
  return "name" in input && typeof input.name === "string" ? input.name : "blob";
}
