import { CheckpointError } from "../../errors.ts";
import type { Cursor } from "../../io/source/cursor.ts";

/** One line of a text instruction; without its bytes where it is too long to be kept. */
export interface Line {
  /** Of the first byte, in the source. */
  readonly offset: number;
  /** In bytes, without the line feed. */
  readonly length: number;
  readonly bytes: Uint8Array | undefined;
}

const LINE_FEED = 0x0a;
/** Looked at first, then four times as many, up to MAX_CHUNK at a time. */
const FIRST_CHUNK = 256;
const MAX_CHUNK = 1 << 16;

/** Nearly all lines are this short: a module, a class, a number. */
const SHORT = 64;

/** A short line that is in the buffer, which is consumed with its line feed; undefined where it takes more. */
export function shortLine(cursor: Cursor): Uint8Array | undefined {
  if (!cursor.has(SHORT)) return undefined;
  const view = cursor.peek(SHORT);
  const length = view.indexOf(LINE_FEED);
  if (length < 0) return undefined;
  cursor.skip(length + 1);
  return view.subarray(0, length);
}

/** Up to the next line feed, which is consumed; `keep` decides whether a line of that length is read. Throws `truncated` without one. */
export async function readLine(cursor: Cursor, keep: (length: number) => boolean): Promise<Line> {
  const offset = cursor.position;
  let length = 0;
  for (let chunk = FIRST_CHUNK; ; chunk = Math.min(4 * chunk, MAX_CHUNK)) {
    const count = Math.min(chunk, cursor.remaining);
    if (count === 0) throw new CheckpointError("truncated", "the pickle ends inside a line", { file: cursor.source.name, offset });
    if (!cursor.has(count)) await cursor.fill(count);
    const found = cursor.peek(count).indexOf(LINE_FEED);
    length += found < 0 ? count : found;
    cursor.skip(found < 0 ? count : found);
    if (found >= 0) break;
  }
  const after = cursor.position + 1;
  if (!keep(length)) {
    cursor.seek(after);
    return { offset, length, bytes: undefined };
  }
  cursor.seek(offset);
  await cursor.need(length + 1);
  const bytes = cursor.bytes(length);
  cursor.seek(after);
  return { offset, length, bytes };
}
