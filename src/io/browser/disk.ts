import { isAbsolute, resolve } from "./path.ts";

/*
 * The disk of a page: the files that a person gave it, by their paths. Nothing is read of them before somebody asks, and nothing is written
 * to them: outputs have a place of their own (`output.ts`).
 */

const files = new Map<string, Blob>();

/** Gives the page a file. `path` is from the root on. */
export function mount(path: string, file: Blob): void {
  if (!isAbsolute(path)) throw new RangeError(`${path} is no path from the root on`);
  files.set(resolve(path), file);
}

/** Takes all files back. */
export function unmountAll(): void {
  files.clear();
}

export function fileAt(path: string): Blob | undefined {
  return files.get(resolve(path));
}

/** Names of all files below a folder, sorted, with "/" between folders. */
export function namesBelow(folder: string): readonly string[] {
  const root = resolve(folder);
  const prefix = root === "/" ? root : `${root}/`;
  return [...files.keys()]
    .filter((path) => path.startsWith(prefix))
    .map((path) => path.slice(prefix.length))
    .sort();
}
