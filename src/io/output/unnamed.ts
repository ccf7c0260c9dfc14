import { constants, openSync } from "node:fs";
import { systemCode } from "../system-error.ts";

/*
 * Files without a name until they are complete (Linux: O_TMPFILE of open(2)), so that a run that is killed at any moment leaves nothing
 * behind: the system takes the bytes back with the process. Giving such a file its name needs linkat(2) with AT_SYMLINK_FOLLOW on
 * /proc/self/fd/N, which Node does not offer and `ln -L` does: place-unnamed.ts.
 */

/** __O_TMPFILE of x86-64, arm64 and most others (Linux, asm-generic/fcntl.h); O_DIRECTORY, which it goes with, differs between them. */
const O_TMPFILE = 0o20000000;

/** A new file in `folder` without a name; undefined where the system or the file system has no such thing. */
export function openUnnamed(folder: string): number | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    return openSync(folder, O_TMPFILE + constants.O_DIRECTORY + constants.O_RDWR, 0o666);
  } catch (error) {
    // What a kernel or file system without it says; anything else will come again from the ordinary way, with its reason.
    if (systemCode(error) !== undefined) return undefined;
    throw error;
  }
}
