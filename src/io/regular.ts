import { type BigIntStats, type Stats, statSync } from "node:fs";
import { CheckpointError } from "../errors.ts";
import { fromSystem, systemCode } from "./system-error.ts";

type AnyStats = Stats | BigIntStats;

/** What a path leads to. */
export type Kind = "file" | "folder" | undefined;

/**
 * What is at a path, before it is opened: opening a pipe waits for whoever writes to it, and a device may never end. Every path that is read goes
 * through here. Throws `usage` for pipes, sockets and devices, `io` as the operating system says.
 */
export function kindAt(path: string): Kind {
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) return "folder";
    refuseSpecial(stat, path);
    return "file";
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return undefined;
    throw fromSystem(error, path);
  }
}

/** Throws `usage` for what is neither a file nor a folder. */
export function refuseSpecial(stat: AnyStats, path: string): void {
  if (stat.isFile() || stat.isDirectory()) return;
  const kind = specialKind(stat);
  throw new CheckpointError("usage", `this is ${kind}, a file was needed`, {
    file: path,
    // Some devices never end.
    ...(kind === "a pipe" ? { hint: "copy what comes out of it into a file first" } : {}),
  });
}

/** What is neither a file nor a folder, in words. */
export function specialKind(stat: AnyStats): string {
  if (stat.isFIFO()) return "a pipe";
  return stat.isSocket() ? "a socket" : "a device";
}
