import { unlinkSync } from "node:fs";
import { fromSystem, systemCode } from "../system-error.ts";

/** Removes a file or a link, where there is one. Throws `io`. */
export function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw fromSystem(error, path);
  }
}
