import { checkRange, target } from "./range.ts";
import type { ByteSource } from "./source.ts";

/** Bytes in memory as a source. The bytes are not copied: they must not change afterwards. `within`: where they were read. */
export function memorySource(bytes: Uint8Array, name = "memory", within?: ByteSource["within"]): ByteSource {
  return {
    name,
    size: bytes.length,
    access: "random",
    ...(within === undefined ? {} : { within }),
    async read(offset, length, into) {
      checkRange(name, bytes.length, offset, length, into);
      const out = target(length, into);
      out.set(bytes.subarray(offset, offset + length));
      return out;
    },
    async close() {},
  };
}
