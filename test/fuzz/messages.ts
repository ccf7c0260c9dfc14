import type { Kind } from "./mutations.ts";

/** What the parent asks of a worker: a row of the table, from one position of its order on, for so long. */
export interface Job {
  readonly row: number;
  readonly from: number;
  readonly seconds: number;
  readonly seed: number;
  readonly random: number;
  readonly allValues: boolean;
}

/** Something that must not happen: `what` in words, and the number of the mutation that brings it back. */
export interface Problem {
  readonly n: number;
  readonly what: string;
}

/** What came of a job, or of the part of it that was done. */
export interface Result {
  readonly next: number;
  readonly total: number;
  readonly tried: Readonly<Record<Kind, number>>;
  /** How often each outcome came: same, other, or an error code. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly problems: readonly Problem[];
  readonly slowest: { readonly ms: number; readonly n: number };
  readonly peak: { readonly megabytes: number; readonly n: number };
}

export function isJob(value: unknown): value is Job {
  return typeof value === "object" && value !== null && "row" in value && "from" in value;
}

export function isResult(value: unknown): value is Result {
  return typeof value === "object" && value !== null && "outcomes" in value && "problems" in value;
}

/** What any one file may take, from the issue: seconds and megabytes. */
export const limits = { seconds: 2, megabytes: 300 } as const;
