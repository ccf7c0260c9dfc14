import type { RemoteOptions } from "../io/remote/options.ts";
import { abortSignal, type Checks, callback, countingNumber, flag, record, text } from "./checks.ts";

/** What every verb takes. */
export interface RunOptions {
  /** Read as this format (`listFormats` has their ids), whatever the content looks like. */
  readonly from?: string;
  /** Stops the work: the verb then throws a CheckpointError of code `interrupted`, and leaves no output. */
  readonly signal?: AbortSignal;
  /** Values of which the files hold a tiny part are read all the same. */
  readonly amplified?: boolean;
  /** Threads that move, compare and sum up large files together: 1 for a program that uses the library, up to 4 for the command. */
  readonly threads?: number;
  /** No address is asked: one that is named is an error. */
  readonly offline?: boolean;
  /** A file that a server gives only whole is fetched into a temporary file first. */
  readonly download?: boolean;
  /** A folder in which what was fetched from servers is kept between runs. */
  readonly cache?: string;
  /** How requests are made: a transport or a function of the form of `fetch`, headers, tries of each request. */
  readonly remote?: Pick<RemoteOptions, "transport" | "fetch" | "headers" | "tries">;
  /** Bytes that went through, as they go. */
  readonly onProgress?: (bytes: number) => void;
  /** Called where a part of the work begins: what it is, and about how many bytes `onProgress` will count of it. */
  readonly onPhase?: (phase: string, bytes: number) => void;
}

export const runChecks: Checks<RunOptions> = {
  from: text,
  signal: abortSignal,
  amplified: flag,
  threads: countingNumber,
  offline: flag,
  download: flag,
  cache: text,
  remote: record,
  onProgress: callback,
  onPhase: callback,
};
