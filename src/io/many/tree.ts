import { type Dirent, readdirSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { CheckpointError } from "../../errors.ts";
import { naturalOrder } from "../../text/natural-order.ts";
import { type PathAnswer, unhidden } from "../../text/path-pattern.ts";

/** Folders within each other: a link to a folder that leads to ever others has to end. */
const DEEPEST = 64;
/** Names that are looked at: beyond this it is a disk, and not a collection. */
const MOST_NAMES = 2_000_000;

export interface TreeEntry {
  /** Names from the root to it. */
  readonly path: readonly string[];
  /** gone: a link that leads nowhere. closed: a folder that may not be listed. */
  readonly kind: "file" | "special" | "gone" | "closed";
}

/**
 * What is below a folder, but for folders: in each folder first its files and then what is in its folders, both in natural order. Links are
 * followed, but not into a folder that they are in. `takes` says what is wanted and where it may be; unless given, all but names that begin
 * with a dot: these are caches, repositories, and files that are being written.
 */
export function* treeEntries(root: string, takes: (path: readonly string[]) => PathAnswer = unhidden): Generator<TreeEntry> {
  let names = 0;
  function* walk(path: readonly string[], above: readonly string[]): Generator<TreeEntry> {
    const folder = join(root, ...path);
    const listed = listing(folder);
    if (listed === undefined || above.length >= DEEPEST) {
      yield { path, kind: "closed" };
      return;
    }
    if (above.includes(listed.real)) return;
    const folders: (readonly string[])[] = [];
    for (const entry of listed.entries) {
      const inside = [...path, entry.name];
      const answer = takes(inside);
      names += 1;
      if (names > MOST_NAMES) throw new CheckpointError("unsupported", `more than ${MOST_NAMES} names are below it`, { file: root });
      if (answer === undefined) continue;
      const kind = kindOf(entry, folder);
      if (kind === "folder") folders.push(inside);
      else if (answer === "taken") yield { path: inside, kind };
    }
    for (const inside of folders) yield* walk(inside, [...above, listed.real]);
  }
  yield* walk([], []);
}

function listing(folder: string): { readonly real: string; readonly entries: readonly Dirent[] } | undefined {
  try {
    const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => naturalOrder(a.name, b.name));
    return { real: realpathSync(folder), entries };
  } catch {
    return undefined; // whoever opens it is given the reason
  }
}

function kindOf(entry: Dirent, folder: string): TreeEntry["kind"] | "folder" {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "folder";
  if (!entry.isSymbolicLink()) return "special";
  try {
    const there = statSync(join(folder, entry.name));
    return there.isDirectory() ? "folder" : there.isFile() ? "file" : "special";
  } catch {
    return "gone"; // or one that leads to itself
  }
}
