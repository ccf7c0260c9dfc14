import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { systemCode } from "../../src/io/system-error.ts";

/** Every file and empty folder below one, with the hash of its bytes. */
export type State = ReadonlyMap<string, string>;

/**
 * The state of a folder. What is still at work there (the shell that places the files of a run that was killed) may take an entry away
 * between its listing and its reading; then the folder is listed anew.
 */
export function stateOf(folder: string): State {
  for (let tries = 0; tries < 100; tries += 1) {
    const state = listed(folder);
    if (state !== undefined) return state;
  }
  throw new Error(`${folder} never stood still while it was listed 100 times`);
}

/** `undefined` where an entry went away meanwhile. */
function listed(folder: string): State | undefined {
  const state = new Map<string, string>();
  try {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      const name = path.slice(folder.length + 1);
      if (entry.isDirectory()) {
        if (readdirSync(path).length === 0) state.set(`${name}/`, "empty");
      } else state.set(name, createHash("sha1").update(readFileSync(path)).digest("hex"));
    }
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
  return state;
}

export function same(a: State, b: State): boolean {
  return a.size === b.size && [...a].every(([name, hash]) => b.get(name) === hash);
}

/** What may be there after a fault: which of these it is, or what is wrong. */
export function judge(found: State, places: { readonly old: State; readonly whole: State; readonly entry: string }): string {
  const { old, whole, entry } = places;
  if (same(found, old)) return "old";
  if (same(found, whole)) return "new";
  const strange = [...found].filter(([name, hash]) => hash !== old.get(name) && hash !== whole.get(name)).map(([name]) => name);
  if (strange.length > 0) return `WRONG: ${strange.join(", ")}`;
  // Files of both are allowed as long as nothing opens them.
  return found.has(entry) ? `WRONG: the entry is there, with a mixed set: ${[...found.keys()].join(", ")}` : "no entry";
}

export function emptied(folder: string): void {
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
}
