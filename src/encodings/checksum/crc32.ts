import { systemCrc32 } from "../../io/compression.ts";
import { type Crc, crcOf } from "./crc.ts";
import { divided, polynomials } from "./divided.ts";

/** For where the system has none: our own kernel. */
export const ownCrc32 = crcOf(polynomials.crc32);

/** Shorter ones are summed before zlib is loaded. In bytes. */
const SHORT = 16384;

/** CRC-32 as zip, gzip and PNG use it. zlib takes twice our kernel's 1.3 GB/s. */
export const crc32: Crc = divided("crc32", (bytes, crc) => {
  if (bytes.length < SHORT) return ownCrc32(bytes, crc);
  return (systemCrc32() ?? ownCrc32)(bytes, crc);
});
