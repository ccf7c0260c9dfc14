import { vi } from "vitest";
import { main } from "../../src/cli/main.ts";
import type { Ran } from "./cli.ts";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
let last: Promise<unknown> = Promise.resolve();

/**
 * Runs a command line in this process, from its arguments to what it prints and its exit code, one at a time. A process of its own
 * (`vggtool` of cli.ts) costs several times as much, and is for what only a process shows: how it starts, ends and waits.
 */
export function command(args: readonly string[]): Promise<Ran> {
  const ran = last.then(() => captured(args));
  last = ran.catch(() => undefined);
  return ran;
}

async function captured(args: readonly string[]): Promise<Ran> {
  const written = { stdout: "", stderr: "" };
  const before = signals.map((signal) => process.listeners(signal));
  const [code, quiet] = [process.exitCode, process.stdout.listenerCount("error") === 0];
  for (const stream of ["stdout", "stderr"] as const) {
    vi.spyOn(process[stream], "write").mockImplementation((text) => {
      written[stream] += text;
      return true;
    });
  }
  for (const name of ["NO_COLOR", "FORCE_COLOR", "COLUMNS"]) vi.stubEnv(name, "");
  try {
    process.exitCode = 0;
    await main(args);
    return { code: Number(process.exitCode), ...written };
  } finally {
    process.exitCode = code;
    for (const stream of ["stdout", "stderr"] as const) vi.mocked(process[stream].write).mockRestore();
    vi.unstubAllEnvs();
    for (const [k, signal] of signals.entries()) {
      for (const each of process.listeners(signal)) if (!before[k]?.includes(each)) process.off(signal, each);
    }
    if (quiet) process.stdout.removeAllListeners("error");
  }
}
