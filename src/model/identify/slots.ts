import { parseAxes } from "../../tensor/axes.ts";
import type { Conventions } from "../../tensor/checkpoint.ts";
import type { Described } from "../described.ts";
import { type NormLayer, vectorLength } from "../layers/layer.ts";
import type { Role } from "../role.ts";
import type { Slot, StoredSlot } from "../scheme.ts";
import type { Fc } from "./head/dense.ts";

/** Axes of a vector kept with axes of one: "o", "o 1", "1 o", "1 1 1 o". A vector of one element follows `style`. */
export function vectorAxes(shape: readonly number[], style?: string): string {
  if (style !== undefined && vectorLength(shape) === 1 && style.split(" ").length === shape.length) return style;
  const long = shape.findIndex((axis) => axis !== 1);
  const at = long < 0 ? shape.length - 1 : long;
  return shape.map((_, i) => (i === at ? "o" : "1")).join(" ");
}

export function vectorSlot(tensor: Described, style?: string): StoredSlot {
  return { key: tensor.name, axes: parseAxes(vectorAxes(tensor.shape, style)) };
}

/** Axes of fc6's weight: its inputs are channels, height and width in the order in which the features were flattened. */
export function flattenedAxes(fc: Fc, order: "i h w" | "h w i"): string {
  return fc.kernel !== undefined ? fc.axes : fc.axes.replace("i", `(${order})`);
}

/** Slots of a batch norm; what the file does not store is a constant. */
export function* normSlots(layer: string, norm: NormLayer, variance: Conventions["variance"]): Generator<readonly [Role, Slot]> {
  yield [`${layer}.bn.weight`, norm.gamma === undefined ? { constant: 1 } : vectorSlot(norm.gamma)];
  yield [`${layer}.bn.bias`, norm.beta === undefined ? { constant: 0 } : vectorSlot(norm.beta)];
  if (norm.moments !== undefined) {
    const key = norm.moments.name;
    const axes = parseAxes("o s");
    yield [`${layer}.bn.mean`, { key, axes, take: ["s", 0] }];
    yield [`${layer}.bn.var`, { key, axes, take: ["s", 1], as: "sigma" }];
    return;
  }
  const over = norm.factor === undefined ? {} : { over: norm.factor.name };
  if (norm.mean !== undefined) yield [`${layer}.bn.mean`, { ...vectorSlot(norm.mean), ...over }];
  if (norm.var !== undefined) yield [`${layer}.bn.var`, { ...vectorSlot(norm.var), ...over, ...(variance && { as: variance }) }];
}
