import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

/** Every file and empty folder below one, with the hash of its bytes. */
export type State = ReadonlyMap<string, string>;

export function stateOf(folder: string): State {
  const state = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(folder.length + 1);
    if (entry.isDirectory()) {
      if (readdirSync(path).length === 0) state.set(`${name}/`, "empty");
    } else state.set(name, createHash("sha1").update(readFileSync(path)).digest("hex"));
  }
  return state;
}

/** What SIGKILL may leave beside outputs: `.NAME.PID-N.vggtool-tmp` of that process. */
export function withoutTemporary(state: State, pid: number | undefined): State {
  return new Map([...state].filter(([name]) => !new RegExp(`^(.*/)?\\.[^/]+\\.${pid}-\\d+\\.vggtool-tmp$`).test(name)));
}

export function same(a: State, b: State): boolean {
  return a.size === b.size && [...a].every(([name, hash]) => b.get(name) === hash);
}

/** What may be there after a fault: which of these it is, or what is wrong. */
export function judge(found: State, places: { readonly old: State; readonly whole: State; readonly entries: readonly string[] }): string {
  const { old, whole, entries } = places;
  if (same(found, old)) return "old";
  if (same(found, whole)) return "new";
  // A kill between the making of the output's folder and the naming of its files.
  if (found.size === 1 && [...found].every(([name, hash]) => hash === "empty" && [...whole.keys()].some((file) => file.startsWith(name))))
    return "no entry";
  const strange = [...found].filter(([name, hash]) => hash !== old.get(name) && hash !== whole.get(name)).map(([name]) => name);
  if (strange.length > 0) return `WRONG: ${strange.join(", ")}`;
  // Files of both are allowed as long as nothing opens them.
  return entries.some((entry) => found.has(entry))
    ? `WRONG: the entry is there, with a mixed set: ${[...found.keys()].join(", ")}`
    : "no entry";
}

export function emptied(folder: string): void {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
}
