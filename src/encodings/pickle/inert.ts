import type { Inert } from "../../tensor/checkpoint.ts";
import { numpyArray, numpyScalar } from "./numpy.ts";
import { bytesValue, itemsOf, keyName, mappingEntries } from "./standard.ts";
import { toLatin1 } from "./text.ts";
import { GlobalName, type PickleValue, Slice } from "./values.ts";

/** Plain lists and dicts are kept as they are up to this many values; a longer one is recognised by its length. */
const maxValues = 10_000;
/** A list of lists of settings; deeper nesting is walked by whoever asks. */
const maxDepth = 8;

/**
 * A value as plain data: numbers, texts, bytes, names, and lists and dicts of nothing else. Undefined where anything in it is an object
 * or an array, or where it is too much.
 */
export function plainValue(value: PickleValue): Inert | undefined {
  let left = maxValues;
  const convert = (item: PickleValue, depth: number): Inert | undefined => {
    left -= 1;
    if (left < 0 || depth > maxDepth) return undefined;
    if (item === null || typeof item !== "object" || item instanceof Uint8Array) return item;
    if (item instanceof GlobalName) return item.path;
    if (item instanceof Slice) return `<${item.length} bytes>`;
    const entries = mappingEntries(item);
    if (entries !== undefined) {
      const map = new Map<string, Inert>();
      for (const [key, inner] of entries) {
        const converted = convert(inner, depth + 1);
        if (converted === undefined) return undefined;
        map.set(keyName(key, entries), converted);
      }
      return map;
    }
    const items = itemsOf(item);
    if (items === undefined) {
      const bytes = bytesValue(item);
      if (bytes instanceof Slice) return `<${bytes.length} bytes>`;
      if (bytes !== undefined) return typeof bytes === "string" ? toLatin1(bytes) : bytes;
      const array = numpyArray(item);
      return array?.scalar === true ? numpyScalar(array) : undefined;
    }
    const list: Inert[] = [];
    for (const inner of items) {
      const converted = convert(inner, depth + 1);
      if (converted === undefined) return undefined;
      list.push(converted);
    }
    return list;
  };
  return convert(value, 0);
}
