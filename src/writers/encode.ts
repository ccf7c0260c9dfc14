import { crc32 } from "../encodings/checksum/crc32.ts";
import { crc32c } from "../encodings/checksum/crc32c.ts";
import { deflate } from "../io/compression.ts";
import type { Context } from "../io/context.ts";
import type { ByteSource, OutputFile } from "../io/source/source.ts";
import type { Group } from "./layout.ts";

/** Bytes read at a time; long reads keep system calls few and inflating readers fast. */
const chunkBytes = 1 << 20;

/** The bytes of `source` from `from` to `end`, in chunks that are only valid until the next one is asked for. */
export async function* chunks(source: ByteSource, from: number, end: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(Math.min(chunkBytes, Math.max(end - from, 1)));
  for (let at = from; at < end; at += buffer.length) {
    yield await source.read(at, Math.min(buffer.length, end - at), buffer);
  }
}

export async function checksum(
  kind: NonNullable<Group["checksum"]>,
  source: ByteSource,
  from: number,
  end: number,
  ctx: Context,
): Promise<number> {
  const update = kind === "crc32" ? crc32 : crc32c;
  let value = 0;
  for await (const chunk of chunks(source, from, end)) {
    value = update(chunk, value);
    await ctx.tick(0);
  }
  return value;
}

/** Encodes the first `length` bytes of `raw` into `file` at `at`; the number of bytes written. */
export async function encode(
  kind: NonNullable<Group["encode"]>,
  raw: ByteSource,
  length: number,
  { file, at }: { readonly file: OutputFile; readonly at: number },
  ctx: Context,
): Promise<number> {
  let end = at;
  for await (const piece of encoded(kind, chunks(raw, 0, length))) {
    await file.write(end, piece);
    end += piece.length;
    await ctx.tick(0);
  }
  return end - at;
}

function encoded(kind: NonNullable<Group["encode"]>, input: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  return kind === "latin1-utf8" ? latin1ToUtf8(input) : deflate(kind === "deflate" ? "zlib" : "raw", input);
}

/** Every byte as the Unicode character of that number, in UTF-8: how Python 3 pickles Python 2's strings. */
async function* latin1ToUtf8(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of input) yield latin1AsUtf8(chunk);
}

/**
 * Bytes below 128 are themselves, others two bytes: 110000xx 10xxxxxx (RFC 3629, section 3). Without a branch, which weights would have guessed
 * wrongly every other time: the first of two is always written, and kept where the highest bit is set, which clears bit 6 of the second.
 */
function latin1AsUtf8(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(2 * bytes.length);
  let to = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    const high = byte >> 7;
    out[to] = 0xc0 | (byte >> 6);
    to += high;
    out[to++] = byte & ~(high << 6);
  }
  return out.subarray(0, to);
}
