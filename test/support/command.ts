import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { vi } from "vitest";
import { main } from "../../src/cli/main.ts";
import { type Ran, vggtool } from "./cli.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
let last: Promise<unknown> = Promise.resolve();

/**
 * Runs a command line in this process, from its arguments to what it prints and its exit code, one at a time. A process of its own
 * (`vggtool` of cli.ts) costs several times as much, and is for what only a process shows: how it starts, ends and waits. With
 * VGGTOOL_TEST_SPAWN=1, as a job of CI sets it, each has a process of its own all the same.
 */
export function command(args: readonly string[]): Promise<Ran> {
  if (process.env.VGGTOOL_TEST_SPAWN === "1") return vggtool(args);
  const ran = last.then(() => captured(args));
  last = ran.catch(() => undefined);
  return ran;
}

async function captured(args: readonly string[]): Promise<Ran> {
  const written = new Map<unknown, Buffer[]>([
    [1, []],
    [2, []],
  ]);
  const before = signals.map((signal) => process.listeners(signal));
  const code = process.exitCode;
  const { writeSync, fstatSync } = fs;
  // What goes to stdout and stderr is kept, as if they were pipes; files are written as ever.
  vi.spyOn(fs, "writeSync").mockImplementation((...place: unknown[]) => {
    const [descriptor, bytes, from] = place;
    const kept = written.get(descriptor);
    if (kept === undefined || !(bytes instanceof Uint8Array)) return Number(Reflect.apply(writeSync, fs, place));
    const rest = Buffer.from(bytes.subarray(Number(from ?? 0)));
    kept.push(rest);
    return rest.length;
  });
  vi.spyOn(fs, "fstatSync").mockImplementation((...place: Parameters<typeof fstatSync>) =>
    written.has(place[0]) ? fs.statSync("/") : fstatSync(...place),
  );
  syncBuiltinESMExports();
  for (const name of ["NO_COLOR", "FORCE_COLOR", "COLUMNS"]) vi.stubEnv(name, "");
  try {
    process.exitCode = 0;
    await main(args);
    const text = (descriptor: 1 | 2): string => Buffer.concat(written.get(descriptor) ?? []).toString();
    return { code: Number(process.exitCode), stdout: text(1), stderr: text(2) };
  } finally {
    process.exitCode = code;
    vi.mocked(fs.writeSync).mockRestore();
    vi.mocked(fs.fstatSync).mockRestore();
    syncBuiltinESMExports();
    vi.unstubAllEnvs();
    for (const [k, signal] of signals.entries()) {
      for (const each of process.listeners(signal)) if (!before[k]?.includes(each)) process.off(signal, each);
    }
  }
}
