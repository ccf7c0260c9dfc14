import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  statfsSync,
  statSync,
  unlinkSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { CheckpointError } from "../../errors.ts";
import { insideFolder } from "../paths.ts";
import type { OutputSet } from "../source/source.ts";
import { fromSystem, systemCode } from "../system-error.ts";
import { existingFolder } from "./existing-folder.ts";
import { createOutput, type OpenOutput, outputOn } from "./output-file.ts";
import { placeUnnamed, type Unnamed } from "./place-unnamed.ts";
import { openUnnamed } from "./unnamed.ts";

export interface OutputOptions {
  /** Replace what is there already. */
  readonly force: boolean;
}

const SUFFIX = ".vggtool-tmp";
let counter = 0;

interface Pending {
  readonly name: string;
  readonly path: string;
  readonly file: OpenOutput;
  /** The descriptor of a file without a name. */
  readonly unnamed: number | undefined;
}

/**
 * Files that appear together in `folder`, which is made when it is missing. Each is written without a name where the system can do that
 * (a killed run then leaves nothing), else under a temporary one beside its place (which the next run clears). On commit they get
 * their names, data first, the entry last; before that, with `force`, an old entry of a set of several files is removed, so that a
 * killed run leaves no checkpoint and never a mixed one. A single file replaces the old one in one step.
 * Throws `usage` where a file exists and `force` is false, `io` where the operating system refuses.
 */
export function outputSet(folder: string, options: OutputOptions): OutputSet {
  const pending: Pending[] = [];
  const madeFolders: string[] = [];
  let done = false;

  const exists = (path: string): CheckpointError =>
    new CheckpointError("usage", "the output exists already", {
      file: path,
      hint: "add --force to replace it, or choose another name with -o",
    });

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

  const place = (item: Pending): void => {
    const { path, file, unnamed } = item;
    try {
      if (unnamed !== undefined) placeUnnamed([unnamedFile(item, unnamed)], { replace: options.force });
      else if (options.force) renameSync(file.path, path);
      else placeNew(file.path, path);
    } catch (error) {
      throw systemCode(error) === "EEXIST" ? exists(path) : fromSystem(error, path);
    }
  };

  /** In order, the entry last. Those without a name together, where all are. */
  const placeAll = (items: readonly Pending[]): void => {
    const entry = items.at(-1);
    const old = options.force && items.length > 1 ? entry?.path : undefined;
    const together = items.flatMap((item) => (item.unnamed === undefined ? [] : [unnamedFile(item, item.unnamed)]));
    if (together.length < items.length) {
      if (old !== undefined) removeIfThere(old);
      placeEach(items);
      return;
    }
    try {
      placeUnnamed(together, { replace: options.force, ...(old === undefined ? {} : { first: resolve(old) }) });
    } catch (error) {
      const taken = systemCode(error) === "EEXIST" ? items.find(({ path }) => existsSync(path)) : undefined;
      throw taken === undefined ? fromSystem(error, entry?.path ?? folder) : exists(taken.path);
    }
  };

  const placeEach = (items: readonly Pending[]): void => {
    for (const [k, item] of items.entries()) {
      try {
        place(item);
      } catch (error) {
        // What replaced another file stays: the other cannot come back.
        if (!options.force) for (const { path } of items.slice(0, k)) removeIfThere(path);
        throw error;
      }
    }
  };

  const abort = async (): Promise<void> => {
    if (done) return;
    done = true;
    for (const item of pending) {
      await item.file.close();
      if (item.unnamed === undefined) removeIfThere(item.file.path);
    }
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
      const path = join(folder, ...insideFolder(name, folder).split("/"));
      const there = kindOf(path);
      if (there === "folder") throw new CheckpointError("usage", "a folder is there, a file was needed", { file: path });
      if (!options.force && there !== undefined) throw exists(path);
      const unnamed = openUnnamed(existingFolder(dirname(path)));
      // A folder of a file without a name is made on commit, so that a killed run does not leave it behind.
      if (unnamed === undefined) makeFolder(dirname(path));
      else madeFolders.push(...missingFolders(dirname(path)));
      if (existsSync(dirname(path))) removeStale(dirname(path));
      counter += 1;
      const temporary = join(dirname(path), `.${basename(path).slice(0, 100)}.${process.pid}-${counter}${SUFFIX}`);
      const file = unnamed === undefined ? createOutput(temporary, path, "kept") : outputOn(unnamed, temporary, path, "kept");
      pending.push({ name, path, file, unnamed });
      return file;
    },
    async commit(entry) {
      const last = pending.find((item) => item.name === entry);
      if (last === undefined) throw new RangeError(`the entry ${entry} was never created`);
      try {
        for (const item of pending) item.file.sync();
        placeAll([...pending.filter((item) => item !== last), last]);
        for (const item of pending) await item.file.close();
        done = true;
        for (const path of new Set(pending.map((item) => dirname(item.path)))) syncFolder(path);
      } catch (error) {
        await abort();
        throw error;
      }
    },
    abort,
  };
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

function kindOf(path: string): "file" | "folder" | undefined {
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat?.isDirectory() ? "folder" : stat && "file";
  } catch (error) {
    throw fromSystem(error, path);
  }
}

function unnamedFile({ path, file }: Pending, fd: number): Unnamed {
  return { fd, path: resolve(path), temporary: resolve(file.path) };
}

/** A rename that never replaces: a hard link fails where the name is taken; file systems without links get check and rename. */
function placeNew(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (systemCode(error) === "EEXIST" || existsSync(to)) throw error;
    renameSync(from, to);
    return;
  }
  unlinkSync(from);
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (systemCode(error) !== "ENOENT") throw fromSystem(error, path);
  }
}

/** Temporary files of runs that were killed: their process is gone. */
function removeStale(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = name.endsWith(SUFFIX) ? /\.(\d+)-\d+\.vggtool-tmp$/.exec(name)?.[1] : undefined;
    if (pid !== undefined && !isRunning(Number(pid))) removeIfThere(join(folder, name));
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== "ESRCH";
  }
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
