import type { Context } from "../io/context.ts";
import type { Identity } from "../model/identity.ts";
import type { Checkpoint } from "../tensor/checkpoint.ts";
import { type DType, dtypes, itemsize } from "../tensor/dtype.ts";
import { decode } from "../tensor/numbers/numbers.ts";
import { elementCount } from "../tensor/shape.ts";
import { OutputSums } from "../tensor/statistics/output-sums.ts";
import { scanOnce } from "../tensor/statistics/repeats.ts";
import { type Statistics, StatisticsBuilder } from "../tensor/statistics/statistics.ts";
import { isNumeric, type NumericTensor } from "../tensor/tensor.ts";
import { plainView, view } from "../tensor/view.ts";
import { type LayerWeight, layerWeights } from "./findings/layer-weights.ts";

/** Statistics as `inspect --stats` shows them; field names are part of the command-line contract. Without values: null. */
export interface StatsRecord {
  /** Complex numbers have no order: theirs are the statistics of their magnitudes, as of numpy.abs(x). Absent for all others. */
  readonly of?: "magnitude";
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

/** What of a checkpoint is looked at. */
export interface StatisticsOptions {
  /** Tensors; all where absent. */
  readonly names?: ReadonlySet<string>;
  /** Weights of its convolutions are also summed up for each output. */
  readonly identity?: Identity | undefined;
  /** And those of its fully connected layers. */
  readonly heads?: boolean | undefined;
}

/**
 * The statistics of every numeric tensor, or of those named, in one streaming pass over the file, in its order; of complex
 * tensors those of the magnitudes. Strings, float128 and guarded tensors are left out.
 */
export async function statistics(
  checkpoint: Checkpoint,
  ctx: Context,
  { names, identity, heads }: StatisticsOptions = {},
): Promise<ReadonlyMap<string, Statistics>> {
  const found = new Map<string, Statistics>();
  const layers = identity === undefined ? [] : layerWeights(checkpoint, identity).filter(({ kind }) => kind === "conv" || heads === true);
  const weights = new Map(layers.map((weight) => [weight.tensor.name, weight]));
  for (const tensor of checkpoint.tensors.values()) {
    if (names !== undefined && !names.has(tensor.name)) continue;
    if (checkpoint.amplified?.get(tensor.name)?.guarded === true) continue;
    if (!isNumeric(tensor) || dtypes[tensor.dtype].kind === "extended") continue;
    found.set(tensor.name, await tensorStatistics(tensor, ctx, weights.get(tensor.name)));
  }
  return found;
}

export async function tensorStatistics(tensor: NumericTensor, ctx: Context, weight?: LayerWeight): Promise<Statistics> {
  if (dtypes[tensor.dtype].kind === "complex") return magnitudeStatistics(tensor, ctx);
  const builder = new StatisticsBuilder(tensor.dtype, elementCount(tensor.shape));
  const source = weight === undefined ? await plainView(tensor) : await view(tensor, weight.axes, weight.sizes);
  const outputs = source.shape[source.axes.indexOf("o")];
  const sums = outputs === undefined ? undefined : new OutputSums(outputs, weight?.kind === "conv");
  let repeated = false;
  await scanOnce(
    source,
    ctx,
    (tile, times) => {
      if (times > 1) {
        builder.addRepeated(tile.bytes, tile.count, times);
        repeated = true;
      } else if (weight?.kind !== "fc" || sums?.addRuns(tile, source.itemsize, builder) !== true) {
        builder.add(tile.bytes, tile.count);
        sums?.add(tile, tensor.dtype);
      }
    },
    sums === undefined ? undefined : "o",
  );
  return { ...builder.finish(), ...(sums === undefined || repeated ? {} : { outputs: sums }) };
}

/** Values that are taken at once, two numbers each. */
const MAGNITUDES = 8192;

async function magnitudeStatistics(tensor: NumericTensor, ctx: Context): Promise<Statistics> {
  const part = tensor.dtype === "complex64" ? "float32" : "float64";
  const builder = new StatisticsBuilder("float64", elementCount(tensor.shape));
  const parts = new Float64Array(2 * MAGNITUDES);
  const magnitudes = new Float64Array(MAGNITUDES);
  const asBytes = new Uint8Array(magnitudes.buffer);
  await scanOnce(await plainView(tensor), ctx, ({ bytes, count }, times) => {
    for (let done = 0; done < count; done += MAGNITUDES) {
      const taken = Math.min(MAGNITUDES, count - done);
      decode(bytes, done * itemsize(tensor.dtype), part, parts, 2 * taken);
      for (let k = 0; k < taken; k++) magnitudes[k] = Math.hypot(parts[2 * k] ?? 0, parts[2 * k + 1] ?? 0);
      if (times === 1) builder.add(asBytes, taken);
      else builder.addRepeated(asBytes, taken, times);
    }
  });
  return builder.finish();
}

export function statsRecord(of: Statistics, dtype?: DType): StatsRecord {
  const complex = dtype !== undefined && dtype !== "string" && dtypes[dtype].kind === "complex";
  return {
    ...(complex && { of: "magnitude" as const }),
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
