import { CheckpointError } from "../../errors.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { fromQuoted, fromRawUnicodeEscape, toLatin1 } from "./text.ts";

/** Decoded at a time. */
const BLOCK = 1 << 16;
/** `\U000000ff` has ten characters, so a cut through an escape is at most nine behind its backslash. */
const longestEscape = 10;

/**
 * The bytes behind a long text of protocol 0: `escaped` with \uXXXX, or a `quoted` Python 2 literal. Throws `malformed` for characters
 * beyond U+00FF and broken escapes.
 */
export async function* escapedBytes(
  source: ByteSource,
  offset: number,
  length: number,
  encoding: "escaped" | "quoted",
): AsyncGenerator<Uint8Array> {
  let rest = new Uint8Array(0);
  for (let done = 0; done < length; ) {
    const count = Math.min(BLOCK, length - done);
    const block = new Uint8Array(rest.length + count);
    block.set(rest);
    block.set(await source.read(offset + done, count), rest.length);
    done += count;
    const cut = done < length ? safeCut(block) : block.length;
    const head = block.subarray(0, cut);
    const text = encoding === "escaped" ? fromRawUnicodeEscape(head) : fromQuoted(head);
    const bytes = text === undefined ? undefined : toLatin1(text);
    if (bytes === undefined) {
      throw new CheckpointError("malformed", "bytes kept as text hold a character beyond U+00FF, or a broken escape", {
        file: source.name,
        offset: offset + done - count,
      });
    }
    yield bytes;
    rest = block.slice(cut);
  }
}

/** Before the run of backslashes nearest to the end, if an escape may be cut there. */
function safeCut(block: Uint8Array): number {
  const from = Math.max(0, block.length - longestEscape);
  let cut = block.indexOf(0x5c, from);
  if (cut < 0) return block.length;
  while (cut > 0 && block[cut - 1] === 0x5c) cut -= 1;
  // A run of backslashes that fills the block is hostile: then the cut may as well be anywhere even.
  return cut > 0 ? cut : block.length - (block.length % 2);
}
