import { CheckpointError } from "../../errors.ts";
import { type Deflate, inflate } from "../compression.ts";
import { checkRange, target } from "./range.ts";
import type { ByteSource } from "./source.ts";
import { wholeOf } from "./window.ts";

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

/** Compressed bytes as a forward source of `size` inflated ones. */
export function inflated(source: ByteSource, size: number, format: Deflate, name: string = source.name): DecodedSource {
  return decoded(name, size, () => inflate(source, format), [wholeOf(source)]);
}
