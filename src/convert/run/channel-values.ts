import type { Context } from "../../io/context.ts";
import { partOf } from "../../model/role.ts";
import { keptOf, keptValues, normEffect, powerOf, requirePositive, storedView } from "../../model/role-values.ts";
import type { TensorMap } from "../../tensor/tensor.ts";
import type { Fill, Operand } from "../plan/plan-types.ts";

export interface ChannelContext {
  readonly tensors: TensorMap;
  readonly ctx: Context;
  /** Collects sentences for people. */
  readonly warn: (message: string) => void;
}

/** What the role of an operand is worth, one float64 a channel; a variance still as it is kept (`as` not undone). */
async function stored(operand: Operand, { tensors, ctx }: ChannelContext): Promise<Float64Array> {
  return keptValues(tensors, operand, await storedView(tensors, operand, new Map()), ctx);
}

/** Variance plus epsilon: what batch norm takes the root of. */
async function power(operand: Operand, epsilon: number, context: ChannelContext): Promise<Float64Array> {
  return (await stored(operand, context)).map((value) => powerOf(value, operand.as, epsilon));
}

/** The values of a fill whose formula gives one number a channel, as the target's slot keeps them, in float64. */
export async function channelValues(fill: Fill, to: string, context: ChannelContext): Promise<Float64Array> {
  const values = await formulaValues(fill, to, context);
  const times = fill.put?.times ?? 1;
  return times === 1 ? values : values.map((value) => value / times);
}

async function formulaValues(fill: Fill, to: string, context: ChannelContext): Promise<Float64Array> {
  const operand = (leaf: string): Operand | undefined => fill.from.find(({ role }) => role !== undefined && partOf(role) === leaf);
  const read = async (leaf: string): Promise<Float64Array | undefined> => {
    const found = operand(leaf);
    return found === undefined ? undefined : stored(found, context);
  };
  if (fill.formula === "shift-mean") {
    const [mean, bias] = [await read("bn.mean"), await read("bias")];
    return combine(mean, (value, k) => value - (bias?.[k] ?? 0));
  }
  if (fill.formula === "fold-bias") return (await folded(fill, context)).shift;
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
  const clipped = as === undefined ? values.filter((value) => value < target).length : 0;
  if (clipped > 0) {
    context.warn(`${to}: ${clipped} variances are smaller than the difference of the epsilons and became 0: batch norm changes there`);
  }
  return values.map((value) => keptOf(value, as, target));
}

/** gamma ÷ √(variance + epsilon), the factor that folding puts on each output channel. */
export async function foldScale(fill: Fill, context: ChannelContext): Promise<Float64Array> {
  return (await folded(fill, context)).scale;
}

async function folded(fill: Fill, context: ChannelContext): Promise<ReturnType<typeof normEffect>> {
  const find = (leaf: string): Operand | undefined => fill.from.find(({ role }) => role !== undefined && partOf(role) === leaf);
  const read = async (leaf: string): Promise<Float64Array | undefined> => {
    const found = find(leaf);
    return found === undefined ? undefined : stored(found, context);
  };
  const variance = find("bn.var");
  if (variance === undefined || fill.epsilon === undefined) throw new Error("folding needs a variance and an epsilon");
  const [epsilon] = fill.epsilon;
  const powers = await power(variance, epsilon, context);
  requirePositive(powers, epsilon, variance.key);
  const [gamma, beta, mean, bias] = [await read("bn.weight"), await read("bn.bias"), await read("bn.mean"), await read("bias")];
  return normEffect({ power: powers, gamma, beta, mean, bias });
}

function combine(values: Float64Array | undefined, fn: (value: number, k: number) => number): Float64Array {
  if (values === undefined) throw new Error("a formula without its first operand");
  return values.map(fn);
}
