import { CheckpointError } from "../../errors.ts";

/**
 * Protocol Buffers wire format (protobuf.dev/programming-guides/encoding): a message is a run of fields, each a varint tag
 * `number * 8 + wire type` and a payload. No schema is needed to walk it, which is all that checkpoints ask for: the large
 * `bytes` fields are found by offset and never read here.
 *
 * wire type 0 varint (little-endian groups of 7 bits, at most 10 bytes), 1 eight bytes, 2 length-delimited, 5 four bytes;
 * 3 and 4 (groups) were dropped from the language before any of these formats existed.
 */
export type WireType = 0 | 1 | 2 | 5;

/** Where a field's payload is, and its value where it is a scalar. */
export interface WireField {
  readonly number: number;
  readonly wire: WireType;
  /** Of the payload: in the bytes, or in the source, that was walked. */
  readonly offset: number;
  /** Of the payload, in bytes. */
  readonly length: number;
  /** The two uint32 halves of a scalar (wire types 0, 1, 5); 0 otherwise. */
  readonly low: number;
  readonly high: number;
}

/** Where walked bytes come from, for messages: file name, and the offset of their first byte in it. */
export interface Origin {
  readonly file?: string;
  readonly offset?: number;
}

export const maxVarint = 10; // bytes: 64 bits in groups of 7

export function malformed(message: string, origin: Origin, at: number): CheckpointError {
  return new CheckpointError("malformed", `not a protobuf message: ${message}`, {
    ...(origin.file === undefined ? {} : { file: origin.file }),
    ...(origin.offset === undefined ? {} : { offset: origin.offset + at }),
  });
}

/** Reads varints; `next` is where the last one ended. One object per walk, so that no result objects are made. */
export class VarintDecoder {
  low = 0;
  high = 0;
  next = 0;

  /** False where the bytes, or those before `end`, end inside the varint; throws beyond 10 bytes. */
  decode(bytes: Uint8Array, from: number, origin: Origin, end = bytes.length): boolean {
    let low = 0;
    let high = 0;
    for (let k = 0; k < maxVarint; k++) {
      const byte = bytes[from + k];
      if (byte === undefined || from + k >= end) return false;
      const bits = byte & 0x7f;
      if (k < 4) low |= bits << (7 * k);
      else if (k === 4) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else high |= bits << (7 * k - 32);
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        this.next = from + k + 1;
        return true;
      }
    }
    throw malformed(`a varint goes on beyond ${maxVarint} bytes`, origin, from);
  }
}

export function wireType(tag: number, origin: Origin, at: number): WireType {
  const wire = tag & 7;
  if (wire === 0 || wire === 1 || wire === 2 || wire === 5) return wire;
  if (wire === 3 || wire === 4) throw malformed("it has a group, which these formats do not use", origin, at);
  throw malformed(`wire type ${wire} does not exist`, origin, at);
}

export function fieldNumber(low: number, high: number, origin: Origin, at: number): number {
  const number = low >>> 3;
  if (number === 0 || high !== 0) throw malformed(`field number ${number} is outside 1 to 2^29 - 1`, origin, at);
  return number;
}

/** Payload length of a length-delimited field, checked against what is there. */
export function payloadLength(low: number, high: number, room: number, origin: Origin, at: number): number {
  const length = high * 2 ** 32 + low;
  if (length <= room) return length;
  throw new CheckpointError("truncated", `a protobuf field needs ${length} bytes and ${room} are left`, {
    ...(origin.file === undefined ? {} : { file: origin.file }),
    ...(origin.offset === undefined ? {} : { offset: origin.offset + at }),
  });
}
