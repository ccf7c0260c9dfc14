import { isWeighted } from "../../model/geometry/shapes.ts";
import type { Network } from "../../model/network/network.ts";
import { uncompared } from "../compare/tally.ts";
import type { LayerResult } from "../record.ts";

export interface Absent {
  /** A failed row for each layer that makes the networks different. */
  readonly results: readonly LayerResult[];
  /** Sentences about layers that simply are not compared. */
  readonly notes: readonly string[];
}

/**
 * Layers with weights that only one of two networks has. Fully connected layers may be left out of a conversion, or replaced;
 * a convolution more or less makes another network.
 */
export function absentLayers(a: Network, b: Network, nameA: string, nameB: string): Absent {
  const one = lacking(a, b, nameB);
  const two = lacking(b, a, nameA);
  return { results: [...one.results, ...two.results], notes: [...one.notes, ...two.notes] };
}

function lacking(has: Network, lacks: Network, name: string): Absent {
  const known = new Set(lacks.layers.map((layer) => layer.name));
  const missing = has.layers.filter((layer) => isWeighted(layer) && !known.has(layer.name));
  const head = missing.filter((layer) => layer.kind === "fc");
  return {
    results: missing
      .filter((layer) => layer.kind === "conv")
      .map((layer) => ({
        role: layer.name,
        shape: [],
        ...uncompared,
        min: Number.NaN,
        max: Number.NaN,
        notFinite: 0,
        pass: false,
        problem: `${name} has no such layer`,
        seconds: 0,
      })),
    notes: head.length === 0 ? [] : [`${name} has no ${head.map((layer) => layer.name).join(", ")}: not compared`],
  };
}
