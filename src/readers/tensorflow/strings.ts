import { crc32c, unmaskCrc } from "../../encodings/checksum/crc32c.ts";
import { CheckpointError } from "../../errors.ts";
import { Cursor } from "../../io/source/cursor.ts";
import type { ByteSource } from "../../io/source/source.ts";

/**
 * A DT_STRING tensor in a V2 data file (tensorflow/core/util/tensor_bundle/tensor_bundle.cc): a varint64 length for each element,
 * u32 LE masked CRC-32C of the lengths (each taken as u32 LE, u64 LE where it needs more), then all the bytes. The entry's own
 * checksum runs over those lengths, the four stored bytes, and the bytes of the elements.
 */

/** An element is handed on whole. */
const maxElement = 256 << 20;

/** The elements in row-major order, checksums compared at the end. Throws `malformed`, `truncated`, `unsupported`. */
export async function* stringElements(
  source: ByteSource,
  count: number,
  crc: number | undefined,
  tensor: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const where = { file: source.name, tensor };
  if (count > source.size) throw new CheckpointError("malformed", `${count} strings in ${source.size} bytes`, where);
  const first = new Cursor(source);
  let rolled = 0;
  let total = 0;
  for (let k = 0; k < count; k++) {
    const length = await stringLength(first);
    rolled = crc32c(lengthBytes(length), rolled);
    total += length;
  }
  await first.need(4);
  const stored = first.bytes(4);
  if (crc !== undefined && unmaskCrc(new DataView(stored.buffer).getUint32(0, true)) !== rolled) {
    throw new CheckpointError("malformed", "the checksum of its string lengths is wrong", where);
  }
  if (total !== first.remaining) {
    throw new CheckpointError("malformed", `its strings have ${total} bytes, ${first.remaining} are there`, where);
  }
  rolled = crc32c(stored, rolled);
  // Lengths are read a second time rather than kept: there may be as many as the file has bytes.
  const lengths = new Cursor(source);
  const values = new Cursor(source, first.position);
  for (let k = 0; k < count; k++) {
    const length = await stringLength(lengths);
    if (length > maxElement) throw new CheckpointError("unsupported", `a string of ${length} bytes, at most ${maxElement} are read`, where);
    if (!values.has(length)) await values.fill(length);
    const element = values.bytes(length);
    rolled = crc32c(element, rolled);
    yield element;
  }
  if (crc !== undefined && rolled !== crc) throw new CheckpointError("malformed", "the checksum of its strings is wrong", where);
}

async function stringLength(cursor: Cursor): Promise<number> {
  let value = 0;
  for (let k = 0; k < 8; k++) {
    if (!cursor.has(1)) await cursor.fill(1);
    const byte = cursor.u8();
    value += (byte & 0x7f) * 2 ** (7 * k);
    if (byte < 0x80 && Number.isSafeInteger(value)) return value;
  }
  throw new CheckpointError("malformed", "the length of a string is beyond 2^53", { file: cursor.source.name, offset: cursor.position });
}

function lengthBytes(length: number): Uint8Array {
  const wide = length > 0xffffffff;
  const view = new DataView(new ArrayBuffer(wide ? 8 : 4));
  if (wide) view.setBigUint64(0, BigInt(length), true);
  else view.setUint32(0, length, true);
  return new Uint8Array(view.buffer);
}
