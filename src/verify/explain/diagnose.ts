import { explain } from "../../compare/explain.ts";
import { sameEffect } from "../../compare/norms.ts";
import { aligned, isWeight, layerName, type Measured, measure, pairsOf } from "../../compare/pairs.ts";
import { differingEpsilon, differingSettings, hasNorm } from "../../compare/settings.ts";
import type { Compared } from "../../compare/side.ts";
import type { Context } from "../../io/context.ts";

/**
 * Why the outputs of `layer` differ although the layers before it agree, in sentences. Only weights and settings of that layer can be the
 * cause, so they are compared, not run.
 */
export async function diagnose(layer: string, compared: Compared, ctx: Context): Promise<readonly string[]> {
  const pairs = await pairsOf(aligned(compared.a, compared.b), compared, ctx);
  const own: Measured[] = [];
  for (const pair of pairs) if (layerName(pair) === layer) own.push(await measure(pair, compared, ctx));
  const found = await explain(own, pairs, compared, ctx);
  const normed = compared.a.identity?.network.layers.some((each) => each.name === layer && hasNorm(each)) === true;
  const epsilon = normed ? differingEpsilon(compared) : undefined;
  const settings = differingSettings(compared, layer);
  if (found.length > 0) return [...new Set([...found, ...(epsilon === undefined ? [] : [epsilon]), ...settings])];
  if (epsilon !== undefined) {
    return [...settings, `${epsilon}; all weights of ${layer} agree (for a file that does not say its epsilon, --bn-epsilon does)`];
  }
  const same = `${layer}: all its weights agree and its settings are the same: neither makes its outputs differ`;
  return settings.length > 0 || own.length === 0 ? settings : [same];
}

/**
 * The first layer that computes something else on either side, though the outputs were the same; undefined where none does. A value behind a
 * channel that no picture lights up changes no output, and is wrong all the same.
 */
export async function firstWeightDivergence(compared: Compared, ctx: Context): Promise<string | undefined> {
  const pairs = await pairsOf(aligned(compared.a, compared.b), compared, ctx);
  for (const pair of pairs) if (isWeight(pair) && !(await sameEffect(pair, compared, ctx))) return layerName(pair);
  return undefined;
}
