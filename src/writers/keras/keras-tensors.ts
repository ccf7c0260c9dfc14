import { leavingOut, Refusal } from "../../text/refusal.ts";
import type { TensorSpec } from "../layout.ts";
import type { WrittenKerasLayer } from "./keras-layers.ts";

/** A layer of a weights file: the layer, and the names of its tensors there. */
export interface WeightsLayer {
  readonly layer: Pick<WrittenKerasLayer, "name" | "type" | "tensors">;
  /** kernel, bias, gamma … for each tensor. */
  readonly variables: readonly string[];
}

/** As `weights` has them: trainable ones first. */
const order = ["kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance"];

/** Layer and variable of a key: block1_conv1/kernel, or a dataset's path as Keras' own .h5 files have it. Throws `unsupported` for others. */
function kerasKey(spec: TensorSpec): { readonly layer: string; readonly variable: string } {
  const plain = spec.key.replace(/^model_weights\//, "").replace(/:0$/, "");
  const [, path = "", variable = ""] = /^(.+)\/([^/]+)$/.exec(plain) ?? [];
  const half = path.slice(0, (path.length - 1) / 2);
  if (path !== "" && !/(^|\/)vars$/.test(path)) return { layer: path === `${half}/${half}` ? half : path, variable };
  const message = "Keras names tensors layer/variable, and this one is named otherwise";
  throw new Refusal("unsupported", message, [leavingOut("naming")], { tensor: spec.key });
}

/** Layers that have tensors, in the order of the tensors: what a weights file holds, be the network known or not. */
export function layersOfTensors(tensors: readonly TensorSpec[]): readonly WeightsLayer[] {
  const byLayer = new Map<string, { readonly variable: string; readonly spec: TensorSpec }[]>();
  for (const spec of tensors) {
    const { layer, variable } = kerasKey(spec);
    byLayer.set(layer, [...(byLayer.get(layer) ?? []), { variable, spec }]);
  }
  return [...byLayer].map(([name, members]): WeightsLayer => {
    const sorted = members.toSorted((a, b) => rank(a.variable) - rank(b.variable));
    const layer = { name, type: classOf(sorted), tensors: sorted.map(({ spec }) => spec) };
    return { layer, variables: sorted.map(({ variable }) => variable) };
  });
}

/** The same of a network's layers, those without tensors included. */
export function namedLayers(layers: readonly WrittenKerasLayer[]): readonly WeightsLayer[] {
  return layers.map((layer) => ({ layer, variables: layer.tensors.map((spec) => kerasKey(spec).variable) }));
}

function rank(variable: string): number {
  const place = order.indexOf(variable);
  return place < 0 ? order.length : place;
}

/** Keras 3 counts layers by class, so it matters which one a layer is of. */
function classOf(members: readonly { readonly variable: string; readonly spec: TensorSpec }[]): string {
  if (members.some(({ variable }) => variable === "moving_mean")) return "BatchNormalization";
  return members.find(({ variable }) => variable === "kernel")?.spec.shape.length === 4 ? "Conv2D" : "Dense";
}
