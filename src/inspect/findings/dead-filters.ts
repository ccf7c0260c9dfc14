import type { Context } from "../../io/context.ts";
import { decode } from "../../tensor/numbers/numbers.ts";
import { scan } from "../../tensor/statistics/scan.ts";
import { view } from "../../tensor/view.ts";
import { few } from "../../text/few.ts";
import type { Check } from "./check.ts";
import { type LayerWeight, layerWeights } from "./layer-weights.ts";

/** A filter whose largest weight is below this share of its layer's median filter answers to nothing. */
const NEGLIGIBLE = 1e-3;
/** From this share of dead filters on a layer has lost much of its width: a warning, not a note. */
const MANY = 0.1;

export const deadFilters: Check = {
  code: "dead-filters",
  title: "convolution filters whose weights are all (nearly) 0",
  needs: "values",
  async run({ checkpoint, identity, ctx }) {
    if (identity === undefined) return [];
    const found: { layer: string; dead: number; filters: number }[] = [];
    for (const weight of layerWeights(checkpoint, identity)) {
      if (weight.kind !== "conv") continue;
      const largest = await largestPerFilter(weight, ctx);
      const median = largest.toSorted()[Math.floor(largest.length / 2)] ?? 0;
      const dead = largest.filter((value) => value <= median * NEGLIGIBLE).length;
      // All zero is another finding; a lone filter has no others to be compared with.
      if (median > 0 && dead > 0) found.push({ layer: weight.layer, dead, filters: largest.length });
    }
    if (found.length === 0) return [];
    const told = found.map(({ layer, dead, filters }) => `${dead} of ${filters} in ${layer}`);
    return [
      {
        code: "dead-filters",
        severity: found.some(({ dead, filters }) => dead > filters * MANY) ? "warning" : "info",
        message: `filters without weights above ${NEGLIGIBLE} of their layer's median filter: ${few(told)}`,
        layers: found.map(({ layer }) => layer),
        fix: "these channels can be pruned without changing the output",
      },
    ];
  },
};

/** max |w| of every output channel. */
async function largestPerFilter({ tensor, axes, sizes }: LayerWeight, ctx: Context): Promise<Float64Array> {
  const source = await view(tensor, axes, sizes);
  const largest = new Float64Array(source.shape[source.axes.indexOf("o")] ?? 0);
  let values = new Float64Array(0);
  await scan(
    source,
    ctx,
    ({ bytes, count, first, every, indices }) => {
      if (values.length < count) values = new Float64Array(count);
      decode(bytes, 0, source.dtype, values, count);
      for (let k = 0; k < count; ) {
        const index = first + (Math.floor(k / every) % indices);
        let most = largest[index] ?? 0;
        for (const end = Math.min(count, k + every); k < end; k++) most = Math.max(most, Math.abs(values[k] ?? 0));
        largest[index] = most;
      }
    },
    "o",
  );
  return largest;
}
