import { CheckpointError } from "../../../errors.ts";
import { latin1 } from "../../../io/bytes.ts";
import type { Cursor } from "../../../io/source/cursor.ts";
import { freeName } from "../../../tensor/free-name.ts";
import { at, readData, readInner, storageOf } from "./element.ts";
import { maxDims, maxText } from "./limits.ts";
import type { Parsing } from "./matrix-types.ts";

export async function readMatrixDims(cursor: Cursor, end: number): Promise<readonly number[]> {
  const tag = await readInner(cursor, end);
  // Some writers tag dimensions as unsigned; scipy takes those too, as long as none is above 2^31.
  if ((tag.type !== 5 && tag.type !== 6) || tag.length % 4 !== 0 || tag.length < 8) {
    throw new CheckpointError("malformed", `dimensions of type ${tag.type} and ${tag.length} bytes`, at(cursor, tag.start));
  }
  if (tag.length > 4 * maxDims)
    throw new CheckpointError("unsupported", `${tag.length / 4} dimensions, at most ${maxDims} are read`, at(cursor, tag.start));
  if (!cursor.has(tag.length)) await cursor.fill(tag.length);
  const dims = Array.from({ length: tag.length / 4 }, () => cursor.i32());
  const negative = dims.find((n) => n < 0);
  if (negative !== undefined) throw new CheckpointError("malformed", `a dimension of ${negative}`, at(cursor, tag.start));
  cursor.seek(tag.next);
  return dims;
}

/** One for all names: a network has some hundred, and making a decoder takes longer than decoding one. */
const utf8 = new TextDecoder();

/** MATLAB's names have at most 63 characters, some writers allow more; class names may have a package in front. */
const maxName = 4096;

export async function readName(cursor: Cursor, end: number): Promise<string> {
  const tag = await readInner(cursor, end);
  if ((tag.type !== 1 && tag.type !== 16 && tag.type !== 2) || tag.length > maxName) {
    throw new CheckpointError("malformed", `a name of type ${tag.type} and ${tag.length} bytes`, at(cursor, tag.start));
  }
  const bytes = await readData(cursor, tag);
  // What is inside of cells and structs has none.
  if (bytes.length === 0) return "";
  if (bytes.some((byte) => byte > 127)) throw new CheckpointError("malformed", "a name that is not ASCII", at(cursor, tag.start));
  return latin1(bytes);
}

/** A name that is there twice gets a number: MATLAB cannot make such a struct, SciPy reads it under names of its own. */
export async function readFieldNames({ cursor, remarks }: Parsing, end: number): Promise<readonly string[]> {
  const lengthTag = await readInner(cursor, end);
  if ((lengthTag.type !== 5 && lengthTag.type !== 6) || lengthTag.length !== 4) {
    throw new CheckpointError(
      "malformed",
      `a field name length of type ${lengthTag.type} and ${lengthTag.length} bytes`,
      at(cursor, lengthTag.start),
    );
  }
  if (!cursor.has(4)) await cursor.fill(4);
  const width = cursor.i32();
  cursor.seek(lengthTag.next);
  const tag = await readInner(cursor, end);
  if (width < 1 || width > maxName || tag.length % width !== 0 || storageOf(cursor, tag).dtype.endsWith("int8") === false) {
    throw new CheckpointError("malformed", `${tag.length} bytes of field names of ${width} bytes each`, at(cursor, tag.start));
  }
  if (tag.length > maxText) throw new CheckpointError("unsupported", `${tag.length / width} fields in one struct`, at(cursor, tag.start));
  const bytes = await readData(cursor, tag);
  const names = Array.from({ length: bytes.length / width }, (_, k) => {
    const slot = bytes.subarray(k * width, (k + 1) * width);
    const zero = slot.indexOf(0);
    return utf8.decode(zero < 0 ? slot : slot.subarray(0, zero));
  });
  const seen = new Set<string>();
  for (const name of names) {
    const free = freeName(seen, name);
    seen.add(free);
    if (free !== name)
      remarks.push({ message: `a struct has the field ${name} twice: the second is listed as ${free}`, offset: tag.start });
  }
  return [...seen];
}
