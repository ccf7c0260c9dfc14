import { CheckpointError } from "../../../errors.ts";
import { swapBytes } from "../../../io/bytes.ts";
import { itemsize } from "../../../tensor/dtype.ts";
import { decodeChars } from "./chars.ts";
import { at, readData, readInner, storageOf } from "./element.ts";
import { maxText } from "./limits.ts";
import type { Header, ParsedMatrix } from "./matrix-types.ts";
import { countOf } from "./value.ts";

export async function parseChar(header: Header, dims: readonly number[]): Promise<ParsedMatrix> {
  const { parsing, end } = header;
  const { cursor, budget } = parsing;
  if (end - cursor.position < 8)
    return {
      value: { kind: "char", dims, rows: Array.from({ length: Math.min(dims[0] ?? 0, 1) }, () => "") },
      end: cursor.position,
      excess: 0,
    };
  const tag = await readInner(cursor, end);
  const { coding, dtype } = storageOf(cursor, tag);
  if (coding === undefined) throw new CheckpointError("malformed", `a char array of ${dtype} values`, at(cursor, tag.start));
  const size = Math.max(tag.length, countOf(dims), dims[0] ?? 0);
  if (size > Math.min(maxText, budget.text)) {
    cursor.seek(tag.next);
    return { value: { kind: "char", dims, rows: undefined }, end: tag.next, excess: 0 };
  }
  budget.text -= size;
  const bytes = await readData(cursor, tag);
  const unit = itemsize(dtype);
  const little = cursor.bigEndian && unit > 1 ? swapped(bytes, unit) : bytes;
  try {
    return { value: { kind: "char", dims, rows: decodeChars(coding, little, dims) }, end: cursor.position, excess: 0 };
  } catch (error) {
    throw error instanceof CheckpointError ? error.at(at(cursor, header.start)) : error;
  }
}

function swapped(bytes: Uint8Array, unit: number): Uint8Array {
  const copy = bytes.slice();
  swapBytes(copy, unit === 2 ? 2 : 4);
  return copy;
}
