import { CheckpointError, locate } from "../errors.ts";
import type { Context } from "../io/context.ts";
import { isWeighted, kernelSize } from "../model/geometry/shapes.ts";
import type { Network } from "../model/network/network.ts";
import type { Role } from "../model/role.ts";
import { roleValues } from "../model/role-values.ts";
import type { Slot } from "../model/scheme.ts";
import type { Checkpoint } from "../tensor/checkpoint.ts";
import { loadView } from "../tensor/load.ts";
import type { View } from "../tensor/view.ts";
import type { Weights } from "./engines/engine.ts";

/** Another way to read what is stored of a role. */
export type Change = (role: Role, view: View) => View | Promise<View>;

/**
 * Weights by role out of a checkpoint, in any axes, as the network means them: slices of packed tensors, Caffe's factor,
 * σ for variance, Theano's rotated kernels and constants are undone. `network` gives the sizes of axes; its featureShape must
 * name height and width where an asked order takes rows of a dense fc6 apart.
 * The returned function throws `not-found` for a role without a slot, `unsupported` for values that are not finite.
 */
export function weightsOf(
  checkpoint: Checkpoint,
  roles: ReadonlyMap<Role, Slot>,
  network: Network,
  ctx: Context,
  change: Change = (_role, view) => view,
): Weights {
  return async (role, axes) => {
    const slot = roles.get(role);
    if (slot === undefined) throw new CheckpointError("not-found", `nothing in the file is ${role}, and the network needs it`);
    const question = { sizes: axisSizesOf(network, role), epsilon: epsilonOf(network, role) };
    if ("constant" in slot) return new Float32Array(question.sizes.get("o") ?? 0).fill(slot.constant);
    return locate({ tensor: slot.key }, async () => {
      const { view, times } = await roleValues(checkpoint.tensors, slot, question, ctx);
      const values = await loadView(await change(role, view), axes, ctx);
      if (times !== 1) for (let k = 0; k < values.length; k++) values[k] = (values[k] ?? 0) * times;
      requireFinite(values, role);
      return values;
    });
  };
}

function layerOf(network: Network, role: Role) {
  const name = role.split(".")[0];
  const layer = network.layers.filter(isWeighted).find((candidate) => candidate.name === name);
  if (layer === undefined) {
    throw new CheckpointError("not-found", `${role} belongs to no layer of the network`);
  }
  return layer;
}

function epsilonOf(network: Network, role: Role): number {
  return layerOf(network, role).batchNorm?.epsilon ?? network.epsilon;
}

/** Sizes of the axes o, i, h, w of the layer that a role belongs to; h and w of a dense fc6 only where they are known. */
function axisSizesOf(network: Network, role: Role): ReadonlyMap<string, number> {
  const layer = layerOf(network, role);
  const sizes = new Map([["o", layer.outputs]]);
  if (!/^[^.]+\.weight$/.test(role)) return sizes;
  if (layer.kind === "conv") return sizes.set("i", layer.inputs).set("h", layer.kernel[0]).set("w", layer.kernel[1]);
  if (layer.windows !== undefined) {
    const [height, width] = kernelSize(network, layer);
    return sizes
      .set("i", layer.inputs / (height * width))
      .set("h", height)
      .set("w", width);
  }
  if (network.layers.find((other) => other.kind === "fc") !== layer) return sizes.set("i", layer.inputs).set("h", 1).set("w", 1);
  const [channels, height, width] = network.featureShape ?? [layer.inputs, 1, 1];
  sizes.set("i", channels);
  if (height !== undefined) sizes.set("h", height);
  if (width !== undefined) sizes.set("w", width);
  return sizes;
}

function requireFinite(values: Float32Array, role: Role): void {
  let zero = 0;
  // What is no finite number gives NaN here, and one sum is quicker than a question for each of 100 million values.
  for (let k = 0; k < values.length; k++) zero += (values[k] ?? 0) * 0;
  if (zero === 0) return;
  let bad = 0;
  let first = -1;
  for (let k = 0; k < values.length; k++) {
    if (Number.isFinite(values[k])) continue;
    bad += 1;
    if (first < 0) first = k;
  }
  if (bad === 0) return;
  throw new CheckpointError(
    "unsupported",
    `${role} holds ${bad} ${bad === 1 ? "value" : "values"} that ${bad === 1 ? "is" : "are"} not finite (the first is ${values[first]}); a network with ${bad === 1 ? "it" : "them"} computes nothing that could be compared`,
  );
}
