import { crc32cKernel } from "./crc32c-kernel.ts";
import { crc32cTables } from "./crc32c-tables.ts";

/** From this many bytes on the kernel is worth its start, and the copy into its memory. */
const KERNEL_BYTES = 16384;

/**
 * CRC-32C (Castagnoli) of `bytes`, continued from `crc` (that of what came before; 0 at the start): initial value and final xor
 * 0xffffffff; RFC 3720 appendix B.4 has check values.
 */
export function crc32c(bytes: Uint8Array, crc = 0): number {
  const kernel = bytes.length < KERNEL_BYTES ? undefined : crc32cKernel();
  return ~(kernel === undefined ? update(bytes, ~crc) : kernel(bytes, ~crc)) >>> 0;
}

/** Slicing by 8: eight tables, eight bytes a step. */
const tables = crc32cTables(8);
const entry = (index: number): number => tables[index] ?? 0;

function step(state: number, bytes: Uint8Array, at: number): number {
  return entry((state ^ (bytes[at] ?? 0)) & 0xff) ^ (state >>> 8);
}

function update(bytes: Uint8Array, start: number): number {
  let state = start;
  let at = 0;
  const end = bytes.length;
  for (; at < end && (bytes.byteOffset + at) % 4 !== 0; at++) state = step(state, bytes, at);
  // Words of the platform's byte order: every platform that runs Node is little-endian.
  const words = at < end ? new Uint32Array(bytes.buffer, bytes.byteOffset + at, Math.floor((end - at) / 4)) : new Uint32Array(0);
  const pairs = words.length - (words.length % 2);
  for (let k = 0; k < pairs; k += 2) {
    const a = state ^ (words[k] ?? 0);
    const b = words[k + 1] ?? 0;
    state =
      entry(1792 + (a & 0xff)) ^
      entry(1536 + ((a >>> 8) & 0xff)) ^
      entry(1280 + ((a >>> 16) & 0xff)) ^
      entry(1024 + (a >>> 24)) ^
      entry(768 + (b & 0xff)) ^
      entry(512 + ((b >>> 8) & 0xff)) ^
      entry(256 + ((b >>> 16) & 0xff)) ^
      entry(b >>> 24);
  }
  for (at += pairs * 4; at < end; at++) state = step(state, bytes, at);
  return state;
}

const maskDelta = 0xa282ead8;

/** LevelDB's and TensorFlow's masking: rotated right by 15 bits, plus a constant; keeps a CRC over data with CRCs sound. */
export function maskCrc(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + maskDelta) >>> 0;
}

export function unmaskCrc(masked: number): number {
  const rotated = (masked - maskDelta) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}
