import { CheckpointError } from "../errors.ts";
import type { Context } from "../io/context.ts";
import { loadFloat64 } from "../tensor/load.ts";
import type { NumericTensor, TensorMap } from "../tensor/tensor.ts";
import { flip, take, view } from "../tensor/view.ts";
import type { Fill, Operand } from "./plan-types.ts";
import { leafOf } from "./roles.ts";

/** Darknet adds this to the standard deviation, not to the variance (darknet/src/blas.c, normalize_cpu). */
const darknetOffset = 1e-6;
/** One value a channel: no layer comes near this many, and a file that says so is wrong. */
const maxChannels = 1 << 24;

export interface ChannelContext {
  readonly tensors: TensorMap;
  readonly ctx: Context;
  /** Collects sentences for people. */
  readonly warn: (message: string) => void;
}

/** What the role of an operand is worth, one float64 a channel; a variance still as it is kept (`as` not undone). */
async function stored(operand: Operand, { tensors, ctx }: ChannelContext): Promise<Float64Array> {
  const source = await view(numeric(tensors, operand.key), operand.axes);
  if (source.shape.reduce((product, n) => product * n, 1) > 2 * maxChannels) {
    throw new CheckpointError("unsupported", `more than ${maxChannels} channels`, { tensor: operand.key });
  }
  const sliced = operand.take === undefined ? source : take(source, operand.take[0], operand.take[1]);
  const { dtype, shape, parts } = flip(sliced, operand.flip ?? []);
  const values = await loadFloat64({ name: operand.key, dtype, shape, parts: async () => parts }, ctx);
  const divisor = operand.over === undefined ? 1 : ((await loadFloat64(numeric(tensors, operand.over), ctx))[0] ?? 1);
  // Caffe: a factor of 0 means that nothing was gathered yet, and stands for 0 (batch_norm_layer.cpp).
  const factor = divisor === 0 ? 0 : (operand.times ?? 1) / divisor;
  return factor === 1 ? values : values.map((value) => value * factor);
}

/** Variance plus epsilon: what batch norm takes the root of. */
async function power(operand: Operand, epsilon: number, context: ChannelContext): Promise<Float64Array> {
  const values = await stored(operand, context);
  if (operand.as === "sigma") return values.map((sigma) => sigma * sigma);
  if (operand.as === "darknet") return values.map((variance) => (Math.sqrt(variance) + darknetOffset) ** 2);
  return values.map((variance) => variance + epsilon);
}

/** The values of a fill whose formula gives one number a channel, as the target's slot keeps them, in float64. */
export async function channelValues(fill: Fill, to: string, context: ChannelContext): Promise<Float64Array> {
  const values = await formulaValues(fill, to, context);
  const times = fill.put?.times ?? 1;
  return times === 1 ? values : values.map((value) => value / times);
}

async function formulaValues(fill: Fill, to: string, context: ChannelContext): Promise<Float64Array> {
  const operand = (leaf: string): Operand | undefined => fill.from.find(({ role }) => role !== undefined && leafOf(role) === leaf);
  const read = async (leaf: string): Promise<Float64Array | undefined> => {
    const found = operand(leaf);
    return found === undefined ? undefined : stored(found, context);
  };
  if (fill.formula === "shift-mean") {
    const [mean, bias] = [await read("bn.mean"), await read("bias")];
    return combine(mean, (value, k) => value - (bias?.[k] ?? 0));
  }
  if (fill.formula === "fold-bias") {
    const scale = await foldScale(fill, context);
    const [bias, mean, beta] = [await read("bias"), await read("bn.mean"), await read("bn.bias")];
    return combine(scale, (value, k) => ((bias?.[k] ?? 0) - (mean?.[k] ?? 0)) * value + (beta?.[k] ?? 0));
  }
  const [first] = fill.from;
  if (fill.formula !== "value" || first === undefined) throw new Error(`${fill.formula} is no formula of one value a channel`);
  return fill.epsilon === undefined ? stored(first, context) : variance(fill, fill.epsilon, first, to, context);
}

async function variance(
  fill: Fill,
  [from, target]: readonly [number, number],
  operand: Operand,
  to: string,
  context: ChannelContext,
): Promise<Float64Array> {
  const as = fill.put?.as;
  if (operand.as === as && from === target) return stored(operand, context);
  const values = await power(operand, from, context);
  if (as === "sigma") return values.map(Math.sqrt);
  if (as === "darknet") return values.map((value) => Math.max(Math.sqrt(value) - darknetOffset, 0) ** 2);
  const clipped = values.filter((value) => value < target).length;
  if (clipped > 0) {
    context.warn(`${to}: ${clipped} variances are smaller than the difference of the epsilons and became 0: batch norm changes there`);
  }
  return values.map((value) => Math.max(value - target, 0));
}

/** gamma ÷ √(variance + epsilon), the factor that folding puts on each output channel. */
export async function foldScale(fill: Fill, context: ChannelContext): Promise<Float64Array> {
  const find = (leaf: string): Operand | undefined => fill.from.find(({ role }) => role !== undefined && leafOf(role) === leaf);
  const held = find("bn.var");
  if (held === undefined || fill.epsilon === undefined) throw new Error("folding needs a variance and an epsilon");
  const values = await power(held, fill.epsilon[0], context);
  const gammaAt = find("bn.weight");
  const gamma = gammaAt === undefined ? undefined : await stored(gammaAt, context);
  return values.map((value, k) => (gamma?.[k] ?? 1) / Math.sqrt(value));
}

function combine(values: Float64Array | undefined, fn: (value: number, k: number) => number): Float64Array {
  if (values === undefined) throw new Error("a formula without its first operand");
  return values.map(fn);
}

export function numeric(tensors: TensorMap, key: string): NumericTensor {
  const tensor = tensors.get(key);
  if (tensor === undefined)
    throw new CheckpointError("not-found", "the plan takes it from the source, which has no such tensor", { tensor: key });
  if (tensor.dtype === "string") throw new CheckpointError("unsupported", "text cannot fill a tensor of numbers", { tensor: key });
  return tensor;
}
