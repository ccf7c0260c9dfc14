import { type BigIntStats, statSync } from "node:fs";
import { CheckpointError } from "../errors.ts";

/** The files that something is read from, each with the state that it had when it was first opened, before any byte of it was read. */
export interface OpenedFiles {
  /** `stat`: of the open descriptor, not of the name, which may lead to another file by then. */
  add(path: string, stat: BigIntStats): void;
  /**
   * Throws `changed` where a file was written to, replaced or removed since. Writes within one tick of the file system's clock (up to
   * 10 ms on Linux) after the last one before the opening cannot be told.
   */
  refuseChanged(consequence: string): void;
}

export function openedFiles(): OpenedFiles {
  const states = new Map<string, string>();
  return {
    add(path, stat) {
      if (!states.has(path)) states.set(path, stateOf(stat));
    },
    refuseChanged(consequence) {
      for (const [path, state] of states) {
        if (now(path) === state) continue;
        throw new CheckpointError("changed", `the input changed while it was read; ${consequence}`, {
          file: path,
          hint: "run again when nothing writes to it any more",
        });
      }
    },
  };
}

/** Times in ns. The time of the last change of the entry (ctime) tells writes that set the time of writing back, as cp -p does. */
function stateOf({ ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

/** undefined where the name leads nowhere any more. */
function now(path: string): string | undefined {
  try {
    const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stat === undefined ? undefined : stateOf(stat);
  } catch {
    return undefined; // a folder on the way that may not be entered any more: whatever is there now was not read
  }
}
