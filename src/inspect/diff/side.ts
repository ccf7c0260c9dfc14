import { CheckpointError } from "../../errors.ts";
import type { Context } from "../../io/context.ts";
import { memorySource } from "../../io/source/memory.ts";
import type { Identity } from "../../model/identity.ts";
import type { Slot, StoredSlot } from "../../model/scheme.ts";
import type { AxisSizes } from "../../tensor/axes.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import { contiguous } from "../../tensor/contiguous.ts";
import { loadFloat64 } from "../../tensor/load.ts";
import { isNumeric, type NumericTensor } from "../../tensor/tensor.ts";
import { flip, plainView, take, type View, view } from "../../tensor/view.ts";

/** One of the two checkpoints that are compared. */
export interface Side {
  readonly checkpoint: Checkpoint;
  readonly identity?: Identity;
}

/** A role's values, along its elementary axes. */
export interface RoleValues {
  readonly view: View;
  /** Still to be multiplied with; 1 but for conventions that scale. */
  readonly times: number;
  /** Whether the values were computed (σ² − ε, a division by a factor blob): they then agree to rounding only. */
  readonly computed: boolean;
}

/** The stored tensor of a key; throws `not-found` where there is none of numbers. */
export function numericTensor(checkpoint: Checkpoint, key: string): NumericTensor {
  const tensor = checkpoint.tensors.get(key);
  if (tensor === undefined || !isNumeric(tensor)) {
    throw new CheckpointError("not-found", "no tensor of numbers with this name", { tensor: key });
  }
  return tensor;
}

/**
 * The values that a slot stands for. Stored ones are a view: nothing is read. What has to be computed is one value a channel
 * and is computed at once, in float64. `count`: how many a constant stands for.
 */
export async function roleValues(side: Side, slot: Slot, sizes: AxisSizes, count: number, ctx: Context): Promise<RoleValues> {
  if ("constant" in slot) {
    return { view: await vector(new Float64Array(count).fill(slot.constant), "o"), times: 1, computed: false };
  }
  const stored = await storedView(side.checkpoint, slot, sizes);
  const times = slot.times ?? 1;
  if (slot.over === undefined && slot.as === undefined) return { view: stored, times, computed: false };
  const values = await loadView64(stored, ctx);
  const factor = slot.over === undefined ? 1 : ((await loadFloat64(numericTensor(side.checkpoint, slot.over), ctx))[0] ?? 0);
  const epsilon = side.identity?.epsilon?.value ?? side.identity?.network.epsilon ?? 0;
  const undone = values.map((value) => undo(factor === 0 ? 0 : value / factor, slot, epsilon) * times);
  return { view: await vector(undone, stored.axes.join(" ")), times: 1, computed: true };
}

/** The slice of the stored tensor that holds a role, unrotated. */
export async function storedView(checkpoint: Checkpoint, slot: StoredSlot, sizes: AxisSizes): Promise<View> {
  const whole = await view(numericTensor(checkpoint, slot.key), slot.axes, sizes);
  const part = slot.take === undefined ? whole : take(whole, slot.take[0], slot.take[1]);
  return slot.flip === undefined ? part : flip(part, slot.flip);
}

/** Added by Darknet to the deviation, not to the variance (src/blas.c, normalize_cpu). */
const DARKNET_OFFSET = 1e-6;

function undo(value: number, { as }: StoredSlot, epsilon: number): number {
  if (as === "sigma") return value * value - epsilon;
  if (as === "darknet") return (Math.sqrt(value) + DARKNET_OFFSET) ** 2 - epsilon;
  return value;
}

/** A vector in memory as a view along one axis. */
export async function vector(values: Float64Array, axis: string): Promise<View> {
  const source = memorySource(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  const tensor = contiguous({ name: axis, dtype: "float64", shape: [values.length], source });
  return { ...(await plainView(tensor)), axes: [axis] };
}

/** A small view, row-major along its own axes, in float64. */
export async function loadView64(from: View, ctx: Context): Promise<Float64Array> {
  const tensor: NumericTensor = { name: "", dtype: from.dtype, shape: from.shape, parts: () => Promise.resolve(from.parts) };
  return loadFloat64(tensor, ctx);
}
