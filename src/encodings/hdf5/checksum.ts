import { CheckpointError } from "../../errors.ts";
import { type Fields, type Hdf5Layout, readAt } from "./bytes.ts";

/*
 * Structures that came with HDF5 1.8 and later end with a checksum of all their bytes before it: Jenkins' lookup3 (hashlittle, initial
 * value 0), u32 little-endian (HDF5 File Format Specification 3.0, "Superblock", "Version 2 B-trees", "Fractal Heap" …).
 */

/** Bytes of a checksum. */
export const checksumSize = 4;

/** What of a structure comes before its checksum. Throws as `readAt` does, and `malformed` where the checksum is another. `length` counts it. */
export async function readChecked(layout: Hdf5Layout, address: number, length: number, what: string): Promise<Fields> {
  const whole = await readAt(layout, address, length, what);
  if (length < checksumSize) return whole.fail(`${length} bytes have no room for a checksum`);
  const content = whole.sub(length - checksumSize, what);
  compareChecksum(layout, whole, whole.u32(), lookup3(content.bytes));
  return content;
}

/** Throws `malformed` where the two differ. */
export function compareChecksum(layout: Hdf5Layout, structure: Fields, stored: number, computed: number): void {
  if (stored === computed) return;
  throw new CheckpointError(
    "malformed",
    `${structure.what}: its checksum is ${hex(stored)}, and ${hex(computed)} is needed for its ${structure.bytes.length} bytes; the file is damaged`,
    { file: layout.source.name, offset: structure.offset },
  );
}

function hex(value: number): string {
  return value.toString(16).padStart(8, "0");
}

/** Bob Jenkins' lookup3, hashlittle with initial value 0 (burtleburtle.net/bob/c/lookup3.c): three words, twelve bytes a step. */
export function lookup3(bytes: Uint8Array): number {
  const { length } = bytes;
  let a = (0xdeadbeef + length) | 0;
  let b = a;
  let c = a;
  if (length === 0) return c >>> 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  let at = 0;
  for (; length - at > 12; at += 12) {
    a = (a + view.getInt32(at, true)) | 0;
    b = (b + view.getInt32(at + 4, true)) | 0;
    c = (c + view.getInt32(at + 8, true)) | 0;
    a = ((a - c) | 0) ^ rotated(c, 4);
    c = (c + b) | 0;
    b = ((b - a) | 0) ^ rotated(a, 6);
    a = (a + c) | 0;
    c = ((c - b) | 0) ^ rotated(b, 8);
    b = (b + a) | 0;
    a = ((a - c) | 0) ^ rotated(c, 16);
    c = (c + b) | 0;
    b = ((b - a) | 0) ^ rotated(a, 19);
    a = (a + c) | 0;
    c = ((c - b) | 0) ^ rotated(b, 4);
    b = (b + a) | 0;
  }
  // One to twelve bytes are left; what is missing of the last words counts as zero.
  a = (a + lastWord(bytes, at)) | 0;
  b = (b + lastWord(bytes, at + 4)) | 0;
  c = (c + lastWord(bytes, at + 8)) | 0;
  c = ((c ^ b) - rotated(b, 14)) | 0;
  a = ((a ^ c) - rotated(c, 11)) | 0;
  b = ((b ^ a) - rotated(a, 25)) | 0;
  c = ((c ^ b) - rotated(b, 16)) | 0;
  a = ((a ^ c) - rotated(c, 4)) | 0;
  b = ((b ^ a) - rotated(a, 14)) | 0;
  c = ((c ^ b) - rotated(b, 24)) | 0;
  return c >>> 0;
}

function rotated(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function lastWord(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
}
