/**
 * CRC-32C (Castagnoli): reflected polynomial 0x82f63b78, initial value and final xor 0xffffffff; RFC 3720 appendix B.4 has
 * check values. Slicing by 8: eight tables, eight bytes a step.
 */
const tables: readonly Uint32Array[] = makeTables();

function makeTables(): Uint32Array[] {
  const first = new Uint32Array(256);
  for (let n = 0; n < 256; n++) {
    let crc = n;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    first[n] = crc >>> 0;
  }
  const all = [first];
  let previous = first;
  for (let k = 1; k < 8; k++) {
    const table = new Uint32Array(256);
    for (let n = 0; n < 256; n++) {
      const crc = previous[n] ?? 0;
      table[n] = ((crc >>> 8) ^ (first[crc & 0xff] ?? 0)) >>> 0;
    }
    all.push(table);
    previous = table;
  }
  return all;
}

/** One flat table, row k at 256 k: the inner loop then has a single typed array whose indices are masked. */
const flat = new Uint32Array(8 * 256);
for (const [k, table] of tables.entries()) flat.set(table, 256 * k);

const entry = (index: number): number => flat[index] ?? 0;

/** CRC-32C of `bytes`, continued from `crc` (that of what came before; 0 at the start). */
export function crc32c(bytes: Uint8Array, crc = 0): number {
  let state = ~crc;
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
  return ~state >>> 0;
}

function step(state: number, bytes: Uint8Array, at: number): number {
  return entry((state ^ (bytes[at] ?? 0)) & 0xff) ^ (state >>> 8);
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
