/**
 * The options that leave out some names and none of the others: `--exclude 'head.*'` by the shortest part of a path that only unwanted names
 * are below, since a pattern takes what lies below it too. To be typed in a shell.
 */
export function excludeOptions(unwanted: readonly string[], wanted: readonly string[]): string {
  const patterns = new Set(unwanted.map((name) => shortest(name, wanted)));
  return [...patterns].map((pattern) => `--exclude ${quoted(escaped(pattern))}`).join(" ");
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
function escaped(name: string): string {
  return name.replaceAll(/[*?[\]{}\\]/g, (char) => `\\${char}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
