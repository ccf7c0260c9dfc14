import { spawnSync } from "node:child_process";
import { constants, copyFileSync, fstatSync, fsyncSync, linkSync, openSync, renameSync, statSync, unlinkSync } from "node:fs";
import { systemCode } from "./system-error.ts";

/*
 * Files without a name until they are complete (Linux: O_TMPFILE of open(2)), so that a run that is killed at any moment leaves nothing
 * behind: the system takes the bytes back with the process. Giving such a file its name needs linkat(2) with AT_SYMLINK_FOLLOW on
 * /proc/self/fd/N, which Node does not offer and `ln -L` does. One shell places a whole set; it goes on when its parent is killed.
 */

/** O_TMPFILE with the O_DIRECTORY that it includes; the same on x86-64 and arm64. */
const O_TMPFILE = 0o20200000;
/** Descriptors handed to one shell; far below the usual limit of 1024 open files. */
const BATCH = 200;

export interface Unnamed {
  readonly fd: number;
  /** Where it goes. Absolute. */
  readonly path: string;
  /** A name beside it that nothing else has, for the moment between link and rename. */
  readonly temporary: string;
}

/** A new file in `folder` without a name; undefined where the system or the file system has no such thing. */
export function openUnnamed(folder: string): number | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    return openSync(folder, O_TMPFILE + constants.O_RDWR, 0o666);
  } catch (error) {
    // What a kernel or file system without it says; anything else will come again from the ordinary way, with its reason.
    if (systemCode(error) !== undefined) return undefined;
    throw error;
  }
}

/**
 * Gives the files their names, in order. With `replace` what has a name already is replaced in one step, and `first` is removed before;
 * without, a taken name is left alone and throws EEXIST, and what was placed before it is taken away again.
 */
export function placeUnnamed(files: readonly Unnamed[], options: { readonly replace: boolean; readonly first?: string }): void {
  for (let at = 0; at < files.length; at += BATCH) {
    const { first, ...rest } = options;
    shell(files.slice(at, at + BATCH), at === 0 && first !== undefined ? { ...rest, first } : rest);
  }
  // The shell's exit code says too little: what is at its place, and what is not, decides.
  const placed: Unnamed[] = [];
  try {
    for (const file of files) {
      if (!isThere(file)) placeCopy(file, options.replace);
      placed.push(file);
    }
  } catch (error) {
    if (!options.replace) for (const file of files) if (isThere(file) || placed.includes(file)) unlinkSync(file.path);
    throw error;
  }
}

/** Stops at the first name that is taken. Signals of the terminal are for the parent: half a set is never left on purpose. */
function shell(files: readonly Unnamed[], { replace, first }: { readonly replace: boolean; readonly first?: string }): void {
  const names: string[] = [];
  const named = (name: string): string => `"\${${names.push(name)}}"`;
  const own = (k: number): string => `/proc/self/fd/${k + 3}`;
  const steps = replace
    ? [
        ...files.map((file, k) => `ln -L ${own(k)} ${named(file.temporary)}`),
        ...(first === undefined ? [] : [`rm -f ${named(first)}`]),
        ...files.map((file) => `mv -f ${named(file.temporary)} ${named(file.path)}`),
      ]
    : files.map((file, k) => `ln -L ${own(k)} ${named(file.path)}`);
  spawnSync("/bin/sh", ["-c", `trap '' INT TERM HUP; ${steps.join(" && ")}`, "sh", ...names], {
    stdio: ["ignore", "ignore", "ignore", ...files.map(({ fd }) => fd)],
  });
}

function isThere({ fd, path }: Unnamed): boolean {
  const own = fstatSync(fd);
  const there = statSync(path, { throwIfNoEntry: false });
  return there?.ino === own.ino && there.dev === own.dev;
}

/** For systems without `ln -L`, or that refuse it: a copy under the temporary name, which costs the bytes once more. */
function placeCopy({ fd, path, temporary }: Unnamed, replace: boolean): void {
  removeIfThere(temporary);
  if (!replace) refuseTaken(path);
  try {
    copyFileSync(`/proc/self/fd/${fd}`, temporary, constants.COPYFILE_EXCL);
    const copy = openSync(temporary, "r");
    fsyncSync(copy);
    if (replace) renameSync(temporary, path);
    else linkSync(temporary, path);
  } finally {
    removeIfThere(temporary);
  }
}

/** As link(2) does, before the bytes are copied for nothing. */
function refuseTaken(path: string): void {
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) throw Object.assign(new Error("the name is taken"), { code: "EEXIST" });
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw error;
  }
}
