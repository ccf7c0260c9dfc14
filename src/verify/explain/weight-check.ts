import type { Context } from "../../io/context.ts";
import { isWeighted, type WeightedLayer } from "../../model/geometry/shapes.ts";
import { normParts, type Part, type Role, roleOf } from "../../model/role.ts";
import { compare } from "../../tensor/compare.ts";
import { parameters } from "../engines/parameters.ts";
import type { Compared, Pair } from "./diagnose.ts";
import { agreement } from "./vectors.ts";

/**
 * The first layer whose weights differ between two networks that gave the same outputs; undefined where none do. A value
 * behind a channel that no picture lights up changes no output, and is wrong all the same.
 */
export async function firstWeightDivergence(pair: Pair, ctx: Context): Promise<string | undefined> {
  for (const layer of pair.a.network.layers.filter(isWeighted)) {
    const theirs = pair.b.network.layers.filter(isWeighted).find((other) => other.name === layer.name);
    if (theirs !== undefined && !(await sameWeights(pair, layer, theirs, ctx))) return layer.name;
  }
  return undefined;
}

/**
 * Networks in the same clothes are compared as they are stored, kernels tile by tile; others by what engines compute with
 * (batch norm and input scales worked in), where different clothes are equal.
 */
async function sameWeights({ a, b, rtol }: Pair, layer: WeightedLayer, theirs: WeightedLayer, ctx: Context): Promise<boolean> {
  const role: Role = `${layer.name}.weight`;
  const views = sameSettings(layer, theirs) ? [await a.kernel?.(role), await b.kernel?.(role)] : [];
  const [viewA, viewB] = views;
  if (viewA === undefined || viewB === undefined) {
    const [mine, other] = [await loaded(a, layer), await loaded(b, theirs)];
    return agreement(mine.kernel, other.kernel, rtol).different + agreement(mine.bias, other.bias, rtol).different === 0;
  }
  if (!((await compare(viewA, viewB, ctx)).maxRel <= rtol)) return false;
  for (const vector of vectorsOf(layer)) {
    if (agreement(await a.weights(vector, "o"), await b.weights(vector, "o"), rtol).different > 0) return false;
  }
  return true;
}

function sameSettings(a: WeightedLayer, b: WeightedLayer): boolean {
  return a.bias === b.bias && a.batchNorm?.epsilon === b.batchNorm?.epsilon && inputScale(a) === inputScale(b);
}

function inputScale(layer: WeightedLayer): number {
  return layer.kind === "fc" ? (layer.inputScale ?? 1) : 1;
}

function vectorsOf(layer: WeightedLayer): readonly Role[] {
  const parts: readonly Part[] = [...(layer.bias ? (["bias"] as const) : []), ...(layer.batchNorm === undefined ? [] : normParts)];
  return parts.map((part) => roleOf(layer.name, part));
}

function loaded({ weights }: Compared, layer: WeightedLayer) {
  return parameters(layer, "h w i o", weights);
}
