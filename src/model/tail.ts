import type { Grouped } from "./groups.ts";
import type { Fc } from "./head.ts";

/** What of a chain of fully connected layers is VGG's own. */
export interface Tail {
  /** fc6, fc7 and, where nothing else follows, fc8. */
  readonly layers: readonly Fc[];
  /** The last of them gives the classes. */
  readonly final: boolean;
  /** fc8, where it was cut off. */
  readonly missing: readonly string[];
  /** Other layers stand behind fc7. */
  readonly replaced: boolean;
}

/**
 * fc8 has its role only if exactly one layer follows fc7 (decisions.md); a longer head is somebody's own, and so is one
 * that a recurrent layer or a matrix outside the chain goes on from.
 */
export function headTail(chain: readonly Fc[], grouped: Grouped): Tail {
  if (chain.length === 0) return { layers: [], final: false, missing: [], replaced: false };
  if (chain.length > 3) return { layers: chain.slice(0, 2), final: false, missing: [], replaced: true };
  const last = chain.at(-1);
  const continued = last !== undefined && goesOn(last, chain, grouped);
  if (chain.length === 3) return continued ? { layers: chain.slice(0, 2), final: false, missing: [], replaced: true } : whole(chain);
  if (continued) return { layers: chain, final: false, missing: [], replaced: true };
  if (chain.length === 2 && isCut(chain)) return { layers: chain, final: false, missing: ["fc8"], replaced: false };
  return whole(chain);
}

function whole(layers: readonly Fc[]): Tail {
  return { layers, final: true, missing: [], replaced: false };
}

/** fc6 and fc7 alone: two equal widths, or names that say so. */
function isCut([first, second]: readonly Fc[]): boolean {
  if (first === undefined || second === undefined) return false;
  return first.outputs === second.outputs || /fc7|classifier\.[34]\b/.test(second.layer.name);
}

/** Whether something outside the chain takes what the last layer gives. */
function goesOn(last: Fc, chain: readonly Fc[], grouped: Grouped): boolean {
  const inChain = new Set(chain.map((fc) => fc.layer));
  const takes = (shape: readonly number[]): boolean => shape.length >= 2 && shape.slice(-2).includes(last.outputs) && last.outputs > 1;
  if (grouped.recurrent.some((tensor) => takes(tensor.shape))) return true;
  return grouped.weights.some(
    (layer) => !inChain.has(layer) && layer.weight.shape.length === 2 && layer.bias !== undefined && takes(layer.weight.shape),
  );
}
