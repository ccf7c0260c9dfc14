import { type BigIntStats, statSync } from "node:fs";
import { CheckpointError } from "../errors.ts";

/** The files that something is read from, each with the state that it had when it was first opened, before any byte of it was read. */
export interface OpenedFiles {
  /** `stat`: of the open descriptor, not of the name, which may lead to another file by then. */
  add(path: string, stat: BigIntStats): void;
  /** The same for a file that has no descriptor: one on a server, with its size in bytes, or one that was asked for and is not there. */
  note(name: string, state: SeenState): void;
  /** Names that a folder was found to have. */
  listed(folder: string, names: readonly string[]): void;
  lists(): ReadonlyMap<string, readonly string[]>;
  /** All files in the order of asking, with what tells one state of a file from another between runs: `null` where there was no file. */
  seen(): ReadonlyMap<string, SeenState>;
  /**
   * Throws `changed` where a file was written to, replaced or removed since. Writes within one tick of the file system's clock (up to
   * 10 ms on Linux) after the last one before the opening cannot be known.
   */
  refuseChanged(consequence: string): void;
}

/** What is known of a file that was asked for: what its server or file system says of its state (undefined: nothing), and its bytes. */
export type SeenState = { readonly etag: string | undefined; readonly bytes: number } | null;

export function openedFiles(): OpenedFiles {
  const states = new Map<string, string>();
  const seen = new Map<string, SeenState>();
  const lists = new Map<string, readonly string[]>();
  return {
    add(path, stat) {
      if (!states.has(path)) states.set(path, stateOf(stat));
      seen.set(path, seenState(stat));
    },
    note(name, state) {
      seen.set(name, state);
    },
    seen: () => seen,
    listed(folder, names) {
      lists.set(folder, names);
    },
    lists: () => lists,
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

/** Size in bytes and time of the last write in ns, as servers write a weak ETag: the same for a copy that keeps its times. */
function seenState({ size, mtimeNs }: Pick<BigIntStats, "size" | "mtimeNs">): SeenState {
  return { etag: `W/"${size.toString(16)}-${mtimeNs.toString(16)}"`, bytes: Number(size) };
}

/** The state of a file as `seen` gives it; null where there is none. */
export function stateAt(path: string): SeenState {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat?.isFile() === true ? seenState(stat) : null;
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
