import { Buffer, transcode } from "node:buffer";
import * as zlib from "node:zlib";
import { crc32 } from "../encodings/checksum/crc32.ts";
import { crc32c } from "../encodings/checksum/crc32c.ts";
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
  return kind === "latin1-utf8" ? latin1ToUtf8(input) : deflated(kind, input);
}

/** Every byte as the Unicode character of that number, in UTF-8: how Python 3 pickles Python 2's strings. */
async function* latin1ToUtf8(input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of input) yield transcode(chunk, "latin1", "utf8");
}

async function* deflated(kind: "deflate" | "deflate-raw", input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  // Level 1: weights are noise to deflate, higher levels cost several times the time for under one per cent of the bytes.
  const options: zlib.ZlibOptions = { level: 1, chunkSize: chunkBytes };
  const stream = kind === "deflate" ? zlib.createDeflate(options) : zlib.createDeflateRaw(options);
  let failure: unknown;
  const feeding = (async () => {
    for await (const chunk of input) {
      // A copy: the stream keeps what it is given, the input reuses its buffer.
      if (!stream.write(Buffer.from(chunk))) await new Promise((resolve) => stream.once("drain", resolve));
    }
    stream.end();
  })().catch((error: unknown) => {
    failure = error;
    stream.destroy();
  });
  try {
    for await (const piece of stream) {
      if (piece instanceof Uint8Array) yield piece;
    }
  } catch (error) {
    throw failure ?? error;
  } finally {
    stream.destroy();
  }
  await feeding;
  if (failure !== undefined) throw failure;
}
