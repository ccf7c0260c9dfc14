import { pathOfUrl } from "./system.ts";

/** Bytes that are asked for part by part: an ArrayBuffer, or whatever fetches them from where they are. */
export interface SliceableBytes {
  readonly byteLength: number;
  slice(start: number, end: number): ArrayBuffer | Promise<ArrayBuffer>;
  /** How they are called in sentences and records; the ending may be part of what tells a format. */
  readonly name?: string;
}

/** What bytes may be given as: a path, an address, or the bytes themselves. */
export type BytesInput = string | URL | Uint8Array | Blob | SliceableBytes;

/** How an input is called in sentences and records: by its path or address; bytes by their kind, a File by its name. */
export function inputName(input: BytesInput): string {
  if (typeof input === "string") return input;
  if (input instanceof URL) return input.protocol === "file:" ? pathOfUrl(input) : input.href;
  if (input instanceof Uint8Array) return "bytes";
  if ("name" in input && typeof input.name === "string" && input.name !== "") return input.name;
  return input instanceof Blob ? "blob" : "bytes";
}
