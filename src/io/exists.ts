import { existsSync } from "node:fs";
import { join } from "node:path";

/** Whether a folder has something of this name. */
export function existsBeside(folder: string, name: string): boolean {
  return existsSync(join(folder, name));
}
