import type { Kind } from "../regular.ts";
import { fileAt, namesBelow } from "./disk.ts";

/** What is at a path of the page's disk: a folder is there where a file is below it. */
export function kindAt(path: string): Kind {
  if (fileAt(path) !== undefined) return "file";
  return namesBelow(path).length > 0 ? "folder" : undefined;
}
