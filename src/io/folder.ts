import { type Dirent, lstatSync, readdirSync, realpathSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { CheckpointError } from "../errors.ts";
import type { OpenedFiles } from "./opened.ts";
import { insideFolder } from "./paths.ts";
import { fileSource } from "./source/file.ts";
import type { FileSet } from "./source/source.ts";
import { fromSystem, systemCode } from "./system-error.ts";

/** A checkpoint folder is shallow; deeper trees are somebody's disk, not a checkpoint. */
const DEEPEST = 4;
/** Listing stops here: a folder of more files is not looked through. */
const MOST_FILES = 100_000;

/**
 * A folder on disk. A name that leads outside throws `unsafe`; a symbolic link in the folder is the owner's own choice and is
 * followed when it leads to a file (caches of model hubs are made of such links), never when it leads to a folder (`unsafe`).
 */
export function folderSet(path: string, opened?: OpenedFiles): FileSet {
  const absent = (full: string): undefined => {
    opened?.note(full, null);
  };
  return {
    name: path,
    async open(name) {
      const inside = insideFolder(name, path);
      const full = join(path, ...inside.split("/"));
      refuseLinkedFolders(path, inside);
      try {
        if (inside === "" || !statSync(full).isFile()) return absent(full);
      } catch (error) {
        const code = systemCode(error);
        if (code === "ENOENT" || code === "ENOTDIR") return absent(full);
        throw fromSystem(error, full);
      }
      return fileSource(full, opened);
    },
    async list() {
      const names: string[] = [];
      const root = realpath(path);
      const walk = (folder: string, depth: number): void => {
        for (const entry of entriesOf(folder, depth)) {
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
      names.sort();
      opened?.listed(path, names);
      return names;
    },
  };
}

/** What is right in a folder, sorted; the folder has to be there. */
export function namesInFolder(path: string): readonly string[] {
  return readdirSync(path).sort();
}

/** A link in the middle of a name leads to another folder's files as ".." would. */
function refuseLinkedFolders(folder: string, inside: string): void {
  const parts = inside.split("/").slice(0, -1);
  for (const [k, part] of parts.entries()) {
    const stat = lstatSync(join(folder, ...parts.slice(0, k + 1)), { throwIfNoEntry: false });
    if (stat?.isSymbolicLink()) {
      throw new CheckpointError("unsafe", `the name ${JSON.stringify(inside)} leads through ${JSON.stringify(part)}, a link to a folder`, {
        file: folder,
        hint: "names in a checkpoint have to stay in its folder: put the files themselves there",
      });
    }
  }
}

/** Of a folder below the one that was named: none where it is gone by now or may not be entered, since nobody asked for it. */
function entriesOf(folder: string, depth: number): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    const code = systemCode(error);
    if (depth > 1 && (code === "ENOENT" || code === "ENOTDIR" || code === "EACCES")) return [];
    throw error;
  }
}

function realpath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    throw fromSystem(error, path);
  }
}

/** Whether a link leads to a file; one that leads nowhere, in a circle or out of reach is no file of a checkpoint. */
function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP", "EACCES"].includes(systemCode(error) ?? "")) return false;
    throw error;
  }
}
