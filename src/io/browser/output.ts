import { CheckpointError } from "../../errors.ts";
import type { OutputOptions } from "../output/output.ts";
import { insideFolder } from "../paths.ts";
import type { OutputSet } from "../source/source.ts";
import { fileAt } from "./disk.ts";
import { join } from "./path.ts";
import { type StoredFile, storedFile } from "./storage.ts";

/** A file that the page made, for whoever saves it. */
export interface MadeFile {
  readonly path: string;
  readonly bytes: Blob;
}

const made = new Map<string, MadeFile>();

/** The files that were made since the last call, in the order in which they were committed. */
export function takeOutputs(): readonly MadeFile[] {
  const files = [...made.values()];
  made.clear();
  return files;
}

/** Files that appear together among what the page has made. Throws `usage` where a file of that name was given to the page. */
export function outputSet(folder: string, { force }: OutputOptions): OutputSet {
  const pending = new Map<string, StoredFile>();
  return {
    async create(name) {
      const path = join(folder, insideFolder(name, folder));
      if (!force && fileAt(path) !== undefined) throw existsAlready(path);
      const file = storedFile(path);
      pending.set(name, file);
      return file;
    },
    async commit(entry) {
      const last = pending.get(entry);
      if (last === undefined) throw new RangeError(`the entry ${entry} was never created`);
      for (const file of [...[...pending.values()].filter((other) => other !== last), last]) {
        made.set(file.name, { path: file.name, bytes: await file.finished() });
      }
      pending.clear();
    },
    async abort() {
      for (const file of pending.values()) await file.close();
      pending.clear();
    },
  };
}

export function existsAlready(path: string): CheckpointError {
  return new CheckpointError("usage", "a file of this name was given to the page", { file: path, hint: "choose another name" });
}

/** How much a page may store is seen when it writes. */
export function freeBytes(): number {
  return Number.POSITIVE_INFINITY;
}
