import { CheckpointError } from "../../errors.ts";
import { checkRange, target } from "./range.ts";
import type { ByteSource, Runs, StoredRange } from "./source.ts";

/** A range of another source as a source of its own. Throws `truncated` when it reaches beyond the end. */
export function window(source: ByteSource, offset: number, size: number, name: string = source.name): ByteSource {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(size) || offset < 0 || size < 0 || offset + size > source.size) {
    throw new CheckpointError("truncated", `${size} bytes are needed at byte ${offset}, the data ends at ${source.size}`, {
      file: source.name,
    });
  }
  return {
    name,
    size,
    access: source.access,
    within: { source, offset },
    get late() {
      return source.late === undefined ? undefined : { ...source.late, source: window(source.late.source, offset, size, name) };
    },
    async read(at, length, into) {
      checkRange(name, size, at, length, into);
      return source.read(offset + at, length, into);
    },
    get readRuns() {
      const { readRuns } = source;
      if (readRuns === undefined) return undefined;
      return async (runs: Runs, into: Uint8Array): Promise<void> => {
        // The first and the last run: those between are between.
        checkRange(name, size, runs.offset, runs.length);
        checkRange(name, size, runs.offset + (runs.count - 1) * runs.stride, runs.length);
        await readRuns({ ...runs, offset: offset + runs.offset }, into);
      };
    },
    async close() {},
  };
}

/** The open file that a window, or a window of a window, looks at, and where in it; undefined where there is none, or where a checksum is compared on the way. */
export function openFileOf(source: ByteSource, offset: number): { readonly fd: number; readonly offset: number } | undefined {
  if (source.checks !== undefined) return undefined;
  if (source.within !== undefined) return openFileOf(source.within.source, source.within.offset + offset);
  return source.descriptor === undefined ? undefined : { fd: source.descriptor, offset };
}

/** All bytes of a source, as those that others come from. */
export function wholeOf(source: ByteSource): StoredRange {
  return { source, offset: 0, length: source.size };
}

/** Sources one behind the other as one (shards of TF.js, Paddle's `K@@.0`, `K@@.1` …). */
export function concat(sources: readonly ByteSource[], name: string): ByteSource {
  const starts: number[] = [];
  let size = 0;
  for (const source of sources) {
    starts.push(size);
    size += source.size;
  }
  /** The last source that starts at or before `offset`. */
  const find = (offset: number): number => {
    let low = 0;
    let high = sources.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  return {
    name,
    size,
    access: sources.every((source) => source.access === "random") ? "random" : "forward",
    stored: sources.map(wholeOf),
    async read(offset, length, into) {
      checkRange(name, size, offset, length, into);
      const out = target(length, into);
      let done = 0;
      for (let k = find(offset); done < length; k += 1) {
        const source = sources[k];
        if (source === undefined) throw new RangeError(`no source ${k} of ${sources.length}`);
        const from = offset + done - (starts[k] ?? 0);
        const count = Math.min(length - done, source.size - from);
        if (count > 0) await source.read(from, count, out.subarray(done, done + count));
        done += Math.max(count, 0);
      }
      return out;
    },
    async close() {},
  };
}
