import type { Network } from "../model/network.ts";
import type { LayerResult } from "./record.ts";
import { uncompared } from "./tally.ts";

export interface Absent {
  /** A failed row for each layer that makes the networks different. */
  readonly results: readonly LayerResult[];
  /** Sentences about layers that simply are not compared. */
  readonly notes: readonly string[];
}

/** Layers with weights that only one of two networks has. A whole head may be missing; a convolution or part of a head may not. */
export function absentLayers(a: Network, b: Network, nameA: string, nameB: string): Absent {
  const one = lacking(a, b, nameB);
  const two = lacking(b, a, nameA);
  return { results: [...one.results, ...two.results], notes: [...one.notes, ...two.notes] };
}

function lacking(has: Network, lacks: Network, name: string): Absent {
  const known = new Set(lacks.layers.map((layer) => layer.name));
  const hasHead = lacks.layers.some((layer) => layer.kind === "fc");
  const missing = has.layers.filter((layer) => !known.has(layer.name));
  const head = missing.filter((layer) => layer.kind === "fc");
  const needed = [...missing.filter((layer) => layer.kind === "conv"), ...(hasHead ? head : [])];
  return {
    results: needed.map((layer) => ({
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
    notes: hasHead || head.length === 0 ? [] : [`${name} has no head: ${head.map((layer) => layer.name).join(", ")} not compared`],
  };
}
