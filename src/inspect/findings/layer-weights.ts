import type { Identity } from "../../model/identity.ts";
import type { NetworkLayer } from "../../model/network/network.ts";
import type { Axes } from "../../tensor/axes.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import { isNumeric, type NumericTensor } from "../../tensor/tensor.ts";

/** The weights of one convolution or fully connected layer, as findings look at them. */
export interface LayerWeight {
  /** conv3_2, fc6 */
  readonly layer: string;
  readonly kind: "conv" | "fc";
  readonly tensor: NumericTensor;
  /** Over o i h w. */
  readonly axes: Axes;
  /** Axes whose sizes the network tells: i, and h and w where they are known. */
  readonly sizes: ReadonlyMap<string, number>;
  /** Weights that lead to one output, and weights that leave one input, as initialisers count them. */
  readonly fanIn: number;
  readonly fanOut: number;
}

/** The weights of a recognised network in forward order. */
export function layerWeights(checkpoint: Checkpoint, identity: Identity): readonly LayerWeight[] {
  return identity.network.layers.flatMap((layer) => {
    if (layer.kind !== "conv" && layer.kind !== "fc") return [];
    const slot = identity.roles.get(`${layer.name}.weight`);
    if (slot === undefined || "constant" in slot) return [];
    const tensor = checkpoint.tensors.get(slot.key);
    if (tensor === undefined || !isNumeric(tensor)) return [];
    return [{ layer: layer.name, kind: layer.kind, tensor, axes: slot.axes, ...extent(layer, identity) }];
  });
}

function extent(layer: Extract<NetworkLayer, { kind: "conv" | "fc" }>, identity: Identity) {
  if (layer.kind === "conv") {
    const [h, w] = layer.kernel;
    const sizes = new Map([
      ["i", layer.inputs],
      ["h", h],
      ["w", w],
    ]);
    return { sizes, fanIn: layer.inputs * h * w, fanOut: layer.outputs * h * w };
  }
  const sizes = new Map<string, number>();
  const [channels, height, width] = identity.network.featureShape ?? [undefined, undefined, undefined];
  const first = identity.network.layers.find((other) => other.kind === "fc");
  if (layer === first && channels !== undefined) {
    sizes.set("i", channels);
    if (height !== undefined && width !== undefined) {
      sizes.set("h", height);
      sizes.set("w", width);
    }
  }
  return { sizes, fanIn: layer.inputs, fanOut: layer.outputs };
}
