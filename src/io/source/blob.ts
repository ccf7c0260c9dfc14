import { CheckpointError } from "../../errors.ts";
import { checkRange, target } from "./range.ts";
import type { ByteSource } from "./source.ts";

/** Reads of a browser that are under way at once. */
const AT_ONCE = 64;

/** A Blob or a File of a browser or of Node as a source: only what is read is fetched from it. */
export function blobSource(blob: Blob, name: string): ByteSource {
  const source = slicedSource(name, blob.size, (start, end) => blob.slice(start, end).arrayBuffer());
  return {
    ...source,
    // Each read is a way to another process and back: many are under way at once.
    async readRuns({ offset, stride, count, length, pitch }, into) {
      for (let first = 0; first < count; first += AT_ONCE) {
        const some = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, k) => first + k);
        await Promise.all(some.map((k) => source.read(offset + k * stride, length, into.subarray(k * pitch))));
      }
    },
  };
}

/** Bytes that somebody gives part by part, as a source. Throws `changed` where a part is not as long as it has to be. */
export function slicedSource(
  name: string,
  size: number,
  slice: (start: number, end: number) => ArrayBuffer | Promise<ArrayBuffer>,
): ByteSource {
  return {
    name,
    size,
    access: "random",
    async read(offset, length, into) {
      checkRange(name, size, offset, length, into);
      const out = target(length, into);
      const part = new Uint8Array(await slice(offset, offset + length));
      if (part.length !== length) {
        throw new CheckpointError("changed", `${part.length} bytes were given, and the ${length} at byte ${offset} were asked for`, {
          file: name,
          offset,
        });
      }
      out.set(part);
      return out;
    },
    async close() {},
  };
}
