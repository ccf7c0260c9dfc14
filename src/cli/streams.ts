import { fstatSync, statSync, writeSync } from "node:fs";
import { exitCodes } from "./exit-codes.ts";

type Descriptor = 1 | 2;

/** Node's own stream, for terminals: it knows their width, and what Windows needs. Making one takes some milliseconds. */
function stream(descriptor: Descriptor): NodeJS.WriteStream {
  return descriptor === 1 ? process.stdout : process.stderr;
}

/** Whether a person may be looking. Files, pipes and /dev/null are recognised by the descriptor alone. */
function isTerminal(descriptor: Descriptor): boolean {
  const there = fstatSync(descriptor);
  if (!there.isCharacterDevice() || there.rdev === statSync("/dev/null", { throwIfNoEntry: false })?.rdev) return false;
  return stream(descriptor).isTTY === true;
}

/** Columns of the terminal behind a descriptor; undefined where there is none. */
export function terminalWidth(descriptor: Descriptor): number | undefined {
  return isTerminal(descriptor) ? (stream(descriptor).columns ?? 80) : undefined;
}

/** Data, to stdout. */
export function print(text: string): void {
  write(1, text);
}

/** For people, to stderr. */
export function tell(text: string): void {
  write(2, text);
}

function write(descriptor: Descriptor, text: string): void {
  if (isTerminal(descriptor)) {
    stream(descriptor).write(text);
    return;
  }
  const bytes = Buffer.from(text);
  try {
    for (let done = 0; done < bytes.length; ) done += writeSome(descriptor, bytes, done);
  } catch (error) {
    const code = codeOf(error);
    // `vggtool inspect … | head` closes our stdout early: that is no failure of ours.
    if (code === "EPIPE") process.exit(process.exitCode ?? exitCodes.done);
    if (descriptor === 1) tell(`vggtool: the standard output cannot be written (${code})\n`);
    process.exit(exitCodes.failed);
  }
}

/** The system's code, or whatever else it is. */
function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

/** Bytes written. Whoever made the pipe may have made it non-blocking: then we wait until there is room. */
function writeSome(descriptor: Descriptor, bytes: Uint8Array, from: number): number {
  try {
    return writeSync(descriptor, bytes, from);
  } catch (error) {
    if (codeOf(error) !== "EAGAIN") throw error;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    return 0;
  }
}
