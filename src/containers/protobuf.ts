import { CheckpointError } from "../errors.ts";
import { Cursor } from "../io/cursor.ts";
import type { ByteSource } from "../io/source.ts";

/**
 * Protocol Buffers wire format (protobuf.dev/programming-guides/encoding): a message is a run of fields, each a varint tag
 * `number * 8 + wire type` and a payload. No schema is needed to walk it, which is all that checkpoints ask for: the large
 * `bytes` fields are found by offset and never read here.
 *
 * wire type 0 varint (little-endian groups of 7 bits, at most 10 bytes), 1 eight bytes, 2 length-delimited, 5 four bytes;
 * 3 and 4 (groups) were dropped from the language before any of these formats existed.
 */
export type WireType = 0 | 1 | 2 | 5;

/** Where a field's payload lies, and its value where it is a scalar. */
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

/** A field of a message in memory; `bytes` is a view of a length-delimited payload, empty for scalars. */
export interface Field extends WireField {
  readonly bytes: Uint8Array;
}

/** Where walked bytes come from, for messages: file name, and the offset of their first byte in it. */
export interface Origin {
  readonly file?: string;
  readonly offset?: number;
}

const nothing = new Uint8Array(0);
const maxVarint = 10; // bytes: 64 bits in groups of 7

function malformed(message: string, origin: Origin, at: number): CheckpointError {
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

  /** False where the bytes end inside the varint; throws beyond 10 bytes. */
  decode(bytes: Uint8Array, from: number, origin: Origin): boolean {
    let low = 0;
    let high = 0;
    for (let k = 0; k < maxVarint; k++) {
      const byte = bytes[from + k];
      if (byte === undefined) return false;
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

function wireType(tag: number, origin: Origin, at: number): WireType {
  const wire = tag & 7;
  if (wire === 0 || wire === 1 || wire === 2 || wire === 5) return wire;
  if (wire === 3 || wire === 4) throw malformed("it has a group, which these formats do not use", origin, at);
  throw malformed(`wire type ${wire} does not exist`, origin, at);
}

function fieldNumber(low: number, high: number, origin: Origin, at: number): number {
  const number = low >>> 3;
  if (number === 0 || high !== 0) throw malformed(`field number ${number} is outside 1 to 2^29 - 1`, origin, at);
  return number;
}

/** Payload length of a length-delimited field, checked against what is there. */
function payloadLength(low: number, high: number, room: number, origin: Origin, at: number): number {
  const length = high * 2 ** 32 + low;
  if (length <= room) return length;
  throw new CheckpointError("truncated", `a protobuf field needs ${length} bytes and ${room} are left`, {
    ...(origin.file === undefined ? {} : { file: origin.file }),
    ...(origin.offset === undefined ? {} : { offset: origin.offset + at }),
  });
}

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
    let low = 0;
    let high = 0;
    for (let k = 0; k < maxVarint; k++) {
      if (this.#at + k >= this.#end) throw malformed(`it ends inside ${what}`, this.#origin, this.#at);
      const byte = this.bytes[this.#at + k] ?? 0;
      const bits = byte & 0x7f;
      if (k < 4) low |= bits << (7 * k);
      else if (k === 4) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else high |= bits << (7 * k - 32);
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        this.#at += k + 1;
        return;
      }
    }
    throw malformed(`a varint goes on beyond ${maxVarint} bytes`, this.#origin, this.#at);
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

/** A field, or consecutive scalar fields with the same tag (a repeated field that is not packed) taken together. */
export interface Run extends WireField {
  /** Fields in the run; low and high are those of the first. */
  readonly count: number;
  /** Of the tag, in bytes: it stands before each value. */
  readonly tagLength: number;
}

/**
 * The fields of one message in `source` between `offset` and `end`, found without reading length-delimited payloads.
 * Offsets are those of the source. Throws `malformed` or `truncated`.
 */
export function sourceFields(source: ByteSource, offset = 0, end = source.size): AsyncGenerator<WireField, void, undefined> {
  return walk(source, offset, end, false);
}

/** The same with repeated scalars that are not packed as one run, whose `length` runs from the first value to the last one's end. */
export function sourceRuns(source: ByteSource, offset = 0, end = source.size): AsyncGenerator<Run, void, undefined> {
  return walk(source, offset, end, true);
}

async function* walk(source: ByteSource, offset: number, end: number, merge: boolean): AsyncGenerator<Run, void, undefined> {
  const origin: Origin = { file: source.name, offset: 0 };
  const varint = new VarintDecoder();
  const cursor = new Cursor(source, offset, end);
  const readVarint = async (): Promise<void> => {
    const length = Math.min(maxVarint, cursor.remaining);
    if (!cursor.has(length)) await cursor.fill(length);
    const ended = !varint.decode(cursor.peek(length), 0, { file: source.name, offset: cursor.position });
    if (ended) throw malformed("it ends inside a varint", origin, cursor.position);
    cursor.skip(varint.next);
  };
  while (cursor.remaining > 0) {
    const start = cursor.position;
    await readVarint();
    const wire = wireType(varint.low, origin, start);
    const number = fieldNumber(varint.low, varint.high, origin, start);
    const tag = varint.low;
    const at = cursor.position;
    const tagLength = at - start;
    if (wire === 2) {
      await readVarint();
      const length = payloadLength(varint.low, varint.high, cursor.remaining, origin, at);
      const payload = cursor.position;
      cursor.skip(length);
      yield { number, wire, offset: payload, length, low: 0, high: 0, count: 1, tagLength };
      continue;
    }
    const width = wire === 1 ? 8 : 4;
    const value = async (): Promise<void> => {
      if (wire === 0) return readVarint();
      payloadLength(width, 0, cursor.remaining, origin, cursor.position);
      if (!cursor.has(width)) await cursor.fill(width);
      varint.low = cursor.u32();
      varint.high = wire === 1 ? cursor.u32() : 0;
    };
    await value();
    const { low, high } = varint;
    let count = 1;
    let last = cursor.position;
    while (merge && cursor.remaining > 0) {
      const room = Math.min(maxVarint, cursor.remaining);
      if (!cursor.has(room)) await cursor.fill(room);
      if (!varint.decode(cursor.peek(room), 0, origin) || varint.low !== tag || varint.next !== tagLength) break;
      cursor.skip(tagLength);
      // Without an await where the value is in the buffer: there may be a hundred million of them.
      if (wire !== 0 && cursor.has(width)) cursor.skip(width);
      else await value();
      count += 1;
      last = cursor.position;
    }
    yield { number, wire, offset: at, length: last - at, low, high, count, tagLength };
  }
}

/**
 * A length-delimited payload of at most `limit` bytes, read whole; throws `unsupported` beyond. For small messages inside a
 * message that is walked in a source.
 */
export async function payload(source: ByteSource, field: WireField, limit: number, what: string): Promise<Uint8Array> {
  expectWire(field, 2, what);
  if (field.length > limit) {
    throw new CheckpointError("unsupported", `${what} has ${field.length} bytes, at most ${limit} are read`, {
      file: source.name,
      offset: field.offset,
    });
  }
  return source.read(field.offset, field.length);
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
export function text(field: Field, what: string): string {
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
