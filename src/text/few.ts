/** How many of a list are named in a sentence. */
const NAMED = 6;

/** "a, b and 3 more" */
export function few(items: readonly string[]): string {
  if (items.length <= NAMED + 1) return items.join(", ");
  return `${items.slice(0, NAMED).join(", ")} and ${items.length - NAMED} more`;
}
