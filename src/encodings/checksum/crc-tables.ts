/**
 * The tables for slicing by a reflected polynomial, one behind the other: entry 256 k + n is the checksum register after byte n and k zero bytes, begun at 0.
 */
export function crcTables(polynomial: number, slices: number): Uint32Array {
  const tables = new Uint32Array(slices * 256);
  for (let n = 0; n < 256; n++) {
    let crc = n;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    tables[n] = crc;
  }
  for (let k = 256; k < tables.length; k++) {
    const before = tables[k - 256] ?? 0;
    tables[k] = (before >>> 8) ^ (tables[before & 0xff] ?? 0);
  }
  return tables;
}
