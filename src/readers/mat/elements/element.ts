import { CheckpointError } from "../../../errors.ts";
import type { Cursor } from "../../../io/source/cursor.ts";
import { itemsize, type NumericDType } from "../../../tensor/dtype.ts";
import type { CharCoding } from "./chars.ts";

/*
 * A data element of level 5:   u32 type, u32 bytes, data, padding to 8 bytes (not behind type 15)
 * and its small form:          u32 whose upper half is the byte count (1 to 4) and lower half the type, then 4 bytes of data
 * Read as one u32 in the file's byte order, both forms split alike. Facts: scipy/io/matlab/_mio5.py and _mio5_utils.pyx.
 */

export const miMatrix = 14;
export const miCompressed = 15;

interface StorageType {
  readonly dtype: NumericDType;
  readonly coding?: CharCoding;
}

const storageTypes: ReadonlyMap<number, StorageType> = new Map<number, StorageType>([
  [1, { dtype: "int8", coding: "bytes" }],
  [2, { dtype: "uint8", coding: "bytes" }],
  [3, { dtype: "int16", coding: "utf16" }],
  [4, { dtype: "uint16", coding: "utf16" }],
  [5, { dtype: "int32", coding: "utf32" }],
  [6, { dtype: "uint32", coding: "utf32" }],
  [7, { dtype: "float32" }],
  [9, { dtype: "float64" }],
  [12, { dtype: "int64" }],
  [13, { dtype: "uint64" }],
  [16, { dtype: "uint8", coding: "utf8" }],
  [17, { dtype: "uint16", coding: "utf16" }],
  [18, { dtype: "uint32", coding: "utf32" }],
]);

export interface Tag {
  readonly type: number;
  /** Offset of the tag in the source. */
  readonly start: number;
  /** Offset and length of the data, in bytes. */
  readonly data: number;
  readonly length: number;
  /** Offset of the next element. */
  readonly next: number;
}

/** The tag at the cursor; the cursor is then at its data. Throws `malformed` where it reaches beyond `end`. */
export async function readTag(cursor: Cursor, end: number): Promise<Tag> {
  const start = cursor.position;
  if (start + 8 > end) throw beyond(cursor, start, 8, end);
  if (!cursor.has(8)) await cursor.fill(8);
  const first = cursor.u32();
  const small = Math.floor(first / 65536);
  if (small !== 0) {
    if (small > 4) throw new CheckpointError("malformed", `a small element of ${small} bytes, at most 4 fit`, at(cursor, start));
    return { type: first % 65536, start, data: start + 4, length: small, next: start + 8 };
  }
  const length = cursor.u32();
  const data = start + 8;
  // The padding of an array's last element may be missing: the array ends there all the same.
  return { type: first, start, data, length, next: Math.min(Math.ceil((data + length) / 8) * 8, Math.max(end, data + length)) };
}

/** Like readTag, for an element that has to be within its array, which ends at `end`. */
export async function readInner(cursor: Cursor, end: number): Promise<Tag> {
  const tag = await readTag(cursor, end);
  if (tag.data + tag.length > end) throw beyond(cursor, tag.start, tag.data - tag.start + tag.length, end);
  return tag;
}

function beyond(cursor: Cursor, start: number, needed: number, end: number): CheckpointError {
  return new CheckpointError(
    "malformed",
    `an element of ${needed} bytes reaches beyond its array, which has ${Math.max(0, end - start)} left`,
    at(cursor, start),
  );
}

export function at(cursor: Cursor, offset: number): { readonly file: string; readonly offset: number } {
  return { file: cursor.source.name, offset };
}

/** undefined for types that hold no numbers. */
function storageOfType(type: number): StorageType | undefined {
  return storageTypes.get(type);
}

/** What a numeric element holds; throws `malformed` for types that hold no numbers or no whole number of them. */
export function storageOf(cursor: Cursor, tag: Tag): StorageType {
  const storage = storageOfType(tag.type);
  if (storage === undefined)
    throw new CheckpointError("malformed", `element type ${tag.type} where numbers are needed`, at(cursor, tag.start));
  if (tag.length % itemsize(storage.dtype) !== 0) {
    throw new CheckpointError("malformed", `${tag.length} bytes are no whole number of ${storage.dtype}`, at(cursor, tag.start));
  }
  return storage;
}

/** The data of a short element, a copy; the cursor is then behind it. */
export async function readData(cursor: Cursor, tag: Tag): Promise<Uint8Array> {
  cursor.seek(tag.data);
  if (!cursor.has(tag.length)) await cursor.fill(tag.length);
  const bytes = cursor.bytes(tag.length);
  cursor.seek(tag.next);
  return bytes;
}
