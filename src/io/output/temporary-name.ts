import { openSync, readdirSync, statSync, unlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { utf8Length } from "../bytes.ts";
import { fromSystem, systemCode } from "../system-error.ts";
import { type OpenOutput, outputOn, type Use } from "./output-file.ts";
import { removeIfThere } from "./remove.ts";

/** `.NAME.PID-N.vggtool-tmp`: whose file it is, so that the next run can clear what a killed one left. */
const pattern = /^\.(.*)\.(\d+)-(\d+)\.vggtool-tmp$/s;
/** Bytes of NAME: file systems take 255 for the whole name. */
const longestName = 200;
let counter = 0;
/** Numbers of the temporary files that this process works on. */
const ours = new Set<number>();

/** A temporary name, taken apart. */
export interface TemporaryName {
  /** Of the output; cut where it is very long. */
  readonly name: string;
  readonly pid: number;
  /** Counts the files of one process. */
  readonly count: number;
}

/** undefined: the file is none of ours. */
export function parseTemporary(file: string): TemporaryName | undefined {
  const match = file.endsWith(".vggtool-tmp") ? pattern.exec(file) : null;
  return match === null ? undefined : { name: match[1] ?? "", pid: Number(match[2]), count: Number(match[3]) };
}

/** `name` as it is in a temporary name: cut between characters. */
export function shortName(name: string): string {
  let short = name;
  while (utf8Length(short) > longestName) short = [...short].slice(0, -1).join("");
  return short;
}

/**
 * Creates an empty temporary file for `name` in `folder`. `shown` is what a person may see of it; `mode`: its permissions before the
 * umask. Throws `io` as the operating system says.
 */
export function createTemporary(
  folder: string,
  name: string,
  as: { readonly shown: string; readonly use: Use; readonly mode?: number },
): OpenOutput {
  for (;;) {
    counter += 1;
    const path = join(folder, `.${shortName(name)}.${process.pid}-${counter}.vggtool-tmp`);
    try {
      const fd = openSync(path, "wx+", as.mode ?? 0o666);
      ours.add(counter);
      return outputOn(fd, path, as.shown, as.use);
    } catch (error) {
      // Left by a process that had the same number: in a container each run may be number 1.
      if (systemCode(error) !== "EEXIST") throw fromSystem(error, as.shown);
    }
  }
}

/** Removes a temporary file of this process, where its name is still there. */
export function removeTemporary(path: string): void {
  removeIfThere(path);
  const temporary = parseTemporary(basename(path));
  if (temporary !== undefined) ours.delete(temporary.count);
}

/** Removes the temporary files of runs that were killed. What may not be seen or removed belongs to somebody else, and is not in the way. */
export function removeStale(folder: string): void {
  for (const file of namesIn(folder)) {
    const temporary = parseTemporary(file);
    if (temporary === undefined || isAtWork(temporary, join(folder, file))) continue;
    try {
      unlinkSync(join(folder, file));
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
    }
  }
}

/** What is in a folder; nothing where it may not be listed. */
export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return [];
  }
}

/** Whether the process that made a temporary file still runs. */
export function isAtWork({ pid, count }: TemporaryName, path: string): boolean {
  if (pid === process.pid) {
    if (ours.has(count)) return true;
    const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    // One of an earlier process of the same number was last written to before this one began (in ms; file systems' clocks are coarse).
    return written >= Date.now() - process.uptime() * 1000 - 100;
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== "ESRCH";
  }
}
