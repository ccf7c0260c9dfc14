import type { Cursor } from "../../../io/source/cursor.ts";
import type { MatBudget } from "./limits.ts";
import type { KeepRule, MatFile, MatValue } from "./value.ts";

/** What parsing an array needs besides its place. */
export interface Parsing {
  readonly cursor: Cursor;
  readonly keep: KeepRule;
  readonly budget: MatBudget;
  /** Sentences about what was made good. */
  readonly remarks: MatFile["remarks"][number][];
}

/** What the flags of an array say, and where it is. */
export interface Header {
  readonly parsing: Parsing;
  readonly start: number;
  readonly end: number;
  readonly depth: number;
  readonly class: number;
  readonly logical: boolean;
  readonly complex: boolean;
}

export interface ParsedMatrix {
  readonly value: MatValue;
  /** Where the last sub-element that was read ends. */
  readonly end: number;
  /** Bytes that arrays inside count too many. */
  readonly excess: number;
}
