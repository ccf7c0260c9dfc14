import { blobSource } from "../source/blob.ts";
import type { ByteSource } from "../source/source.ts";
import { isAbsolute, resolve } from "./path.ts";

/*
 * The disk of a page: the files that a person gave it, by their paths. Nothing is read of them before somebody asks, and nothing is written
 * to them: outputs have a place of their own (`output.ts`).
 */

/** A file of it: one of the browser's, or one on the server that the page came from. */
export interface DiskFile {
  /** In bytes. */
  readonly size: number;
  open(path: string): Promise<ByteSource>;
}

const files = new Map<string, DiskFile>();

export function blobFile(blob: Blob): DiskFile {
  return { size: blob.size, open: async (path) => blobSource(blob, path) };
}

/** Gives the page a file. `path` is from the root on. */
export function mount(path: string, file: DiskFile): void {
  if (!isAbsolute(path)) throw new RangeError(`${path} is no path from the root on`);
  files.set(resolve(path), file);
}

/** Takes all files back. */
export function unmountAll(): void {
  files.clear();
}

export function fileAt(path: string): DiskFile | undefined {
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
