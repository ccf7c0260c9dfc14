import { closeSync, linkSync, openSync, renameSync } from "node:fs";
import { fromSystem, systemCode } from "../system-error.ts";
import { removeIfThere } from "./remove.ts";

/** A complete file under its temporary name, and the place where it goes: the same folder, or another of the same file system. */
export interface Placement {
  readonly temporary: string;
  readonly path: string;
}

/** What goes when a set of files takes the place of another. */
export interface Replaced {
  /** Files that open the old set. They go first. */
  readonly entries: readonly string[];
  /** The old set's other files that no new one replaces. */
  readonly parts: readonly string[];
}

/**
 * Gives new files their names, in order, the entry last. Throws `EEXIST` as the operating system does where one of the names is taken, with
 * nothing left of this set.
 */
export function placeNew(files: readonly Placement[]): void {
  for (const [k, { temporary, path }] of files.entries()) {
    try {
      linkNew(temporary, path);
    } catch (error) {
      for (const placed of files.slice(0, k)) removeIfThere(placed.path);
      throw error;
    }
  }
}

/**
 * Gives files their names in place of old ones. Where there are no old entries to go, a single file replaces another in one step. Else they go
 * before anything else changes, and the new entry comes last: at any moment the old set is there, the new one, or no entry.
 */
export function placeOver(files: readonly Placement[], old: Replaced): void {
  const entry = files.at(-1);
  if (entry === undefined) return;
  for (const path of old.entries) removeIfThere(path);
  for (const { temporary, path } of files.slice(0, -1)) rename(temporary, path);
  for (const path of old.parts) removeIfThere(path);
  rename(entry.temporary, entry.path);
}

function rename(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    throw fromSystem(error, to);
  }
}

/** A second name for a file, which never replaces: link(2) fails where the name is taken. The temporary name is the caller's to remove. */
function linkNew(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (systemCode(error) === "EEXIST") throw error;
    reserveAndRename(from, to);
  }
}

/** For file systems without links (FAT, some network drives): an empty file takes the name, where it is free, and is replaced at once. */
function reserveAndRename(from: string, to: string): void {
  closeSync(openSync(to, "wx"));
  try {
    renameSync(from, to);
  } catch (error) {
    removeIfThere(to);
    throw error;
  }
}
