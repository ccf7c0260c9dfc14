import type { Context } from "../../io/context.ts";
import type { OutputSums } from "../../tensor/statistics/output-sums.ts";
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
  async run({ checkpoint, identity, statistics, ctx }) {
    if (identity === undefined) return [];
    const found: { layer: string; dead: number; filters: number }[] = [];
    for (const weight of layerWeights(checkpoint, identity)) {
      if (weight.kind !== "conv") continue;
      const outputs = statistics?.get(weight.tensor.name)?.outputs ?? (await outputsOf(weight, ctx));
      if (outputs === undefined) continue;
      const { largest, energy } = outputs;
      const median = largest.toSorted()[Math.floor(largest.length / 2)] ?? 0;
      const dead = largest.filter((value, k) => value <= median * NEGLIGIBLE && Number.isFinite(energy[k])).length;
      // All zero is another finding; a lone filter has no others to be compared with.
      if (median > 0 && dead > 0) found.push({ layer: weight.layer, dead, filters: largest.length });
    }
    if (found.length === 0) return [];
    const parts = found.map(({ layer, dead, filters }) => `${dead} of ${filters} in ${layer}`);
    return [
      {
        code: "dead-filters",
        severity: found.some(({ dead, filters }) => dead > filters * MANY) ? "warning" : "info",
        message: `filters without weights above ${NEGLIGIBLE} of their layer's median filter: ${few(parts)}`,
        layers: found.map(({ layer }) => layer),
        fix: "these channels can be pruned without changing the output",
      },
    ];
  },
};

/** The sums of every output channel, where the statistics have none. */
async function outputsOf(weight: LayerWeight, ctx: Context): Promise<OutputSums | undefined> {
  const { tensorStatistics } = await import("../stats.ts");
  return (await tensorStatistics(weight.tensor, ctx, weight)).outputs;
}
