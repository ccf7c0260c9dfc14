import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { fromSystem } from "../system-error.ts";

/** The folder itself, or its nearest ancestor that exists: where files beside an output can be before it is made. */
export function existingFolder(folder: string): string {
  let path = folder;
  while (!existsSync(path) && dirname(path) !== path) path = dirname(path);
  return path;
}

/** Makes a folder and those above it that are missing. Throws `io` as the operating system says. */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw fromSystem(error, folder);
  }
}
