import type { Conventions } from "../../../tensor/checkpoint.ts";
import type { ConvLayout } from "../conv.ts";
import type { Entry } from "../entries.ts";

/** A fully connected layer, as a matrix or as a convolution. */
export interface Fc {
  readonly entry: Entry;
  readonly inputs: number;
  readonly outputs: number;
  /** The stored axes of fc7 and fc8; fc6's `i` is channels × height × width. */
  readonly axes: string;
  /** Height and width, where the layer is kept as a convolution. */
  readonly kernel?: readonly [number, number];
}

/** How matrices are kept: [in, out] or [out, in]. */
export type Orientation = "i o" | "o i";

/** Reads layers as fully connected ones, all matrices of a file in one orientation. */
export type DenseReader = (entry: Entry) => Fc | undefined;

/** The orientation that gives more matrices the length of their bias, and in which more take what another gives; the format's own where both do. */
export function denseReader(entries: readonly Entry[], layout: ConvLayout, { matrix }: Conventions): DenseReader {
  const home: Orientation = matrix === "i o" || layout === "h w i o" ? "i o" : "o i";
  const away: Orientation = home === "i o" ? "o i" : "i o";
  const [own, other] = [score(entries, home, layout), score(entries, away, layout)];
  const orientation = other > own ? away : home;
  return (entry) => asFc(entry, orientation, layout);
}

/** More dense layers than these are another network, whose orientation nobody asks for. */
const mostDense = 256;

function score(entries: readonly Entry[], orientation: Orientation, layout: ConvLayout): number {
  const dense = entries
    .flatMap((entry) => asFc(entry, orientation, layout) ?? [])
    .filter(({ kernel }) => kernel === undefined)
    .slice(0, mostDense);
  const given = new Set(dense.map(({ outputs }) => outputs));
  const biased = dense.filter(({ entry, outputs }) => entry.layer?.bias?.shape.includes(outputs) === true).length;
  return 2 * biased + dense.filter(({ inputs }) => given.has(inputs)).length;
}

/** A matrix, with Caffe's two leading axes of one where it has them, or a convolution. */
function asFc(entry: Entry, orientation: Orientation, layout: ConvLayout): Fc | undefined {
  const shape = entry.layer?.weight.shape;
  if (shape === undefined) return undefined;
  const legacy = shape.length === 4 && shape[0] === 1 && shape[1] === 1 && layout !== "h w i o";
  const { conv } = entry;
  if (shape.length !== 2 && !legacy) {
    return conv === undefined ? undefined : { entry, inputs: conv.inputs, outputs: conv.outputs, axes: conv.axes, kernel: conv.kernel };
  }
  const [a, b] = shape.slice(-2);
  if (a === undefined || b === undefined) return undefined;
  const [inputs, outputs] = orientation === "i o" ? [a, b] : [b, a];
  return { entry, inputs, outputs, axes: legacy ? `1 1 ${orientation}` : orientation };
}
