import { type Stats, statSync } from "node:fs";
import { CheckpointError } from "../errors.ts";

/**
 * Notes size, times and identity of files, and returns what says later whether they are still the same: throws `changed` where one was
 * written to, replaced or removed. Paths that lead nowhere are left out.
 */
export function watchFiles(paths: readonly string[]): () => void {
  const before = new Map<string, string>();
  for (const path of paths) {
    const state = stateOf(path);
    if (state !== undefined) before.set(path, state);
  }
  return () => {
    for (const [path, state] of before) {
      if (stateOf(path) === state) continue;
      throw new CheckpointError("changed", "the input changed while it was read; nothing was written", {
        file: path,
        hint: "run again when nothing writes to it any more",
      });
    }
  };
}

function stateOf(path: string): string | undefined {
  let stat: Stats | undefined;
  try {
    stat = statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // names that are no paths here (members of an archive): reading them failed already, if it had to
  }
  return stat?.isFile() ? `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeMs}` : undefined;
}
