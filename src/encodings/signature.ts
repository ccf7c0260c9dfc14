import type { ByteSource } from "../io/source/source.ts";
import type { ContainerKind } from "./probe.ts";

const ascii = (text: string): readonly number[] => Array.from(text, (char) => char.charCodeAt(0));

/** How far compressed data is looked into for an HDF5 file behind a user block. */
const FORWARD = 1 << 20;
const HDF5 = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** Magic bytes at fixed places of the head. Sources: the formats' own specifications. */
const magics: readonly { readonly kind: ContainerKind; readonly at: number; readonly bytes: readonly number[] }[] = [
  { kind: "zip", at: 0, bytes: [0x50, 0x4b, 0x03, 0x04] },
  { kind: "zip", at: 0, bytes: [0x50, 0x4b, 0x05, 0x06] }, // an empty archive
  { kind: "gzip", at: 0, bytes: [0x1f, 0x8b, 0x08] },
  { kind: "tar", at: 257, bytes: ascii("ustar") },
  // A user block of 512, 1024 or 2048 bytes may be before the signature; MATLAB 7.3 uses 512. For longer ones see `followsUserBlock`.
  ...[0, 512, 1024, 2048].map((at) => ({ kind: "hdf5" as const, at, bytes: HDF5 })),
  { kind: "npy", at: 0, bytes: [0x93, ...ascii("NUMPY")] },
  { kind: "mat", at: 126, bytes: ascii("IM") },
  { kind: "mat", at: 126, bytes: ascii("MI") },
  { kind: "mxnet", at: 0, bytes: [0x12, 0x01, 0, 0, 0, 0, 0, 0] },
];

/** The last eight bytes of an sstable, 0xdb4775248b80fb57 little-endian. */
const SSTABLE = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];

function has(bytes: Uint8Array, at: number, magic: readonly number[]): boolean {
  return at >= 0 && at + magic.length <= bytes.length && magic.every((byte, k) => bytes[at + k] === byte);
}

/** The shells that the first and last 4 KiB allow, strongest first; `binary` where nothing has a signature. */
export function signatures(head: Uint8Array, tail: Uint8Array, size: number): readonly ContainerKind[] {
  const kinds = new Set<ContainerKind>();
  for (const { kind, at, bytes } of magics) if (has(head, at, bytes)) kinds.add(kind);
  if (has(tail, tail.length - SSTABLE.length, SSTABLE)) kinds.add("sstable");
  // PROTO opcode and a protocol number.
  if (head[0] === 0x80 && head.length > 1 && (head[1] ?? 255) <= 5) kinds.add("pickle");
  if (looksLikeSafetensors(head, size)) kinds.add("safetensors");
  if (kinds.size === 0) {
    if (looksLikeText(head)) {
      const first = firstVisible(head);
      if (first === "{" || (first === "[" && !beginsWithSection(head))) kinds.add("json");
      kinds.add("text");
    }
    kinds.add("binary");
  }
  return [...kinds];
}

/**
 * Whether an HDF5 file begins behind a user block of 4096 bytes or more: at 4096, 8192 … as the library searches it. For files whose head
 * has no signature of its own; it costs a short read for each doubling of the size, and is no search through what has to be decoded.
 */
export async function followsUserBlock(source: ByteSource): Promise<boolean> {
  const random = source.access === "random";
  const end = random ? source.size : Math.min(source.size, FORWARD);
  const places: number[] = [];
  for (let at = 4096; at + HDF5.length <= end; at *= 2) places.push(at);
  const begins = async (at: number): Promise<boolean> => has(await source.read(at, HDF5.length), 0, HDF5);
  // At once where a read may be a request; what is decoded is decoded once, from front to back.
  if (random) return (await Promise.all(places.map(begins))).includes(true);
  for (const at of places) if (await begins(at)) return true;
  return false;
}

/** u64 header length, then the JSON object. A length beyond the file still is an (unreadable) safetensors file. */
function looksLikeSafetensors(head: Uint8Array, size: number): boolean {
  if (size < 10 || head.length < 10) return false;
  const header = new DataView(head.buffer, head.byteOffset, 8).getBigUint64(0, true);
  // The reference accepts white space before the object.
  const opens = /^\s*\{\s*["}]/.test(new TextDecoder("latin1").decode(head.subarray(8, 64)));
  return opens && header < 1n << 63n && header > 1n;
}

/** Valid UTF-8 (cut anywhere at the end) without control characters other than white space. */
export function looksLikeText(head: Uint8Array): boolean {
  if (head.length === 0) return false;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(head, { stream: true });
  } catch {
    return false; // not UTF-8 is an answer here, no failure
  }
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    if ((code < 0x20 && !"\t\n\v\f\r".includes(char)) || code === 0x7f) return false;
  }
  return true;
}

/** `[net]` alone on its line: an INI-like configuration, no JSON. */
function beginsWithSection(head: Uint8Array): boolean {
  return /^\s*\[[A-Za-z_]+\][ \t]*\r?\n/.test(new TextDecoder().decode(head));
}

function firstVisible(head: Uint8Array): string {
  return new TextDecoder()
    .decode(head)
    .replace(/^\uFEFF/, "")
    .trimStart()
    .charAt(0);
}
