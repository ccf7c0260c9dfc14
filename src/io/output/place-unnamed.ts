import { spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { dirname } from "node:path";
import { systemCode } from "../system-error.ts";
import { existingFolder } from "./existing-folder.ts";

/** Descriptors handed to one shell; far below the usual limit of 1024 open files. */
const BATCH = 200;

export interface Unnamed {
  readonly fd: number;
  /** Where it goes. Absolute; its folder is made where it is missing. */
  readonly path: string;
  /** A name beside it that nothing else has, for the moment between link and rename. */
  readonly temporary: string;
}

/**
 * Gives the files their names, in order. With `replace` what has a name already is replaced in one step, and `first` is removed before;
 * without, a taken name is left alone and throws EEXIST, and what was placed before it is taken away again. Of two runs that place
 * files in one folder the second waits for the first, so that their sets are not mixed.
 */
export function placeUnnamed(files: readonly Unnamed[], options: { readonly replace: boolean; readonly first?: string }): void {
  let done = true;
  for (let at = 0; at < files.length && done; at += BATCH) {
    const { first, ...rest } = options;
    done = shell(files.slice(at, at + BATCH), at === 0 && first !== undefined ? { ...rest, first } : rest);
  }
  if (done) return;
  // The exit code says no reason: what is not at its place is tried again by ourselves, which gives one.
  try {
    for (const file of files) if (!isThere(file)) placeCopy(file, options.replace);
  } catch (error) {
    if (!options.replace) for (const file of files) if (isThere(file)) unlinkSync(file.path);
    throw error;
  }
}

/**
 * One shell for all of them, which goes on when its parent is killed; it stops at the first failure. Signals of the terminal are for the parent: half a set is never left on purpose. The lock goes with the
 * process that holds it; where there is no flock(1), or another run holds it for a minute, the files are placed without.
 */
function shell(files: readonly Unnamed[], { replace, first }: { readonly replace: boolean; readonly first?: string }): boolean {
  const names: string[] = [];
  const named = (name: string): string => `"\${${names.push(name)}}"`;
  const own = (k: number): string => `/proc/self/fd/${k + 4}`;
  const folders = [...new Set(files.map(({ path }) => dirname(path)))];
  const missing = folders.filter((folder) => !existsSync(folder));
  const lock = openSync(existingFolder(folders.at(-1) ?? "/"), "r");
  const steps = [
    ...missing.map((folder) => `mkdir -p ${named(folder)}`),
    ...files.map((file, k) => `ln -L ${own(k)} ${named(replace ? file.temporary : file.path)}`),
    ...(replace && first !== undefined ? [`rm -f ${named(first)}`] : []),
    ...(replace ? files.map((file) => `mv -f ${named(file.temporary)} ${named(file.path)}`) : []),
  ];
  try {
    const script = `trap '' INT TERM HUP; flock -w 60 3; ${steps.join(" && ")}`;
    const ran = spawnSync("/bin/sh", ["-c", script, "sh", ...names], {
      stdio: ["ignore", "ignore", "ignore", lock, ...files.map(({ fd }) => fd)],
    });
    return ran.status === 0;
  } finally {
    closeSync(lock);
  }
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
  mkdirSync(dirname(path), { recursive: true });
  try {
    copyFileSync(`/proc/self/fd/${fd}`, temporary, constants.COPYFILE_EXCL);
    const copy = openSync(temporary, "r");
    fsyncSync(copy);
    closeSync(copy);
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
