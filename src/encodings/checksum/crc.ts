import { makeCrcKernel, type Register } from "./crc-kernel.ts";
import { crcTables } from "./crc-tables.ts";

/** A checksum of `bytes`, continued from `crc`: that of what came before, 0 at the start. */
export type Crc = (bytes: Uint8Array, crc?: number) => number;

/** From this many bytes on the kernel is worth its start, and the copy into its memory. */
const KERNEL_BYTES = 16384;

/** The 32-bit checksum of a reflected polynomial, with initial value and final xor 0xffffffff. */
export function crcOf(polynomial: number): Crc {
  let tables: Uint32Array | undefined;
  let kernel: Register | undefined;
  let tried = false;
  return (bytes, crc = 0) => {
    if (!tried && bytes.length >= KERNEL_BYTES) {
      tried = true;
      kernel = makeCrcKernel(polynomial);
    }
    if (kernel !== undefined && bytes.length >= KERNEL_BYTES) return ~kernel(bytes, ~crc) >>> 0;
    tables ??= crcTables(polynomial, 8);
    return ~update(tables, bytes, ~crc) >>> 0;
  };
}

/** Slicing by 8: eight tables, eight bytes a step. */
function update(tables: Uint32Array, bytes: Uint8Array, start: number): number {
  let state = start;
  let at = 0;
  const end = bytes.length;
  for (; at < end && (bytes.byteOffset + at) % 4 !== 0; at++) state = step(tables, state, bytes, at);
  // Words of the platform's byte order: every platform that runs Node is little-endian.
  const words = at < end ? new Uint32Array(bytes.buffer, bytes.byteOffset + at, Math.floor((end - at) / 4)) : new Uint32Array(0);
  const pairs = words.length - (words.length % 2);
  for (let k = 0; k < pairs; k += 2) {
    const a = state ^ (words[k] ?? 0);
    const b = words[k + 1] ?? 0;
    state =
      (tables[1792 + (a & 0xff)] ?? 0) ^
      (tables[1536 + ((a >>> 8) & 0xff)] ?? 0) ^
      (tables[1280 + ((a >>> 16) & 0xff)] ?? 0) ^
      (tables[1024 + (a >>> 24)] ?? 0) ^
      (tables[768 + (b & 0xff)] ?? 0) ^
      (tables[512 + ((b >>> 8) & 0xff)] ?? 0) ^
      (tables[256 + ((b >>> 16) & 0xff)] ?? 0) ^
      (tables[b >>> 24] ?? 0);
  }
  for (at += pairs * 4; at < end; at++) state = step(tables, state, bytes, at);
  return state;
}

function step(tables: Uint32Array, state: number, bytes: Uint8Array, at: number): number {
  return (tables[(state ^ (bytes[at] ?? 0)) & 0xff] ?? 0) ^ (state >>> 8);
}
