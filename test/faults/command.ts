import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { root } from "../support/cli.ts";

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
  readonly seconds: number;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** Starts the built command; `through` is a command line that runs it (a shell with limits, another user). */
export function start(args: readonly string[], through: readonly string[] = []): Running {
  const line = [...through, process.execPath, join(root, "bin", "vggtool"), ...args];
  const started = performance.now();
  const child = spawn(line[0] ?? process.execPath, line.slice(1), { cwd: root, detached: true, stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stderr, seconds: (performance.now() - started) / 1000 }));
  });
  return { child, ended };
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
