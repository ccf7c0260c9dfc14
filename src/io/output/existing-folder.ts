import { existsSync } from "node:fs";
import { dirname } from "node:path";

/** The folder itself, or its nearest ancestor that exists: where files beside an output can be before it is made. */
export function existingFolder(folder: string): string {
  let path = folder;
  while (!existsSync(path) && dirname(path) !== path) path = dirname(path);
  return path;
}
