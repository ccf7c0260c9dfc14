import { CheckpointError } from "../errors.ts";
import type { Context } from "../io/context.ts";
import { memorySource } from "../io/source/memory.ts";
import type { AxisSizes } from "../tensor/axes.ts";
import { contiguous } from "../tensor/contiguous.ts";
import { loadFloat64 } from "../tensor/load.ts";
import { elementCount } from "../tensor/shape.ts";
import { isNumeric, type NumericTensor, type TensorMap } from "../tensor/tensor.ts";
import { every, flip, plainView, take, type View, view } from "../tensor/view.ts";
import type { Slot, StoredSlot } from "./scheme.ts";

/*
 * The one meaning of a slot: role = undo `as` of (the `take` slice ÷ the number in `over`) × times, axes in `flip` reversed. Conversion,
 * comparison and engines all take their values from here.
 */

/** A role's values, along its elementary axes. */
export interface RoleValues {
  readonly view: View;
  /** Still to be multiplied with; 1 but for conventions that scale. */
  readonly times: number;
  /** Whether the values were computed (σ² − ε, a division by a factor blob): they then agree to rounding only. */
  readonly computed: boolean;
}

/** What a slot does not say itself. */
export interface SlotContext {
  /** Sizes of the role's axes, as far as they are known; `o` is needed for a constant. */
  readonly sizes: AxisSizes;
  /** Of batch norm: a variance is σ² less this. */
  readonly epsilon: number;
}

/** One value a channel: no layer comes near this many, and a file that says so is wrong. */
const maxChannels = 1 << 24;
/** Darknet adds this to the standard deviation, not to the variance (darknet/src/blas.c, normalize_cpu). */
const darknetOffset = 1e-6;

/**
 * The values that a slot means. Stored ones are a view: nothing is read. What has to be computed is one value a channel and is
 * computed at once, in float64.
 */
export async function roleValues(tensors: TensorMap, slot: Slot, { sizes, epsilon }: SlotContext, ctx: Context): Promise<RoleValues> {
  if ("constant" in slot) {
    const values = new Float64Array(sizes.get("o") ?? 0).fill(slot.constant);
    return { view: await viewOf(values, ["o"], [values.length]), times: 1, computed: false };
  }
  const stored = await storedView(tensors, slot, sizes);
  if (!isComputed(slot)) return { view: stored, times: slot.times ?? 1, computed: false };
  const kept = await keptValues(tensors, slot, stored, ctx);
  const values = slot.as === undefined ? kept : kept.map((value) => powerOf(value, slot.as, epsilon) - epsilon);
  return { view: await viewOf(values, stored.axes, stored.shape), times: 1, computed: true };
}

/** Whether a role's values are not simply stored: a division or another form of the variance is between. */
export function isComputed({ over, as }: StoredSlot): boolean {
  return over !== undefined || as !== undefined;
}

/** The slice of the stored tensor that holds a role, unrotated. */
export async function storedView(tensors: TensorMap, slot: StoredSlot, sizes: AxisSizes): Promise<View> {
  const whole = await view(numericTensor(tensors, slot.key), slot.axes, sizes);
  const one = flip(slot.take === undefined ? whole : take(whole, slot.take[0], slot.take[1]), slot.flip ?? []);
  return (slot.every ?? []).reduce((sampled, [axis, step]) => every(sampled, axis, step), one);
}

/** What a role of one number a channel is worth, in float64: divided by its factor and multiplied; `as` is not undone. */
export async function keptValues(tensors: TensorMap, slot: StoredSlot, stored: View, ctx: Context): Promise<Float64Array> {
  const count = elementCount(stored.shape);
  if (count > maxChannels) {
    throw new CheckpointError("unsupported", `${count} channels found, at most ${maxChannels} can be computed with`, { tensor: slot.key });
  }
  const values = await loadChannels(stored, ctx);
  const factor = slot.over === undefined ? 1 : await factorOf(tensors, slot.over, ctx);
  const times = slot.times ?? 1;
  if (factor === 1 && times === 1) return values;
  // Caffe: a factor of 0 means that nothing was gathered yet, and means 0 (batch_norm_layer.cpp).
  return factor === 0 ? values.fill(0) : values.map((value) => (value / factor) * times);
}

/** The one number that Caffe's mean and variance are to be divided by. Throws `malformed` where it is none or several. */
async function factorOf(tensors: TensorMap, key: string, ctx: Context): Promise<number> {
  const tensor = numericTensor(tensors, key);
  const [factor] = elementCount(tensor.shape) === 1 ? await loadFloat64(tensor, ctx) : [];
  if (factor !== undefined) return factor;
  const found = tensor.shape.join(", ");
  throw new CheckpointError("malformed", `the factor of a batch norm has shape [${found}], and one number was needed`, { tensor: key });
}

/** Variance plus epsilon, what batch norm takes the root of, from a variance as it is kept. */
export function powerOf(value: number, as: StoredSlot["as"], epsilon: number): number {
  if (as === "sigma") return value * value;
  if (as === "darknet") return (Math.sqrt(value) + darknetOffset) ** 2;
  return value + epsilon;
}

/** The reverse: a variance to keep, from variance plus epsilon. Never below 0 where a variance is kept: the smallest that there is. */
export function keptOf(power: number, as: StoredSlot["as"], epsilon: number): number {
  if (as === "sigma") return Math.sqrt(power);
  if (as === "darknet") return Math.max(Math.sqrt(power) - darknetOffset, 0) ** 2;
  return Math.max(power - epsilon, 0);
}

/** The vectors of a batch norm and the bias of the layer before it, one number a channel. */
export interface NormVectors {
  /** Variance plus epsilon. */
  readonly power: ArrayLike<number>;
  readonly gamma?: ArrayLike<number> | undefined;
  readonly beta?: ArrayLike<number> | undefined;
  readonly mean?: ArrayLike<number> | undefined;
  readonly bias?: ArrayLike<number> | undefined;
}

/** What a batch norm does to each channel of the layer's weighted sum x (without its bias): x·scale + shift, float64. */
export function normEffect({ power, gamma, beta, mean, bias }: NormVectors): {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
} {
  const scale = Float64Array.from(power, (value, k) => (gamma?.[k] ?? 1) / Math.sqrt(value));
  const shift = scale.map((value, k) => ((bias?.[k] ?? 0) - (mean?.[k] ?? 0)) * value + (beta?.[k] ?? 0));
  return { scale, shift };
}

/** Throws `malformed` where batch norm would take the root of what is not positive. `name`: of the variance. */
export function requirePositive(power: ArrayLike<number>, epsilon: number, name: string): void {
  for (let channel = 0; channel < power.length; channel++) {
    const value = power[channel] ?? Number.NaN;
    if (value > 0) continue;
    throw new CheckpointError(
      "malformed",
      `the variance of channel ${channel} is ${Number((value - epsilon).toPrecision(6))}, and with epsilon ${epsilon} a positive one was needed`,
      { tensor: name },
    );
  }
}

/** The stored tensor of a key. Throws `not-found` where there is none, `unsupported` where it holds text. */
export function numericTensor(tensors: TensorMap, key: string): NumericTensor {
  const tensor = tensors.get(key);
  if (tensor === undefined) throw new CheckpointError("not-found", "no such tensor in the file", { tensor: key });
  if (!isNumeric(tensor)) throw new CheckpointError("unsupported", "text found, needed numbers", { tensor: key });
  return tensor;
}

/** A small view, row-major along its own axes, in float64. */
export async function loadChannels(from: View, ctx: Context): Promise<Float64Array> {
  return loadFloat64({ name: "", dtype: from.dtype, shape: from.shape, parts: () => Promise.resolve(from.parts) }, ctx);
}

/** Values in memory, row-major along elementary axes. */
export async function viewOf(values: Float64Array, axes: readonly string[], shape: readonly number[]): Promise<View> {
  const source = memorySource(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  return { ...(await plainView(contiguous({ name: axes.join(" "), dtype: "float64", shape, source }))), axes };
}
