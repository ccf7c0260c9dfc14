import { checkRange } from "./range.ts";
import type { ByteSource, OutputFile } from "./source.ts";
import { wholeOf } from "./window.ts";

/** Decoded bytes are taken over in chunks of this size. */
const CHUNK = 1 << 20;

/**
 * The random copy of a forward source: what was decoded is in `file` from byte `at` on, and decoding goes on as far as
 * somebody asks. The region's `source.size` bytes belong to this copy alone.
 */
export function spooled(source: ByteSource, file: OutputFile, at: number): ByteSource {
  let ready = 0; // decoded bytes in the file
  let working: Promise<void> = Promise.resolve();
  const buffer = new Uint8Array(Math.min(CHUNK, source.size));
  const decodeTo = async (end: number): Promise<void> => {
    while (ready < end) {
      const length = Math.min(CHUNK, source.size - ready);
      const bytes = await source.read(ready, length, buffer);
      await file.write(at + ready, bytes);
      ready += length;
    }
  };
  return {
    name: source.name,
    size: source.size,
    access: "random",
    ...(source.decodes === undefined ? {} : { decodes: source.decodes }),
    stored: [wholeOf(source)],
    async read(offset, length, into) {
      checkRange(source.name, source.size, offset, length, into);
      if (offset + length > ready) {
        // One decoder at a time: two readers may ask for the same range at once.
        working = working.then(() => decodeTo(offset + length));
        await working;
      }
      return file.read(at + offset, length, into);
    },
    async close() {},
  };
}
