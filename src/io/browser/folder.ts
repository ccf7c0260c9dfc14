import type { OpenedFiles } from "../opened.ts";
import { insideFolder } from "../paths.ts";
import type { FileSet } from "../source/source.ts";
import { fileAt, namesBelow } from "./disk.ts";
import { fileSource } from "./file.ts";
import { join } from "./path.ts";

/** A folder of the page's disk. A name that leads outside throws `unsafe`. */
export function folderSet(path: string, opened?: OpenedFiles): FileSet {
  return {
    name: path,
    async open(name) {
      const full = join(path, insideFolder(name, path));
      if (fileAt(full) === undefined) {
        opened?.note(full, null);
        return undefined;
      }
      return fileSource(full, opened);
    },
    async list() {
      const names = namesBelow(path);
      opened?.listed(path, names);
      return names;
    },
  };
}

/** What is right in a folder, sorted. */
export function namesInFolder(path: string): readonly string[] {
  return [...new Set(namesBelow(path).map((name) => name.split("/", 1).join()))];
}
