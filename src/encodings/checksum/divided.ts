import { crewOf, divide } from "../../io/crew/crew.ts";
import { type SharedChecksum, WORTH_ASKING } from "../../io/crew/job.ts";
import type { Crc } from "./crc.ts";
import { RegisterShift } from "./register-shift.ts";

/** Polynomials, reflected: ITU-T V.42 and Castagnoli (RFC 3720, section 12.1). */
export const polynomials = { crc32: 0xedb88320, crc32c: 0x82f63b78 } as const satisfies Record<SharedChecksum, number>;

export const registerShifts = {
  crc32: new RegisterShift(polynomials.crc32),
  crc32c: new RegisterShift(polynomials.crc32c),
} as const satisfies Record<SharedChecksum, RegisterShift>;

/** The checksum of bytes and of `length` further ones, whose own checksum is `next`. */
export function joinedSum(checksum: SharedChecksum, crc: number, next: number, length: number): number {
  return (registerShifts[checksum].moved(crc, length) ^ next) >>> 0;
}

/** The same checksum, whose long inputs are divided among helper threads where these reach the bytes. */
export function divided(checksum: SharedChecksum, own: Crc): Crc {
  return (bytes, crc = 0) => {
    const crew = bytes.length >= WORTH_ASKING ? crewOf(bytes.buffer) : undefined;
    if (crew === undefined) return own(bytes, crc);
    const parts = divide(crew, {
      count: bytes.length,
      step: WORTH_ASKING / 4,
      own: (from, to) => own(bytes.subarray(from, to)),
      job: (from, to) => ({ kind: "sum", checksum, at: bytes.byteOffset + from, length: to - from }),
    });
    return parts.reduce((sum, [part, length]) => joinedSum(checksum, sum, part, length), crc);
  };
}
