import type { Context } from "../io/context.ts";
import type { Checkpoint } from "../tensor/checkpoint.ts";
import { dtypes } from "../tensor/dtype.ts";
import { scan } from "../tensor/scan.ts";
import { elementCount } from "../tensor/shape.ts";
import { type Statistics, StatisticsBuilder } from "../tensor/statistics.ts";
import { isNumeric, type NumericTensor } from "../tensor/tensor.ts";
import { plainView } from "../tensor/view.ts";

/** Statistics as `inspect --stats` shows them; field names are part of the command-line contract. Without values: null. */
export interface StatsRecord {
  readonly min: number | bigint | null;
  readonly max: number | bigint | null;
  readonly mean: number | null;
  readonly std: number | null;
  readonly zeros: number;
  readonly nan: number;
  readonly inf: number;
  readonly percentiles: Readonly<Record<`${number}`, number>>;
  /** Counts in bins of equal width between the smallest and the largest finite value. */
  readonly histogram: { readonly from: number; readonly to: number; readonly counts: readonly number[] } | null;
  /** Largest relative error of the percentiles, and of a value's place in the histogram; 0: exact. */
  readonly accuracy: number;
}

/**
 * The statistics of every numeric tensor, or of those named, in one streaming pass over the file, in its order. Complex
 * tensors, which have no order, and strings are left out.
 */
export async function statistics(
  checkpoint: Checkpoint,
  ctx: Context,
  names?: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Statistics>> {
  const found = new Map<string, Statistics>();
  for (const tensor of checkpoint.tensors.values()) {
    if (names !== undefined && !names.has(tensor.name)) continue;
    if (isNumeric(tensor) && dtypes[tensor.dtype].kind !== "complex") found.set(tensor.name, await tensorStatistics(tensor, ctx));
  }
  return found;
}

export async function tensorStatistics(tensor: NumericTensor, ctx: Context): Promise<Statistics> {
  const builder = new StatisticsBuilder(tensor.dtype, elementCount(tensor.shape));
  await scan(await plainView(tensor), ctx, ({ bytes, count }) => builder.add(bytes, count));
  return builder.finish();
}

export function statsRecord(of: Statistics): StatsRecord {
  return {
    min: of.min ?? null,
    max: of.max ?? null,
    mean: of.mean ?? null,
    std: of.std ?? null,
    zeros: of.zeros,
    nan: of.nan,
    inf: of.inf,
    percentiles: Object.fromEntries(of.percentiles),
    histogram: of.histogram ?? null,
    accuracy: of.accuracy,
  };
}
