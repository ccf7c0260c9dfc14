import { realpathSync, statSync } from "node:fs";
import { type PathAnswer, unhidden } from "../../text/path-pattern.ts";
import { treeEntries } from "../many/tree.ts";
import { join } from "../path.ts";
import { insideFolder } from "../paths.ts";
import { isInside } from "../same-path.ts";
import { systemCode } from "../system-error.ts";

/** A file of a folder that is served. */
export interface ServedFile {
  /** Below the folder, with "/" between folders. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
}

/** What a name of a served folder leads to. */
export interface ServedPlace {
  /** Without links. */
  readonly path: string;
  readonly size: number;
  /** Tells one state of the file from another: its number, its size and the time of its last write in ns. */
  readonly etag: string;
}

/** Files of a list; a larger tree is a disk. */
const MOST = 100_000;

/** The files below a folder that may be served, hidden ones and what leads out of it left out. */
export function listServed(folder: string): readonly ServedFile[] {
  const found: ServedFile[] = [];
  // A link to a folder elsewhere is not looked through.
  const takes = (path: readonly string[]): PathAnswer => (leadsInside(folder, path) ? unhidden(path) : undefined);
  for (const { path, kind } of treeEntries(folder, takes)) {
    if (found.length >= MOST) break;
    const name = path.join("/");
    const place = kind === "file" ? placeServed(folder, name) : undefined;
    if (place !== undefined) found.push({ name, size: place.size });
  }
  return found;
}

/**
 * undefined for all that may not be served: names that lead outside, by ".." or by a link, hidden files and folders, and what is no file.
 */
export function placeServed(folder: string, name: string): ServedPlace | undefined {
  try {
    const inside = insideFolder(name, folder);
    if (inside !== name || inside === "" || inside.split("/").some((part) => part.startsWith("."))) return undefined;
    const path = realpathSync(join(folder, inside));
    if (!isInside(path, folder)) return undefined;
    const stat = statSync(path, { bigint: true });
    if (!stat.isFile()) return undefined;
    const state = [stat.ino, stat.size, stat.mtimeNs].map((each) => each.toString(16)).join("-");
    return { path, size: Number(stat.size), etag: `"${state}"` };
  } catch (error) {
    // Gone, in a circle, or not to be seen: it is not served. A name that is refused is not, either.
    if (systemCode(error) === undefined && !(error instanceof Error && "code" in error && error.code === "unsafe")) throw error;
    return undefined;
  }
}

function leadsInside(folder: string, path: readonly string[]): boolean {
  try {
    return isInside(realpathSync(join(folder, ...path)), folder);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return false;
  }
}
