import type { Context } from "../../io/context.ts";
import type { Identity } from "../../model/identity.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import type { Statistics } from "../../tensor/statistics/statistics.ts";

export type Severity = "error" | "warning" | "info";

/** Something about a checkpoint that a person should know; field names are part of the command-line contract. */
export interface Finding {
  readonly code: string;
  readonly severity: Severity;
  /** A sentence with the evidence in numbers. */
  readonly message: string;
  /** Names of the layers or tensors it is about. */
  readonly layers: readonly string[];
  /** What to do about it. */
  readonly fix?: string;
}

/** What checks look at. */
export interface AuditSubject {
  readonly checkpoint: Checkpoint;
  readonly identity?: Identity;
  /** By tensor name; only where statistics were asked for. */
  readonly statistics?: ReadonlyMap<string, Statistics>;
  readonly ctx: Context;
}

/** One kind of finding: a file in this folder and a row in the table of `audit.ts`. */
export interface Check {
  readonly code: string;
  /** One line for `--help` and the documentation. */
  readonly title: string;
  /** headers: always run. statistics: with --stats. values: with --stats, reads tensors itself. */
  readonly needs: "headers" | "statistics" | "values";
  run(subject: AuditSubject): Promise<readonly Finding[]>;
}
