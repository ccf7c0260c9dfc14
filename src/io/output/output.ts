import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, rmdirSync, statfsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { CheckpointError } from "../../errors.ts";
import { insideFolder } from "../paths.ts";
import type { OutputSet } from "../source/source.ts";
import { fromSystem, systemCode } from "../system-error.ts";
import { type AtPlace, atPlace } from "./at-place.ts";
import { type Claim, claim } from "./claim.ts";
import { existingFolder } from "./existing-folder.ts";
import type { OpenOutput } from "./output-file.ts";
import { placeNew, placeOver, type Replaced } from "./place.ts";
import { createTemporary, removeStale, removeTemporary } from "./temporary-name.ts";

export interface OutputOptions {
  /** Replace what is there already. */
  readonly force: boolean;
  /** Wait until a new output is on the disk; what replaces something is waited for in any case. */
  readonly durable?: boolean;
  /** The path that means the whole set: one run at a time writes it. The first file where absent. */
  readonly output?: string;
  /** Files of an older output of this name which the new one may not have, by their full paths. */
  readonly replaces?: Replaced;
}

interface Pending extends AtPlace {
  readonly name: string;
  /** The path as it was asked for; `path` is what it leads to. */
  readonly shown: string;
  readonly file: OpenOutput;
}

/**
 * Files that appear together in `folder`, which is made when it is missing. Each is written under a temporary name beside its place, which the
 * next run clears where this one is killed. On commit they get their names, data first, the entry last; what is replaced goes before, entries
 * first, so that a killed run leaves no checkpoint and never a mixed one. A single file replaces the old one in one step.
 * Throws `usage` where a file exists and `force` is false, where something else than a file is at its place, and where another run writes this
 * output; `io` where the operating system refuses.
 */
export function outputSet(folder: string, options: OutputOptions): OutputSet {
  const { force, replaces = { entries: [], parts: [] } } = options;
  const pending: Pending[] = [];
  const madeFolders: string[] = [];
  const cleared = new Set<string>();
  let claimed: Promise<Claim> | undefined;
  let done = false;

  const makeFolder = (folder: string): void => {
    for (const path of missingFolders(folder)) {
      try {
        mkdirSync(path);
        madeFolders.push(path);
      } catch (error) {
        if (systemCode(error) !== "EEXIST") throw fromSystem(error, path);
      }
    }
  };

  /** What goes beside what the new files replace by their names. */
  const others = (): Replaced => {
    const own = new Set(pending.map(({ shown }) => shown));
    return { entries: replaces.entries.filter((path) => !own.has(path)), parts: replaces.parts.filter((path) => !own.has(path)) };
  };

  const place = (items: readonly Pending[]): void => {
    const files = items.map(({ path, file }) => ({ path, temporary: file.path }));
    const entry = items.at(-1);
    if (force) {
      const { entries, parts } = others();
      const several = items.length + entries.length + parts.length > 1;
      placeOver(files, { entries: entry !== undefined && several ? [entry.path, ...entries] : [], parts });
      return;
    }
    try {
      placeNew(files);
    } catch (error) {
      const taken = systemCode(error) === "EEXIST" ? items.find(({ path }) => existsSync(path)) : undefined;
      throw taken === undefined ? fromSystem(error, entry?.path ?? folder) : existsAlready(taken.path);
    }
  };

  /** Whether something is replaced: then the new bytes are on the disk before the old ones go. */
  const replacesSomething = (): boolean =>
    force && (replaces.entries.length + replaces.parts.length > 0 || pending.some(({ path }) => existsSync(path)));

  const cleanUp = async (): Promise<void> => {
    for (const { file } of pending) removeTemporary(file.path);
    const held = claimed;
    claimed = undefined;
    // A claim that was refused left nothing.
    await (await held?.catch(() => undefined))?.release();
  };

  const abort = async (): Promise<void> => {
    if (done) return;
    done = true;
    for (const { file } of pending) await file.close().catch(ofSystem);
    await cleanUp();
    for (const path of madeFolders.reverse()) {
      try {
        rmdirSync(path);
      } catch (error) {
        if (!["ENOTEMPTY", "EEXIST", "ENOENT"].includes(systemCode(error) ?? "")) throw fromSystem(error, path);
      }
    }
  };

  return {
    async create(name) {
      const shown = join(folder, ...insideFolder(name, folder).split("/"));
      const { path, old } = atPlace(shown);
      if (!force && old !== undefined) throw existsAlready(shown);
      claimed ??= claim(options.output ?? path);
      await claimed;
      // Folders that are missing are made on commit, so that a killed run leaves none behind.
      const beside = existingFolder(dirname(path));
      if (!cleared.has(beside)) removeStale(beside);
      cleared.add(beside);
      const synced = options.durable === true || (force && old !== undefined);
      // What others may not read of the old file they may not read of the new one either, while it is written.
      const mode = old === undefined ? {} : { mode: 0o600 };
      const file = createTemporary(beside, basename(path), { shown, use: synced ? "synced" : "new", ...mode });
      pending.push({ name, shown, path, old, file });
      return file;
    },
    async commit(entry) {
      const last = pending.find((item) => item.name === entry);
      if (last === undefined) throw new RangeError(`the entry ${entry} was never created`);
      try {
        const sync = options.durable === true || replacesSomething();
        for (const { file, old } of pending) {
          file.finish({ sync, old });
          await file.close();
        }
        for (const { path } of pending) makeFolder(dirname(path));
        place([...pending.filter((item) => item !== last), last]);
        done = true;
        if (sync) for (const path of new Set(pending.map((item) => dirname(item.path)))) syncFolder(path);
      } catch (error) {
        await abort();
        throw error;
      }
      await cleanUp();
    },
    abort,
  };
}

/** What is thrown where an output, or a file of it, is there and may not be replaced. */
export function existsAlready(path: string): CheckpointError {
  return new CheckpointError("usage", "the output exists already", {
    file: path,
    hint: "add --force to replace it, or choose another name with -o",
  });
}

/** Bytes that can still be written to the file system of `folder` (or of its nearest ancestor that exists). */
export function freeBytes(folder: string): number {
  const stat = statfsSync(existingFolder(folder));
  return stat.bavail * stat.bsize;
}

/** The folder and those around it that do not exist, outermost first. */
function missingFolders(folder: string): readonly string[] {
  const missing: string[] = [];
  for (let path = folder; !existsSync(path) && dirname(path) !== path; path = dirname(path)) missing.unshift(path);
  return missing;
}

/** What the system says of a file that is given up changes nothing. */
function ofSystem(error: unknown): void {
  if (!(error instanceof CheckpointError)) throw error;
}

/** Renames are on disk only when the folder is; file systems that cannot sync a folder say EINVAL or EISDIR. */
function syncFolder(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } catch (error) {
    if (!["EINVAL", "EISDIR", "EPERM"].includes(systemCode(error) ?? "")) throw fromSystem(error, path);
  } finally {
    closeSync(fd);
  }
}
