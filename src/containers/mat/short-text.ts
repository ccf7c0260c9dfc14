import type { Cursor } from "../../io/cursor.ts";
import { decodeChars } from "./chars.ts";
import { storageOfType, type Tag } from "./element.ts";
import type { Budget } from "./limits.ts";
import type { MatValue } from "./value.ts";

/** Longer texts are few. */
const longest = 1024;
/** Flags, dimensions and the empty name in front of the text, with their tags, in bytes. */
const preamble = 40;
const classChar = 4;

/**
 * A text of one row as MATLAB and SciPy lay it: flags (type 6), two dimensions (type 5), no name (type 1), characters. Class names are
 * thousands of them, and step by step each takes a dozen promises. The cursor is at the tag's data, and behind the text afterwards.
 * undefined, with the cursor where it was, where anything differs or is not in the buffer: then it has to be read step by step.
 */
export function shortText(cursor: Cursor, tag: Tag, budget: Budget): MatValue | undefined {
  if (cursor.bigEndian || tag.length > longest || tag.length < preamble + 8 || !cursor.has(tag.length)) return undefined;
  const text = readText(cursor, tag);
  if (text === undefined || budget.text < longest || budget.arrays < 1) {
    cursor.seek(tag.data);
    return undefined;
  }
  budget.arrays -= 1;
  budget.text -= text.columns;
  cursor.seek(tag.data + tag.length);
  return { kind: "char", dims: [1, text.columns], rows: [text.row] };
}

function readText(cursor: Cursor, tag: Tag): { readonly columns: number; readonly row: string } | undefined {
  if (cursor.u32() !== 6 || cursor.u32() !== 8 || cursor.u32() !== classChar) return undefined;
  cursor.u32();
  if (cursor.u32() !== 5 || cursor.u32() !== 8 || cursor.u32() !== 1) return undefined;
  const columns = cursor.u32();
  if (cursor.u32() !== 1 || cursor.u32() !== 0) return undefined;
  const first = cursor.u32();
  const small = Math.floor(first / 65536);
  const length = small === 0 ? cursor.u32() : small;
  const { coding } = storageOfType(first % 65536) ?? {};
  // One character a byte, so that nothing else has to be checked.
  if ((coding !== "utf8" && coding !== "bytes") || columns !== length || columns === 0 || small > 4) return undefined;
  const padded = Math.ceil((cursor.position + length - tag.data) / 8) * 8;
  if (padded !== tag.length) return undefined;
  return { columns, row: decodeChars(coding, cursor.peek(length), [1, columns])[0] ?? "" };
}
