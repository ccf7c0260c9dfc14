import type { Identity } from "../../model/identity.ts";
import { isParameter } from "../../model/kinds.ts";
import { type Axes, type AxisSizes, parseAxes } from "../../tensor/axes.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import { dtypes } from "../../tensor/dtype.ts";
import { isNumeric, type NumericTensor } from "../../tensor/tensor.ts";
import { layerWeights } from "./layer-weights.ts";

/** The first dense layer behind convolutions: whose inputs are channels at places. */
export interface FirstDense {
  /** fc6, or the tensor's name in a network that is not recognised. */
  readonly layer: string;
  readonly tensor: NumericTensor;
  /** Over i (channels), h, w and o. */
  readonly axes: Axes;
  readonly sizes: AxisSizes;
  /** The order in which the inputs are taken to be flattened. */
  readonly order: "i h w" | "h w i";
  readonly channels: number;
  /** h · w */
  readonly places: number;
  /** Places in a row; undefined where the file does not say and they form no square. */
  readonly width: number | undefined;
}

export function firstDense(checkpoint: Checkpoint, identity: Identity | undefined): FirstDense | undefined {
  return identity === undefined ? byShapes(checkpoint) : byIdentity(checkpoint, identity);
}

function byIdentity(checkpoint: Checkpoint, identity: Identity): FirstDense | undefined {
  const weight = layerWeights(checkpoint, identity).find(({ kind }) => kind === "fc");
  const channels = identity.network.featureShape?.[0];
  if (weight === undefined || channels === undefined || weight.fanIn % channels !== 0) return undefined;
  const order = weight.axes.names.filter((name) => name !== "o").join(" ");
  if (order !== "i h w" && order !== "h w i") return undefined;
  const { layer, tensor, axes } = weight;
  const places = weight.fanIn / channels;
  const known = new Map([...weight.sizes, ["i", channels]] as const);
  return { layer, tensor, axes, sizes: known, order, channels, places, width: weight.sizes.get("w") ?? side(places) };
}

/** Convolution kernels are square and small; both ends of a shape that look so leave the layout open. */
const LARGEST_KERNEL = 11;

/**
 * In a network of another kind: the first matrix with a side that is a multiple of the channels of the convolution
 * before it. `o i h w` kernels mean `i h w` inputs, `h w i o` kernels `h w i`, as their frameworks flatten.
 */
function byShapes(checkpoint: Checkpoint): FirstDense | undefined {
  let conv: { channels: number; order: "i h w" | "h w i" } | undefined;
  for (const tensor of checkpoint.tensors.values()) {
    if (!isNumeric(tensor) || !isParameter(tensor) || dtypes[tensor.dtype].kind !== "float") continue;
    const [a = 0, b = 0, c = 0, d = 0] = tensor.shape;
    if (tensor.shape.length === 4) {
      const first = a === b && a <= LARGEST_KERNEL;
      const last = c === d && c <= LARGEST_KERNEL;
      if (first === last) return undefined;
      conv = first ? { channels: d, order: "h w i" } : { channels: a, order: "i h w" };
    } else if (tensor.shape.length === 2 && conv !== undefined) {
      const { channels, order } = conv;
      const inputs = Math.max(a, b);
      const places = inputs / channels;
      if (a === b || !Number.isInteger(places)) return undefined;
      const axes = parseAxes(inputs === a ? `(${order}) o` : `o (${order})`);
      const sizes = new Map([["i", channels]]);
      return { layer: tensor.name, tensor, axes, sizes, order, channels, places, width: side(places) };
    }
  }
  return undefined;
}

function side(places: number): number | undefined {
  const root = Math.round(Math.sqrt(places));
  return root * root === places ? root : undefined;
}
