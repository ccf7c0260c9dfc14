import { latin1 } from "../../../io/bytes.ts";
import type { Cursor } from "../../../io/source/cursor.ts";
import { miMatrix } from "./element.ts";
import type { MatBudget } from "./limits.ts";
import type { MatValue } from "./value.ts";

/** Longer texts are few. In bytes, tags included. */
const longest = 1024;
/** An array's own tag; flags, dimensions and the empty name with their tags; the tag of the characters. In words of 4 bytes. */
const wordsBefore = 14;
const classChar = 4;
/** int8, uint8 and UTF-8: one byte a character, as long as all are ASCII. */
const byteTypes: readonly number[] = [1, 2, 16];

/**
 * As many arrays as follow at the cursor, are in its buffer, and are texts of one row as MATLAB and SciPy lay it: flags (type 6), two
 * dimensions (type 5), no name (type 1), characters. Class names are thousands of them, and step by step each takes a dozen promises.
 * The cursor is behind the last of them afterwards; what differs in anything is left to be read step by step.
 */
export function shortTexts(cursor: Cursor, end: number, most: number, budget: MatBudget): readonly MatValue[] {
  const texts: MatValue[] = [];
  const bytes = cursor.peek(Math.min(cursor.buffered, end - cursor.position));
  if (cursor.bigEndian || bytes.byteOffset % 4 !== 0) return texts;
  // Words of the platform's byte order: every platform that runs Node is little-endian.
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 4));
  let at = 0;
  while (texts.length < most && budget.arrays > 0 && budget.text >= longest) {
    const columns = shortColumns(words, at / 4);
    if (columns === 0) break;
    const start = at + 4 * (wordsBefore - (columns <= 4 && isSmall(words, at / 4) ? 1 : 0));
    const next = at + 8 + (words[at / 4 + 1] ?? 0);
    if (next > bytes.length || Math.ceil((start + columns - at) / 8) * 8 !== next - at || !isAscii(bytes, start, start + columns)) break;
    budget.arrays -= 1;
    budget.text -= columns;
    texts.push({ kind: "char", dims: [1, columns], rows: [latin1(bytes, start, start + columns)] });
    at = next;
  }
  cursor.skip(at);
  return texts;
}

/** Characters of the text whose tag is at a word; 0 where something else is there. */
function shortColumns(words: Int32Array, at: number): number {
  if (at + wordsBefore > words.length || words[at] !== miMatrix || (words[at + 1] ?? 0) > longest) return 0;
  if (words[at + 2] !== 6 || words[at + 3] !== 8 || words[at + 4] !== classChar) return 0;
  if (words[at + 6] !== 5 || words[at + 7] !== 8 || words[at + 8] !== 1) return 0;
  if (words[at + 10] !== 1 || words[at + 11] !== 0) return 0;
  const first = words[at + 12] ?? 0;
  const small = isSmall(words, at);
  const length = small ? Math.floor(first / 65536) : (words[at + 13] ?? 0);
  return byteTypes.includes(first % 65536) && length > 0 && length === words[at + 9] && (!small || length <= 4) ? length : 0;
}

/** Whether the characters are in their tag. */
function isSmall(words: Int32Array, at: number): boolean {
  return (words[at + 12] ?? 0) >= 65536;
}

function isAscii(bytes: Uint8Array, from: number, to: number): boolean {
  for (let k = from; k < to; k += 1) if ((bytes[k] ?? 0) > 127) return false;
  return true;
}
