import type { Replaced } from "../output/place.ts";

/** What a page makes takes the place of nothing. */
export function olderFiles(): Replaced {
  return { entries: [], parts: [] };
}
