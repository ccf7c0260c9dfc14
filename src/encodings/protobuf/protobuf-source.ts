import { CheckpointError } from "../../errors.ts";
import { Cursor } from "../../io/source/cursor.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { expectWire } from "./protobuf.ts";
import { fieldNumber, malformed, maxVarint, type Origin, payloadLength, VarintDecoder, type WireField, wireType } from "./protobuf-wire.ts";

/** A field, or consecutive scalar fields with the same tag (a repeated field that is not packed) taken together. */
export interface FieldRun extends WireField {
  /** Fields in the run; low and high are those of the first. */
  readonly count: number;
  /** Of the tag, in bytes: it comes before each value. */
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
export function sourceRuns(source: ByteSource, offset = 0, end = source.size): AsyncGenerator<FieldRun, void, undefined> {
  return walk(source, offset, end, true);
}

async function* walk(source: ByteSource, offset: number, end: number, merge: boolean): AsyncGenerator<FieldRun, void, undefined> {
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
export async function fieldPayload(source: ByteSource, field: WireField, limit: number, what: string): Promise<Uint8Array> {
  expectWire(field, 2, what);
  if (field.length > limit) {
    throw new CheckpointError("unsupported", `${what} has ${field.length} bytes, at most ${limit} are read`, {
      file: source.name,
      offset: field.offset,
    });
  }
  return source.read(field.offset, field.length);
}
