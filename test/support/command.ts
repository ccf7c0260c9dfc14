import { type Ran, vggtool } from "./cli.ts";
import { inProcess } from "./in-process.ts";

let last: Promise<unknown> = Promise.resolve();

/**
 * Runs a command line in this process, from its arguments to what it prints and its exit code, one at a time. A process of its own
 * (`vggtool` of cli.ts) costs several times as much, and is for what only a process shows: how it starts, ends and waits. With
 * VGGTOOL_TEST_SPAWN=1, as a job of CI sets it, each has a process of its own all the same.
 */
export function command(args: readonly string[]): Promise<Ran> {
  if (process.env.VGGTOOL_TEST_SPAWN === "1") return vggtool(args);
  const ran = last.then(() => inProcess(args));
  last = ran.catch(() => undefined);
  return ran;
}
