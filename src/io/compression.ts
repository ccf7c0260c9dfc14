import { createRequire } from "node:module";
import { CheckpointError, isCheckpointError } from "../errors.ts";
import type { ByteSource } from "./source/source.ts";

/* Deflate with Node's zlib; `browser/compression.ts` does the same without it. Both give the same bytes and the same messages. */

export type Deflate = "zlib" | "raw" | "gzip";

/** Bytes read at a time. */
const CHUNK = 1 << 20;
/** Bytes inflated at a time: the default of 16 KiB takes nearly twice as long, and these are still in the cache when they are used. */
const INFLATED = 256 << 10;
/** Inflated ahead, in the thread pool, while what is there is used. */
const AHEAD = 1 << 20;

type Zlib = typeof import("node:zlib");
let loaded: Zlib | undefined;

/** Loaded when first asked for: it brings all of Node's streams, some milliseconds that uncompressed files do without. */
function zlib(): Zlib {
  if (loaded !== undefined) return loaded;
  const module: Zlib = createRequire(import.meta.url)("node:zlib");
  loaded = module;
  return module;
}

/** The bytes of `source` inflated, as they come, in chunks of up to 256 KiB. Throws `malformed` and `truncated`. */
export async function* inflate(source: ByteSource, format: Deflate): AsyncGenerator<Uint8Array> {
  const options = { chunkSize: INFLATED, readableHighWaterMark: AHEAD };
  const { createGunzip, createInflate, createInflateRaw } = zlib();
  const stream = format === "zlib" ? createInflate(options) : format === "raw" ? createInflateRaw(options) : createGunzip(options);
  let fed = 0;
  let failure: unknown;
  // Filled anew when the stream has drained, so that pages are not touched for the first time again and again.
  const buffer = Buffer.allocUnsafe(Math.min(CHUNK, source.size));
  const feed = async (): Promise<void> => {
    while (fed < source.size && !stream.destroyed && !stream.readableEnded) {
      const bytes = await source.read(fed, Math.min(CHUNK, source.size - fed), buffer);
      fed += bytes.length;
      if (!stream.write(bytes)) {
        await new Promise<void>((resolve) => {
          const events = ["drain", "close", "end"] as const;
          const done = (): void => {
            for (const event of events) stream.off(event, done);
            resolve();
          };
          for (const event of events) stream.on(event, done);
        });
      }
    }
    stream.end();
  };
  const feeding = feed().catch((error: unknown) => {
    failure = error;
    stream.destroy(error instanceof Error ? error : new Error(String(error)));
  });
  try {
    for await (const chunk of stream) {
      if (chunk instanceof Uint8Array) yield chunk;
    }
    await feeding;
  } catch (error) {
    if (isCheckpointError(failure ?? error)) throw failure ?? error;
    throw fromZlib(error, source.name);
  } finally {
    stream.destroy();
  }
}

function fromZlib(error: unknown, file: string): unknown {
  if (!(error instanceof Error) || !("errno" in error)) return error;
  if (error.errno === zlib().constants.Z_BUF_ERROR) {
    return new CheckpointError("truncated", "the compressed data ends in the middle", { file, cause: error });
  }
  return new CheckpointError("malformed", `the compressed data is damaged (${error.message})`, { file, cause: error });
}

/** A zlib stream inflated at once. Throws a RangeError where it is longer than `most`, another Error where it is damaged or cut. */
export function inflateAll(bytes: Uint8Array, most: number): Uint8Array {
  return zlib().inflateSync(bytes, { maxOutputLength: most });
}

/** CRC-32 in machine code; undefined before Node 20.15, which has none. */
export function systemCrc32(): ((bytes: Uint8Array, crc?: number) => number) | undefined {
  const { crc32 } = zlib();
  return typeof crc32 === "function" ? crc32 : undefined;
}

/** The chunks of `input` deflated, which may be used again when the next one is asked for. */
export async function* deflate(format: "zlib" | "raw", input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  // Level 1: weights are noise to deflate, higher levels cost several times the time for under one per cent of the bytes.
  const options = { level: 1, chunkSize: CHUNK };
  const { createDeflate, createDeflateRaw } = zlib();
  const stream = format === "zlib" ? createDeflate(options) : createDeflateRaw(options);
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
