import { CheckpointError } from "../../errors.ts";
import {
  fieldNumber,
  malformed,
  type Origin,
  payloadLength,
  VarintDecoder,
  type WireField,
  type WireType,
  wireType,
} from "./protobuf-wire.ts";

/** A field of a message in memory; `bytes` is a view of a length-delimited payload, empty for scalars. */
export interface Field extends WireField {
  readonly bytes: Uint8Array;
}

const nothing = new Uint8Array(0);
/** One for all readers: what it decoded is taken at once. */
const decoder = new VarintDecoder();

/**
 * Walks the fields of one message in memory without making objects: `next()` moves on, and the reader itself then is the field.
 * For places that see a hundred thousand messages; others use `fields`. Offsets are those of `bytes`.
 */
export class FieldReader implements WireField {
  number = 0;
  wire: WireType = 0;
  offset = 0;
  length = 0;
  low = 0;
  high = 0;
  readonly bytes: Uint8Array;
  readonly #end: number;
  readonly #origin: Origin;
  #at: number;

  constructor(bytes: Uint8Array, origin: Origin = {}, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#origin = origin;
  }

  /** False at the end of the message; throws `malformed` or `truncated`. */
  next(): boolean {
    if (this.#at >= this.#end) return false;
    const start = this.#at;
    this.#varint("a tag");
    this.wire = wireType(this.low, this.#origin, start);
    this.number = fieldNumber(this.low, this.high, this.#origin, start);
    this.offset = this.#at;
    if (this.wire === 0) {
      this.#varint("a varint");
    } else if (this.wire === 2) {
      this.#varint("a length");
      this.#at += payloadLength(this.low, this.high, this.#end - this.#at, this.#origin, this.offset);
      this.length = this.low;
      this.offset = this.#at - this.length;
      this.low = 0;
      this.high = 0;
      return true;
    } else {
      payloadLength(this.wire === 1 ? 8 : 4, 0, this.#end - this.#at, this.#origin, this.offset);
      this.low = this.#word();
      this.high = this.wire === 1 ? this.#word() : 0;
    }
    this.length = this.#at - this.offset;
    return true;
  }

  /** The payload of a submessage as a reader of its own. */
  inner(what: string): FieldReader {
    expectWire(this, 2, what);
    return new FieldReader(this.bytes, this.#origin, this.offset, this.offset + this.length);
  }

  /** A view of the payload. */
  payload(): Uint8Array {
    return this.bytes.subarray(this.offset, this.offset + this.length);
  }

  #word(): number {
    let value = 0;
    for (let k = 3; k >= 0; k--) value = value * 256 + (this.bytes[this.#at + k] ?? 0);
    this.#at += 4;
    return value;
  }

  #varint(what: string): void {
    if (!decoder.decode(this.bytes, this.#at, this.#origin, this.#end)) throw malformed(`it ends inside ${what}`, this.#origin, this.#at);
    this.low = decoder.low;
    this.high = decoder.high;
    this.#at = decoder.next;
  }
}

/** The fields of one message in memory, in file order. Throws `malformed` or `truncated`. */
export function* fields(bytes: Uint8Array, origin: Origin = {}): Generator<Field, void, undefined> {
  const reader = new FieldReader(bytes, origin);
  while (reader.next()) {
    const { number, wire, offset, length, low, high } = reader;
    yield { number, wire, offset, length, low, high, bytes: wire === 2 ? reader.payload() : nothing };
  }
}

/** Throws `malformed` where a field is stored with another wire type than its declaration has. */
export function expectWire(field: WireField, wire: WireType, what: string): void {
  if (field.wire !== wire) {
    throw new CheckpointError("malformed", `${what} (protobuf field ${field.number}) has wire type ${field.wire}, needs ${wire}`);
  }
}

/** int32: the low 32 bits, signed. */
export function int32(field: WireField, what: string): number {
  expectWire(field, 0, what);
  return field.low | 0;
}

/** uint32, enum, bool as a number: the low 32 bits. */
export function uint32(field: WireField, what: string): number {
  expectWire(field, 0, what);
  return field.low;
}

export function bool(field: WireField, what: string): boolean {
  expectWire(field, 0, what);
  return field.low !== 0 || field.high !== 0;
}

/** int64 as a number; throws `malformed` beyond ±(2^53 − 1), which no size, offset or count in a file can reach. */
export function int64(field: WireField, what: string): number {
  expectWire(field, 0, what);
  const value = (field.high | 0) * 2 ** 32 + field.low;
  if (Number.isSafeInteger(value)) return value;
  throw new CheckpointError("malformed", `${what} is ${bigInt64(field, what)}, beyond 2^53`);
}

/** int64, exact. */
export function bigInt64(field: WireField, what: string): bigint {
  expectWire(field, 0, what);
  return BigInt.asIntN(64, (BigInt(field.high) << 32n) | BigInt(field.low));
}

/** fixed32. */
export function fixed32(field: WireField, what: string): number {
  expectWire(field, 5, what);
  return field.low;
}

const scalarView = new DataView(new ArrayBuffer(8));

/** float (wire type 5). */
export function float(field: WireField, what: string): number {
  expectWire(field, 5, what);
  scalarView.setUint32(0, field.low, true);
  return scalarView.getFloat32(0, true);
}

/** double (wire type 1). */
export function double(field: WireField, what: string): number {
  expectWire(field, 1, what);
  scalarView.setUint32(0, field.low, true);
  scalarView.setUint32(4, field.high, true);
  return scalarView.getFloat64(0, true);
}

/** The payload of a submessage or `bytes` field: a view. */
export function bytesOf(field: Field, what: string): Uint8Array {
  expectWire(field, 2, what);
  return field.bytes;
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** A `string` field. Bytes that are no UTF-8 become U+FFFD, as old writers put Latin-1 into names. */
export function fieldText(field: Field, what: string): string {
  expectWire(field, 2, what);
  return utf8.decode(field.bytes);
}

/**
 * The int64 values of a repeated integer field, packed (wire type 2) or one of its unpacked occurrences (wire type 0).
 * Throws `malformed` beyond 2^53.
 */
export function* int64s(field: Field, what: string): Generator<number, void, undefined> {
  if (field.wire === 0) {
    yield int64(field, what);
    return;
  }
  expectWire(field, 2, what);
  const varint = new VarintDecoder();
  let at = 0;
  while (at < field.bytes.length) {
    if (!varint.decode(field.bytes, at, {})) throw malformed(`${what} ends inside a varint`, {}, at);
    const value = (varint.high | 0) * 2 ** 32 + varint.low;
    if (!Number.isSafeInteger(value)) throw new CheckpointError("malformed", `${what} has a value beyond 2^53`);
    yield value;
    at = varint.next;
  }
}
