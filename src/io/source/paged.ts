import { Recent } from "../recent.ts";
import { checkRange, target } from "./range.ts";
import type { ByteSource } from "./source.ts";

const PAGE = 1 << 14;
/** 256 KiB in all: the structures of one object are near each other, and those of a few objects are walked at a time. */
const MOST = 16;

/**
 * The same bytes, fetched a page at a time and kept for a while: for parsers that jump between short structures, where a system call for
 * each costs more than the page. Reads longer than a page pass by.
 */
export function paged(source: ByteSource, pageSize = PAGE): ByteSource {
  const pages = new Recent<number, Uint8Array>(MOST);
  const page = async (number: number): Promise<Uint8Array> => {
    const known = pages.get(number);
    if (known !== undefined) return known;
    const bytes = await source.read(number * pageSize, Math.min(pageSize, source.size - number * pageSize));
    pages.put(number, bytes);
    return bytes;
  };
  return {
    name: source.name,
    size: source.size,
    access: source.access,
    async read(offset, length, into) {
      if (length > pageSize) return source.read(offset, length, into);
      checkRange(source.name, source.size, offset, length, into);
      const out = target(length, into);
      for (let done = 0; done < length; ) {
        const number = Math.floor((offset + done) / pageSize);
        const bytes = await page(number);
        const from = offset + done - number * pageSize;
        const part = bytes.subarray(from, from + length - done);
        out.set(part, done);
        done += part.length;
      }
      return out;
    },
    async close() {
      pages.clear();
    },
  };
}
