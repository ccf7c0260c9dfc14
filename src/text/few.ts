import { shortened } from "./brief.ts";

/** How many of a list are named in a sentence. */
const usual = 6;
/** Characters of each: keys come from files and may be of any length. */
const longest = 120;

/** "a, b and 3 more" */
export function few(items: readonly string[], named = usual): string {
  const shown = items.length <= named + 1 ? items : items.slice(0, named);
  const names = shown.map((item) => shortened(item, longest)).join(", ");
  return shown.length === items.length ? names : `${names} and ${items.length - shown.length} more`;
}
