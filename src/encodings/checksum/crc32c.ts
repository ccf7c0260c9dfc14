import { crcOf } from "./crc.ts";
import { divided, polynomials } from "./divided.ts";

/** CRC-32C (Castagnoli): RFC 3720 names the reflected polynomial in section 12.1 and has check values in appendix B.4. */
export const crc32c = divided("crc32c", crcOf(polynomials.crc32c));

const maskDelta = 0xa282ead8;

/** LevelDB's and TensorFlow's masking: rotated right by 15 bits, plus a constant; keeps a CRC over data with CRCs sound. */
export function maskCrc(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + maskDelta) >>> 0;
}

export function unmaskCrc(masked: number): number {
  const rotated = (masked - maskDelta) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}
