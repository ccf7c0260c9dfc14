import type { Network } from "../model/network.ts";
import type { Compared, Pair } from "./diagnose.ts";
import { isWeighted, type WeightedLayer } from "./geometry.ts";
import { parameters } from "./parameters.ts";
import { agreement } from "./vectors.ts";

/**
 * The first layer whose weights differ between two networks that gave the same outputs; undefined where none do. A value
 * behind a channel that no picture lights up changes no output, and is wrong all the same. Compared is what engines compute
 * with (batch norm and input scales worked in), so that networks in different clothes are equal.
 */
export async function firstWeightDivergence({ a, b, rtol }: Pair): Promise<string | undefined> {
  for (const layer of a.network.layers) {
    const theirs = weighted(b.network, layer.name);
    const ours = weighted(a.network, layer.name);
    if (ours === undefined || theirs === undefined) continue;
    const [mine, other] = [await loaded(a, ours), await loaded(b, theirs)];
    const differ = agreement(mine.kernel, other.kernel, rtol).different + agreement(mine.bias, other.bias, rtol).different;
    if (differ > 0) return layer.name;
  }
  return undefined;
}

function weighted(network: Network, name: string): WeightedLayer | undefined {
  return network.layers.filter(isWeighted).find((layer) => layer.name === name);
}

function loaded({ weights }: Compared, layer: WeightedLayer) {
  return parameters(layer, "h w i o", weights);
}
