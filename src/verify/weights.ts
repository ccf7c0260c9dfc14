import { CheckpointError, locate } from "../errors.ts";
import type { Context } from "../io/context.ts";
import type { Network } from "../model/network.ts";
import type { Role, Slot, StoredSlot } from "../model/scheme.ts";
import type { Checkpoint } from "../tensor/checkpoint.ts";
import { loadFloat64, loadView } from "../tensor/load.ts";
import { isNumeric, type NumericTensor } from "../tensor/tensor.ts";
import { arrange, flip, take, type View, view } from "../tensor/view.ts";
import type { Weights } from "./engines/engine.ts";
import { isWeighted } from "./geometry.ts";

/** Darknet divides by sqrt(var) + 1e-6, with the small number outside the root (pjreddie/darknet, src/blas.c). */
const DARKNET_EPSILON = 1e-6;

/**
 * Weights by role out of a checkpoint, in any axes, as the network means them: slices of packed tensors, Caffe's factor,
 * σ for variance, Theano's rotated kernels and constants are undone. `network` gives the sizes of axes; its featureShape must
 * name height and width where an asked order takes rows of a dense fc6 apart.
 * The returned function throws `not-found` for a role without a slot, `unsupported` for values that are not finite.
 */
export function weightsOf(checkpoint: Checkpoint, roles: ReadonlyMap<Role, Slot>, network: Network, ctx: Context): Weights {
  return async (role, axes) => {
    const slot = roles.get(role);
    if (slot === undefined) throw new CheckpointError("not-found", `nothing in the file is ${role}, and the network needs it`);
    const sizes = axisSizesOf(network, role);
    if ("constant" in slot) return new Float32Array(sizes.get("o") ?? 0).fill(slot.constant);
    return locate({ tensor: slot.key }, async () => {
      const values = await stored(checkpoint, slot, axes, sizes, ctx);
      await undo(checkpoint, slot, values, epsilonOf(network, role), ctx);
      requireFinite(values, role);
      return values;
    });
  };
}

/**
 * A kernel as a view along o, i, h, w, where its slot keeps the values as they are meant; undefined where they have to be computed.
 * For comparing without loading.
 */
export async function kernelView(
  checkpoint: Checkpoint,
  roles: ReadonlyMap<Role, Slot>,
  network: Network,
  role: Role,
): Promise<View | undefined> {
  const slot = roles.get(role);
  if (slot === undefined || "constant" in slot || slot.over !== undefined || slot.as !== undefined || slot.times !== undefined)
    return undefined;
  return arrange(await slice(checkpoint, slot, axisSizesOf(network, role)), ["o", "i", "h", "w"]);
}

async function stored(checkpoint: Checkpoint, slot: StoredSlot, axes: string, sizes: ReadonlyMap<string, number>, ctx: Context) {
  return loadView(await slice(checkpoint, slot, sizes), axes, ctx);
}

async function slice(checkpoint: Checkpoint, slot: StoredSlot, sizes: ReadonlyMap<string, number>): Promise<View> {
  const whole = await view(numeric(checkpoint, slot.key), slot.axes, sizes);
  return flip(slot.take === undefined ? whole : take(whole, slot.take[0], slot.take[1]), slot.flip ?? []);
}

/** role = undo `as` of (the slice ÷ the number in `over`) × times; each in float64, rounded once. */
async function undo(checkpoint: Checkpoint, slot: StoredSlot, values: Float32Array, epsilon: number, ctx: Context): Promise<void> {
  if (slot.over === undefined && slot.as === undefined && slot.times === undefined) return;
  const factor = slot.over === undefined ? 1 : (await loadFloat64(numeric(checkpoint, slot.over), ctx))[0];
  // Caffe: a factor of 0 means that nothing was ever accumulated, and stands for zeros.
  const scale = factor === undefined || factor === 0 ? 0 : 1 / factor;
  const times = slot.times ?? 1;
  for (let k = 0; k < values.length; k++) {
    const value = factor === 1 ? (values[k] ?? 0) : (values[k] ?? 0) * scale;
    values[k] = asVariance(slot.as, value, epsilon) * times;
  }
}

function asVariance(as: StoredSlot["as"], value: number, epsilon: number): number {
  if (as === "sigma") return value * value - epsilon;
  if (as === "darknet") return (Math.sqrt(value) + DARKNET_EPSILON) ** 2 - epsilon;
  return value;
}

function numeric(checkpoint: Checkpoint, key: string): NumericTensor {
  const tensor = checkpoint.tensors.get(key);
  if (tensor === undefined) throw new CheckpointError("not-found", "no such tensor in the file", { tensor: key });
  if (!isNumeric(tensor)) throw new CheckpointError("unsupported", "strings found, needed numbers", { tensor: key });
  return tensor;
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
  if (network.layers.find((other) => other.kind === "fc") !== layer) return sizes.set("i", layer.inputs).set("h", 1).set("w", 1);
  const [channels, height, width] = network.featureShape ?? [layer.inputs, 1, 1];
  sizes.set("i", channels);
  if (height !== undefined) sizes.set("h", height);
  if (width !== undefined) sizes.set("w", width);
  return sizes;
}

function requireFinite(values: Float32Array, role: Role): void {
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
