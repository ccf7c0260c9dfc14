import { execFile } from "node:child_process";

export interface ProcessAnswer {
  /** undefined: the program could not be started. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starting a GPU for the first time takes up to half a minute (kernels are compiled); a driver that hangs takes for ever. */
const TIMEOUT_MS = 60_000;
const MAX_OUTPUT = 1 << 20;

/** Runs a program and takes down what it says; never throws. */
export function ask(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<ProcessAnswer> {
  return new Promise((resolve) => {
    execFile(
      program,
      [...args],
      { timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT, env: { ...process.env, ...env } },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : undefined;
        resolve({ code, stdout, stderr });
      },
    );
  });
}

/** Runs an ES module given as text in a process of its own: native libraries write to its stderr, not to ours. */
export function askNode(script: string, env: Readonly<Record<string, string>> = {}): Promise<ProcessAnswer> {
  return ask(process.execPath, ["--input-type=module", "--eval", script], env);
}
