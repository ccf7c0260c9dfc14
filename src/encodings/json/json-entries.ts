import type { ByteSource } from "../../io/source/source.ts";
import { type Json, type JsonMember, JsonParser } from "./json.ts";

/** Bytes of a JSON object that are looked at together; a longer entry is read once more with as many again. */
const WINDOW = 1 << 16;

/**
 * The entries of one JSON object, which is `length` bytes at `offset` of a source, one at a time: neither its text nor its values are ever all
 * there. Throws as `parseJsonBytes`, and where the bytes hold something else than an object, `malformed`; but a key that occurs twice is
 * the caller's to refuse (`occursTwice`), who keeps the keys in any case.
 */
export async function eachJsonEntry(
  source: ByteSource,
  offset: number,
  length: number,
  visit: (key: string, value: Json) => void,
): Promise<void> {
  let buffer = new Uint8Array(Math.min(WINDOW, length));
  const windowAt = async (base: number, size: number): Promise<JsonParser> => {
    const count = Math.min(size, length - base);
    // Strings are copies, so that the bytes behind them may change.
    if (count > buffer.length) buffer = new Uint8Array(count);
    return new JsonParser(await source.read(offset + base, count, buffer), source.name, false, base);
  };
  let parser = await windowAt(0, WINDOW);
  let start = 0;
  for (let more = true; more; ) {
    let entry: JsonMember | undefined;
    try {
      entry = start === 0 ? parser.firstEntry() : parser.entry();
    } catch (error) {
      if (parser.end === length) throw error;
      // It may be the end of the window that is in the way.
      parser = await windowAt(start, Math.max(WINDOW, 2 * (parser.end - start)));
      continue;
    }
    start = parser.at;
    more = entry?.more === true;
    if (entry !== undefined) visit(entry.key, entry.value);
  }
  while (parser.blank() && parser.end < length) parser = await windowAt(parser.end, WINDOW);
  parser.finish();
}
