import type { Described } from "../described.ts";
import type { Leaf } from "./parts.ts";

/** A convolution or a fully connected layer: one weight of two or more axes and what is beside it. */
export interface WeightLayer {
  readonly name: string;
  readonly weight: Described;
  readonly bias?: Described;
  /** Batch norm that the file keeps within the layer (Darknet). */
  readonly norm?: NormLayer;
  /** What is kept under the layer's name and is none of its known parts. */
  readonly strays: readonly Described[];
  /** Place of the layer's first tensor in the file. */
  readonly position: number;
}

/** Vectors of one batch norm, or of the half of one (Caffe keeps statistics and scale apart). */
export interface NormLayer {
  readonly name: string;
  readonly gamma?: Described;
  readonly beta?: Described;
  readonly mean?: Described;
  readonly var?: Described;
  /** MatConvNet: mean and sigma side by side, C×2. */
  readonly moments?: Described;
  /** Caffe: what mean and variance are to be divided by. */
  readonly factor?: Described;
  /** Channels. */
  readonly size: number;
  readonly position: number;
}

/** A checkpoint's tensors, put together into layers by their names: for every network. */
export interface Layers {
  readonly weights: readonly WeightLayer[];
  readonly norms: readonly NormLayer[];
  /** Vectors that stand alone: a bias whose weight has another name. */
  readonly vectors: readonly WeightlessLayer[];
  /** Weights of recurrent layers (LSTM, ConvLSTM2D): no part of a VGG, but they may be behind one. */
  readonly recurrent: readonly Described[];
  /** What all keys end in, and which says nothing of their parts. */
  readonly ending: string;
}

/** One vector whose weight is not beside it. */
export interface WeightlessLayer {
  readonly name: string;
  readonly tensor: Described;
  readonly leaf: Leaf;
  readonly size: number;
  readonly position: number;
}

export interface Member {
  readonly tensor: Described;
  readonly leaf: Leaf;
  readonly position: number;
}

/** Length of a vector kept with any number of axes of one ([1,1,1,4], [4,1]); undefined for a matrix. */
export function vectorLength(shape: readonly number[]): number | undefined {
  const long = shape.filter((axis) => axis !== 1);
  return long.length <= 1 ? (long[0] ?? 1) : undefined;
}

/** The tensors of a batch norm. */
export function normTensors({ gamma, beta, mean, var: variance, moments, factor }: NormLayer): readonly Described[] {
  return [gamma, beta, mean, variance, moments, factor].filter((tensor) => tensor !== undefined);
}
