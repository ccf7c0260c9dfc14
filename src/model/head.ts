import type { Conv, ConvLayout } from "./chain.ts";
import type { WeightLayer } from "./groups.ts";
import { naturalCompare } from "./names.ts";

/** A fully connected layer, as a matrix or as a convolution. */
export interface Fc {
  readonly layer: WeightLayer;
  readonly inputs: number;
  readonly outputs: number;
  /** The stored axes of fc7 and fc8; fc6's `i` is channels × height × width: see `spatial`. */
  readonly axes: string;
  /** Height and width, where the layer is kept as a convolution. */
  readonly kernel?: readonly [number, number];
}

export interface Head {
  /** In forward order, all that chain. */
  readonly layers: readonly Fc[];
  /** How matrices are kept: [in, out] or [out, in]. */
  readonly orientation: "i o" | "o i";
}

export interface HeadQuestion {
  readonly layers: readonly WeightLayer[];
  /** Convolutions behind the features, which are the head or its beginning. */
  readonly convs: readonly Conv[];
  /** Channels of the last feature map; undefined where the file has no features. */
  readonly channels?: number;
  readonly layout: ConvLayout;
  /** The format's own order of matrices: decides only where shapes, biases and neighbours do not. */
  readonly matrix: Head["orientation"];
}

/** More dense layers than this are another network; bounds the search. */
const mostDense = 64;
const mostSteps = 20_000;

/** The fully connected layers: the longest chain of matrices that begins at the features. */
export function findHead(question: HeadQuestion): Head {
  const home = question.matrix === "i o" || question.layout === "h w i o" ? "i o" : "o i";
  const away = home === "i o" ? "o i" : "i o";
  const [first, second] = [chain(question, home), chain(question, away)];
  return second.score > first.score ? second.head : first.head;
}

function chain(question: HeadQuestion, orientation: Head["orientation"]): { readonly head: Head; readonly score: number } {
  const convs = question.convs.map(
    (conv): Fc => ({ layer: conv.layer, inputs: conv.inputs, outputs: conv.outputs, axes: conv.axes, kernel: conv.kernel }),
  );
  const dense = question.layers
    .flatMap((layer) => asDense(layer, orientation, question.layout) ?? [])
    .sort((a, b) => naturalCompare(a.layer.name, b.layer.name));
  const last = convs.at(-1);
  const path = dense.length > mostDense ? [] : longestPath(dense, starts(dense, last?.outputs, question.channels));
  const layers = [...convs, ...path];
  const biases = layers.filter((fc) => biasFits(fc)).length;
  return { head: { layers, orientation }, score: 4 * path.length + 2 * biases };
}

function biasFits(fc: Fc): boolean {
  return fc.layer.bias?.shape.some((axis) => axis === fc.outputs) === true;
}

/** A matrix, with Caffe's two leading axes of one where it has them. */
function asDense(layer: WeightLayer, orientation: Head["orientation"], layout: ConvLayout): Fc | undefined {
  const shape = layer.weight.shape;
  const legacy = shape.length === 4 && shape[0] === 1 && shape[1] === 1 && layout !== "h w i o";
  if (shape.length !== 2 && !legacy) return undefined;
  const [a, b] = shape.slice(-2);
  if (a === undefined || b === undefined) return undefined;
  const [inputs, outputs] = orientation === "i o" ? [a, b] : [b, a];
  return { layer, inputs, outputs, axes: legacy ? `1 1 ${orientation}` : orientation };
}

function starts(dense: readonly Fc[], outputs: number | undefined, channels: number | undefined): readonly Fc[] {
  if (outputs !== undefined) return dense.filter((fc) => fc.inputs === outputs);
  if (channels !== undefined) return dense.filter((fc) => fc.inputs % channels === 0);
  return dense;
}

/** Depth first over "takes what the one before gives"; the first of the longest in natural order of names. */
function longestPath(dense: readonly Fc[], from: readonly Fc[]): readonly Fc[] {
  let best: readonly Fc[] = [];
  let steps = 0;
  const used = new Set<Fc>();
  const extend = (path: readonly Fc[]): void => {
    if (++steps > mostSteps) return;
    if (rank(path) > rank(best)) best = path;
    const last = path.at(-1);
    for (const next of dense) {
      if (last === undefined || used.has(next) || next.inputs !== last.outputs) continue;
      used.add(next);
      extend([...path, next]);
      used.delete(next);
    }
  };
  for (const fc of from) {
    used.add(fc);
    extend([fc]);
    used.delete(fc);
  }
  return best;
}

/** Length first, then how many biases fit. */
function rank(path: readonly Fc[]): number {
  return path.length * 100 + path.filter(biasFits).length;
}
