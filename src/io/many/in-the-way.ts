import { lstatSync } from "node:fs";
import { dirname, resolve } from "node:path";

/** An output that cannot be written beside the others, by its place in the list, and what it would meet. */
export interface Clash {
  readonly at: number;
  /** Another output's place in the list, a file that is read, or what is there already. */
  readonly with: number | "input" | "existing";
}

/** Names that are one on some disks: without capitals, and with accents in one form. */
function folded(path: string): string {
  return path.normalize("NFC").toUpperCase().toLowerCase();
}

/**
 * The first output that has the name of another, or is a folder of another; that is an input; or, where `existing` counts, whose name is taken
 * on the disk.
 */
export function firstInTheWay(
  outputs: readonly string[],
  { inputs, existing }: { readonly inputs: readonly string[]; readonly existing: boolean },
): Clash | undefined {
  const read = new Set(inputs.map(folded));
  const whole = outputs.map((output) => folded(resolve(output)));
  const first = new Map<string, number>();
  for (const [at, path] of whole.entries()) {
    const other = first.get(path);
    if (other !== undefined) return { at, with: other };
    first.set(path, at);
  }
  for (const [at, path] of whole.entries()) {
    for (let folder = dirname(path); folder !== dirname(folder); folder = dirname(folder)) {
      const other = first.get(folder);
      if (other !== undefined) return { at, with: other };
    }
    if (read.has(path)) return { at, with: "input" };
    if (existing && isTaken(outputs[at] ?? path)) return { at, with: "existing" };
  }
  return undefined;
}

/** Whether there is such a file or folder, or a set of files that is named by it. */
function isTaken(path: string): boolean {
  return [path, `${path}.index`].some((name) => lstatSync(name, { throwIfNoEntry: false }) !== undefined);
}
