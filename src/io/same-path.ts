import { realpathSync } from "node:fs";
import { basename, dirname, join, relative, resolve, sep } from "node:path";

/** The path with symbolic links followed, as far as it exists. */
function real(path: string): string {
  const full = resolve(path);
  try {
    return realpathSync(full);
  } catch {
    // Not there yet, or not to be looked at: its folder decides, and writing will tell the rest.
    const folder = dirname(full);
    return folder === full ? full : join(real(folder), basename(full));
  }
}

/** Whether two paths lead to the same place, there or not yet there. */
export function samePath(a: string, b: string): boolean {
  return real(a) === real(b);
}

/** Whether `path` is `folder` or is below it. */
export function isInside(path: string, folder: string): boolean {
  const way = relative(real(folder), real(path));
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && resolve(way) !== way);
}
