import * as zlib from "node:zlib";
import { type Crc, crcOf } from "./crc.ts";

/** For Node before 20.15, which has no zlib.crc32: the reflected polynomial of ITU-T V.42. */
export const ownCrc32 = crcOf(0xedb88320);

/** CRC-32 as zip, gzip and PNG use it. zlib takes twice our kernel's 1.3 GB/s. */
export const crc32: Crc = typeof zlib.crc32 === "function" ? (bytes, crc) => zlib.crc32(bytes, crc) : ownCrc32;
