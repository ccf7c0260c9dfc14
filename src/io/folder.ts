import { readdirSync, realpathSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { CheckpointError } from "../errors.ts";
import { fileSource } from "./file.ts";
import { insideFolder } from "./paths.ts";
import type { FileSet } from "./source.ts";
import { fromSystem, systemCode } from "./system-error.ts";

/** A checkpoint folder is shallow; deeper trees are somebody's disk, not a checkpoint. */
const DEEPEST = 4;
/** Listing stops here: a folder of more files is not looked through. */
const MOST_FILES = 100_000;

/**
 * A folder on disk. A name that leads outside throws `unsafe`; a symbolic link in the folder is the owner's own choice and is
 * followed when it leads to a file (caches of model hubs are made of such links), never when it leads to a folder.
 */
export function folderSet(path: string): FileSet {
  return {
    name: path,
    async open(name) {
      const inside = insideFolder(name, path);
      const full = join(path, ...inside.split("/"));
      try {
        if (inside === "" || !statSync(full).isFile()) return undefined;
      } catch (error) {
        const code = systemCode(error);
        if (code === "ENOENT" || code === "ENOTDIR") return undefined;
        throw fromSystem(error, full);
      }
      return fileSource(full);
    },
    async list() {
      const names: string[] = [];
      const root = realpath(path);
      const walk = (folder: string, depth: number): void => {
        for (const entry of readdirSync(folder, { withFileTypes: true })) {
          const full = join(folder, entry.name);
          if (entry.isDirectory() && depth < DEEPEST) walk(full, depth + 1);
          else if (entry.isFile() || (entry.isSymbolicLink() && isFile(full))) names.push(relative(root, full).split(sep).join("/"));
          if (names.length > MOST_FILES) {
            throw new CheckpointError("unsupported", `the folder holds more than ${MOST_FILES} files`, { file: path });
          }
        }
      };
      try {
        walk(root, 1);
      } catch (error) {
        throw fromSystem(error, path);
      }
      return names.sort();
    },
  };
}

function realpath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw fromSystem(error, path);
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
