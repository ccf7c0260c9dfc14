import type { Conventions } from "../../tensor/checkpoint.ts";
import type { Described, DescribedCheckpoint } from "../described.ts";
import { typeOf } from "../records.ts";

/** How a file keeps convolution kernels; flat: [out, in · 9], Torch7's SpatialConvolutionMM. */
export type ConvLayout = "o i h w" | "h w i o" | "o (i h w)";

/** A weight read as a convolution. */
export interface Conv {
  readonly weight: Described;
  readonly inputs: number;
  readonly outputs: number;
  /** Height, width. */
  readonly kernel: readonly [number, number];
  /** The stored axes; leading and trailing axes of one included. */
  readonly axes: string;
}

/** Of AlexNet's first layer, and of a feature map's side at the end of a network. */
const largestKernel = 11;

const layouts: readonly ConvLayout[] = ["o i h w", "h w i o", "o (i h w)"];

/** Reads weights as convolutions in the one layout that gives the most of them a kernel's shape; the format's own where shapes allow both. */
export function convReader(checkpoint: DescribedCheckpoint, weights: readonly Described[]): (weight: Described) => Conv | undefined {
  const layout = layoutOf(checkpoint, weights);
  return (weight) => asConv(weight, layout, checkpoint.conventions);
}

/** The layout of a file's kernels. */
export function layoutOf(checkpoint: DescribedCheckpoint, weights: readonly Described[]): ConvLayout {
  const { conventions } = checkpoint;
  const flat = conventions.flatKernels === true && hasFlatKernels(checkpoint, weights);
  const counts = layouts.map((layout) => {
    if (layout === "o (i h w)") return flat ? Number.POSITIVE_INFINITY : -1;
    return weights.reduce((count, weight) => count + (isSmall(asConv(weight, layout, conventions)) ? 1 : 0), 0);
  });
  const most = Math.max(...counts);
  const fits = layouts.filter((_, i) => counts[i] === most);
  return fits.includes(conventions.kernel) ? conventions.kernel : (fits[0] ?? conventions.kernel);
}

/** No kernel of four axes, and matrices that the file calls convolutions, or that all but three can be. */
function hasFlatKernels({ layers }: DescribedCheckpoint, weights: readonly Described[]): boolean {
  if (weights.some(({ shape }) => shape.length === 4)) return false;
  if (layers.length > 0) return layers.some((record) => /conv/i.test(typeOf(record)) && record.tensors.length > 0);
  return weights.filter(({ shape }) => (shape[1] ?? 1) % 9 === 0).length >= weights.length - 3;
}

/** 3×3 or 1×1, as all of VGG's. */
export function isSmall(conv: Conv | undefined): boolean {
  if (conv === undefined) return false;
  const [height, width] = conv.kernel;
  return height === width && (height === 3 || height === 1);
}

/** Reads a weight as a convolution in one layout; undefined where it cannot be one. */
function asConv(weight: Described, layout: ConvLayout, { dropsOnes }: Conventions): Conv | undefined {
  const { shape } = weight;
  if (layout === "o (i h w)") return asFlatConv(weight);
  if (layout === "h w i o") {
    // A filter bank with one output then has three axes.
    const [h, w, i, o] = dropsOnes === true && shape.length === 3 ? [...shape, 1] : shape;
    if (h === undefined || w === undefined || i === undefined || o === undefined || shape.length > 4) return undefined;
    return { weight, inputs: i, outputs: o, kernel: [h, w], axes: shape.length === 3 ? "h w i" : "h w i o" };
  }
  const [o, i, h, w] = shape;
  if (o === undefined || i === undefined || h === undefined || w === undefined || shape.length !== 4) return undefined;
  // Caffe's legacy matrices have two leading axes of one.
  if (o === 1 && i === 1 && !(h === w && h <= largestKernel)) return undefined;
  return { weight, inputs: i, outputs: o, kernel: [h, w], axes: "o i h w" };
}

function asFlatConv(weight: Described): Conv | undefined {
  const [o, columns] = weight.shape;
  if (o === undefined || columns === undefined || weight.shape.length !== 2 || columns % 9 !== 0) return undefined;
  return { weight, inputs: columns / 9, outputs: o, kernel: [3, 3], axes: "o (i h w)" };
}
