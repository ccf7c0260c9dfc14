import { CheckpointError, isCheckpointError } from "../../errors.ts";
import { checkRange, target } from "./range.ts";
import type { ByteSource } from "./source.ts";
import { wholeOf } from "./window.ts";
import { zlib } from "./zlib.ts";

/** Bytes read at a time. */
const CHUNK = 1 << 20;
/** Bytes inflated at a time: the default of 16 KiB takes nearly twice as long, and these are still in the cache when they are used. */
const INFLATED = 256 << 10;
/** Inflated ahead, in the thread pool, while what is there is used. */
const AHEAD = 1 << 20;

/** A forward source that also tells how often its decoding was begun anew; a test counts that. */
export interface DecodedSource extends ByteSource {
  readonly starts: () => number;
}

/**
 * A decoding that only runs forward (inflate, latin-1 text, varints, ASCII numbers): `start` yields the decoded bytes from the
 * beginning, `size` in all. A read that goes back starts it again, so take it through `Context.random` where order is not given.
 * `stored`: where the encoded bytes are. Throws `truncated` when the decoding ends early, `malformed` when it yields more than `size` (seen on the read of the last byte).
 */
export function decoded(name: string, size: number, start: () => AsyncIterable<Uint8Array>, stored?: ByteSource["stored"]): DecodedSource {
  let chunks: AsyncIterator<Uint8Array> | undefined;
  let chunk: Uint8Array = new Uint8Array(0);
  let used = 0; // of the chunk
  let position = 0; // in the decoded bytes
  let starts = 0;

  const next = async (): Promise<boolean> => {
    const result = await chunks?.next();
    if (result === undefined || result.done === true) return false;
    chunk = result.value;
    used = 0;
    return true;
  };
  const stop = async (): Promise<void> => {
    const running = chunks;
    chunks = undefined;
    chunk = new Uint8Array(0);
    used = 0;
    await running?.return?.();
  };
  /** Moves on by `length` bytes, into `out` where given. */
  const advance = async (length: number, out?: Uint8Array): Promise<void> => {
    let done = 0;
    while (done < length) {
      if (used === chunk.length && !(await next())) {
        await stop();
        throw new CheckpointError("truncated", `the encoded data ends after ${position} of ${size} bytes`, { file: name });
      }
      const count = Math.min(length - done, chunk.length - used);
      out?.set(chunk.subarray(used, used + count), done);
      used += count;
      done += count;
      position += count;
    }
  };
  return {
    name,
    size,
    access: "forward",
    stored,
    starts: () => starts,
    async read(offset, length, into) {
      checkRange(name, size, offset, length, into);
      if (length === 0) return target(0, into);
      if (chunks === undefined || offset < position) {
        await stop();
        chunks = start()[Symbol.asyncIterator]();
        position = 0;
        starts += 1;
      }
      await advance(offset - position);
      const out = target(length, into);
      await advance(length, out);
      if (position === size) {
        const more = used < chunk.length || ((await next()) && chunk.length > 0);
        await stop();
        if (more) {
          throw new CheckpointError("malformed", `the encoded data holds more than the ${size} bytes it should`, { file: name });
        }
      }
      return out;
    },
    async close() {
      await stop();
    },
  };
}

export type Deflate = "zlib" | "raw" | "gzip";

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

/** Compressed bytes as a forward source of `size` inflated ones. */
export function inflated(source: ByteSource, size: number, format: Deflate, name: string = source.name): DecodedSource {
  return decoded(name, size, () => inflate(source, format), [wholeOf(source)]);
}
