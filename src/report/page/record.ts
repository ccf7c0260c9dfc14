import type { ConvertResult } from "../../convert/convert.ts";
import type { DiffRecord } from "../../inspect/diff.ts";
import type { Filters } from "../../inspect/filters.ts";
import type { InspectRecord } from "../../inspect/inspect.ts";
import type { RowLikeness } from "../../inspect/row-likeness.ts";

/** All that `vggtool report` shows of a checkpoint; field names are part of the command-line contract. */
export interface ReportRecord {
  readonly schema: "vggtool/report/1";
  /** Path of the page; null where none was written. */
  readonly output: string | null;
  readonly inspect: InspectRecord;
  /** null where no VGG was recognised. */
  readonly filters: Filters | null;
  /** With OTHER. */
  readonly comparison: ReportedComparison | null;
  /** With `to`: what a conversion would do. */
  readonly conversion: Pick<ConvertResult, "plan" | "ledger" | "warnings"> | null;
}

export interface ReportedComparison {
  /** File name of OTHER. */
  readonly other: string;
  readonly diff: DiffRecord;
  /** null where the two have no first dense layer in common. */
  readonly rowLikeness: RowLikeness | null;
}
