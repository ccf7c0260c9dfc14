import type { ConvertRunOptions, DiffRunOptions, ErrorCode, ErrorWhere, InspectOptions, VerifyRunOptions } from "../../index.ts";
import type { InspectTextOptions } from "../../report/inspect.ts";
import type { ExitCode } from "../exit-codes.ts";

/** One checkpoint of many and what is done with it; it goes to a worker thread as it is. */
export type Task =
  | {
      readonly verb: "inspect";
      readonly source: string;
      readonly options: InspectOptions;
      /** Severities of findings that make the answer a no. */
      readonly failOn: readonly string[];
      /** What of the record is printed as text. */
      readonly shown: InspectTextOptions;
    }
  | { readonly verb: "convert"; readonly source: string; readonly options: ConvertRunOptions }
  | { readonly verb: "verify"; readonly source: string; readonly options: VerifyRunOptions }
  | { readonly verb: "diff"; readonly source: string; readonly options: DiffRunOptions; readonly against: string };

/** What is to come of a task: JSON, a row of a table, or all that the verb prints for a single checkpoint. */
export interface Form {
  readonly kind: "json" | "row" | "text";
  readonly color: "always" | "never";
  /** Columns of the terminal; infinite where there is none. */
  readonly width: number;
}

/** What came of a task. */
export type Outcome =
  | { readonly kind: "answer"; readonly code: ExitCode; readonly text: string; readonly cells: readonly string[] }
  | { readonly kind: "failure"; readonly failure: Failure };

/** An error as it crosses between threads; without a code it is a bug of ours. */
export interface Failure {
  readonly code?: ErrorCode;
  readonly message: string;
  readonly where: Omit<ErrorWhere, "cause">;
  readonly stack?: string;
}

/** To a worker thread: work, or that it is to stop what it does. */
export type Order = { readonly task: Task; readonly form: Form } | "stop" | "end";
