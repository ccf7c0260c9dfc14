/** Reflected polynomial of CRC-32C; RFC 3720, section 12.1 names it. */
export const CRC32C_POLYNOMIAL = 0x82f63b78;

/**
 * The tables for slicing, one behind the other: entry 256 k + n is the checksum register after byte n and k zero bytes, begun at 0.
 */
export function crc32cTables(slices: number): Uint32Array {
  const tables = new Uint32Array(slices * 256);
  for (let n = 0; n < 256; n++) {
    let crc = n;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CRC32C_POLYNOMIAL : crc >>> 1;
    tables[n] = crc;
  }
  for (let k = 256; k < tables.length; k++) {
    const before = tables[k - 256] ?? 0;
    tables[k] = (before >>> 8) ^ (tables[before & 0xff] ?? 0);
  }
  return tables;
}
