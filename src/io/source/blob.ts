import { checkRange, target } from "./range.ts";
import type { ByteSource } from "./source.ts";

/** A Blob or a File of a browser or of Node as a source: only what is read is fetched from it. */
export function blobSource(blob: Blob, name: string): ByteSource {
  return {
    name,
    size: blob.size,
    access: "random",
    async read(offset, length, into) {
      checkRange(name, blob.size, offset, length, into);
      const out = target(length, into);
      out.set(new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()));
      return out;
    },
    async close() {},
  };
}
