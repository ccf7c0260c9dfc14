/**
 * Patterns that leave out some names and none of the others: `head` by the shortest part of a path that only unwanted names are below,
 * since a pattern takes what is below it too.
 */
export function excludePatterns(unwanted: readonly string[], wanted: readonly string[]): readonly string[] {
  return [...new Set(unwanted.map((name) => escaped(shortest(name, wanted))))];
}

function shortest(name: string, wanted: readonly string[]): string {
  for (let at = nextCut(name, 0); at > 0; at = nextCut(name, at + 1)) {
    const prefix = name.slice(0, at);
    if (!wanted.some((other) => other === prefix || (other.startsWith(prefix) && isSeparator(other.charAt(at))))) return prefix;
  }
  return name;
}

/** Where the next part of a path ends; -1 behind the last. */
function nextCut(name: string, from: number): number {
  for (let k = from; k < name.length; k++) if (k > 0 && isSeparator(name.charAt(k))) return k;
  return -1;
}

function isSeparator(char: string): boolean {
  return char === "." || char === "/";
}

/** The characters that mean something in a pattern, as themselves. */
export function escaped(name: string): string {
  return name.replaceAll(/[*?[\]{}\\]/g, (char) => `\\${char}`);
}
