import type { Context } from "../io/context.ts";
import { type Role, type RolePart, roleOf } from "../model/role.ts";
import { loadChannels, normEffect, powerOf, roleValues } from "../model/role-values.ts";
import { compare } from "../tensor/compare.ts";
import { isWeight, layerName, type Measured, type Pair, partName } from "./pairs.ts";
import { type Compared, epsilonOf, type Side } from "./side.ts";

/** Folded in float32, weights agree to a few roundings. */
const FOLDED = 1e-5;

/** A sentence, and the roles that it accounts for. */
export interface Folded {
  readonly text: string;
  readonly roles: ReadonlySet<string>;
}

/** Whether one side's convolutions are the other's with the batch norm multiplied in; undefined where that does not explain them. */
export async function foldedNorms(pairs: readonly Pair[], { a, b }: Compared, ctx: Context): Promise<Folded | undefined> {
  const [normA, normB] = [hasNorms(a), hasNorms(b)];
  if (normA === normB) return undefined;
  const [norm, plain] = normA ? [a, b] : [b, a];
  const roles = new Set<string>();
  let worst = 0;
  let biases = 0;
  for (const pair of pairs) {
    if (!isWeight(pair) || pair.values === undefined) continue;
    const layer = layerName(pair);
    const effect = await normOf(norm, layer, ctx);
    if (effect === undefined) continue;
    const by = effect.scale;
    const [from, to] = normA ? [pair.values.a.view, pair.values.b.view] : [pair.values.b.view, pair.values.a.view];
    const { maxRel } = await compare(from, to, ctx, { scale: { axis: "o", by } });
    if (maxRel > FOLDED) return undefined;
    roles.add(roleOf(layer, "weight"));
    worst = Math.max(worst, maxRel);
    const bias = (await vectorOf(plain, roleOf(layer, "bias"), by.length, ctx)) ?? new Float64Array(by.length);
    const distance = furthest(effect.shift, bias);
    if (distance > FOLDED) continue;
    roles.add(roleOf(layer, "bias"));
    biases += 1;
    worst = Math.max(worst, distance);
  }
  const convs = [...roles].filter((role) => role.endsWith(".weight")).length;
  if (convs === 0) return undefined;
  const what = biases === convs ? "weights and biases" : biases === 0 ? "weights" : `weights and ${biases} of the biases`;
  return {
    text: `batch norm is folded into the ${convs} convolutions in ${plain.name} (${what} agree within ${worst.toPrecision(2)} of the largest)`,
    roles,
  };
}

function hasNorms({ identity }: Side): boolean {
  return [...(identity?.roles.keys() ?? [])].some((role) => role.endsWith(".bn.var"));
}

/** A norm of the same effect agrees to a few roundings of the variance. */
const SAME_EFFECT = 1e-5;

/**
 * Whether batch norms that are kept differently compute the same: γ ÷ √(σ² + ε) and (bias − mean) · that + β agree for every
 * channel. (Conventions differ in where a convolution's bias goes and in ε.) Undefined where they do not, or are equal anyway.
 */
export async function sameNorms(pairs: readonly Pair[], { a, b }: Compared, ctx: Context): Promise<string | undefined> {
  if (!hasNorms(a) || !hasNorms(b)) return undefined;
  const convs = pairs.flatMap((pair) => (partName(pair) === "bn.var" ? [layerName(pair)] : []));
  let worst = 0;
  for (const conv of convs) {
    const [left, right] = [await normOf(a, conv, ctx), await normOf(b, conv, ctx)];
    if (left === undefined || right === undefined) return undefined;
    for (const part of ["scale", "shift"] as const) worst = Math.max(worst, furthest(left[part], right[part]));
    if (!(worst <= SAME_EFFECT)) return undefined;
  }
  if (convs.length === 0) return undefined;
  return `the ${convs.length} batch norms are kept differently but compute the same (scale and shift of every channel agree within ${worst.toPrecision(2)})`;
}

/** What the batch norm behind a layer does; undefined where it has none, or none that can be computed. */
async function normOf(side: Side, layer: string, ctx: Context): Promise<Effect | undefined> {
  const variance = await vectorOf(side, roleOf(layer, "bn.var"), 0, ctx);
  if (variance === undefined) return undefined;
  const power = variance.map((value) => powerOf(value, undefined, epsilonOf(side)));
  if (!power.every((value) => value > 0)) return undefined;
  const part = (name: RolePart): Promise<Float64Array | undefined> => vectorOf(side, roleOf(layer, name), power.length, ctx);
  const [gamma, beta, mean, bias] = [await part("bn.weight"), await part("bn.bias"), await part("bn.mean"), await part("bias")];
  return normEffect({ power, gamma, beta, mean, bias });
}

type Effect = ReturnType<typeof normEffect>;

/** What a layer does with the sum of its weighted inputs: batch norm, bias and the factor on its input worked in. */
async function effectOf(side: Side, layer: string, outputs: number, ctx: Context): Promise<Effect> {
  const found = side.identity?.network.layers.find(({ name }) => name === layer);
  const times = found?.kind === "fc" ? (found.inputScale ?? 1) : 1;
  const bias = async (): Promise<Float64Array> => (await vectorOf(side, roleOf(layer, "bias"), outputs, ctx)) ?? new Float64Array(outputs);
  const { scale, shift } = (await normOf(side, layer, ctx)) ?? { scale: new Float64Array(outputs).fill(1), shift: await bias() };
  return { scale: scale.map((value) => value * times), shift };
}

/** Whether a layer computes the same on both sides, however each keeps it. `weight`: its pair of weights. */
export async function sameEffect(weight: Pair, { a, b, rtol }: Compared, ctx: Context): Promise<boolean> {
  if (weight.values === undefined) return false;
  const [viewA, viewB] = [weight.values.a.view, weight.values.b.view];
  const outputs = viewA.shape[viewA.axes.indexOf("o")] ?? 0;
  const [left, right] = [await effectOf(a, layerName(weight), outputs, ctx), await effectOf(b, layerName(weight), outputs, ctx)];
  if (!(furthest(left.shift, right.shift) <= rtol)) return false;
  const times = weight.values.a.times / weight.values.b.times;
  const by = left.scale.map((value, k) => (value === right.scale[k] ? times : (value * times) / (right.scale[k] ?? 1)));
  const scale = by.every((value) => value === 1) ? {} : { scale: { axis: "o", by } };
  return (await compare(viewA, viewB, ctx, scale)).maxRel <= rtol;
}

/** Variances of one side that are the standard deviations of the other; with the pairs that this explains. */
export async function deviations(open: readonly Measured[], { a, b, rtol }: Compared, ctx: Context): Promise<ReadonlyMap<Pair, string>> {
  const found = new Map<Pair, string>();
  for (const { pair } of open) {
    if (partName(pair) !== "bn.var" || pair.values === undefined) continue;
    const [left, right] = [await loadChannels(pair.values.a.view, ctx), await loadChannels(pair.values.b.view, ctx)];
    const isRoot = (root: Float64Array, of: Float64Array): boolean =>
      [0, epsilonOf(a), epsilonOf(b)].some(
        (epsilon) =>
          furthest(
            of.map((value) => Math.sqrt(value + epsilon)),
            root,
          ) <= Math.max(rtol, 1e-5),
      );
    const text = (wrong: Side, right: Side): string =>
      `the variances of batch norm in ${wrong.name} are the standard deviations (sigma) of ${right.name}`;
    if (isRoot(right, left)) found.set(pair, text(b, a));
    else if (isRoot(left, right)) found.set(pair, text(a, b));
  }
  return found;
}

/** `count`: how many a constant means. */
async function vectorOf(side: Side, role: Role, count: number, ctx: Context): Promise<Float64Array | undefined> {
  const slot = side.identity?.roles.get(role);
  if (slot === undefined) return undefined;
  const question = { sizes: new Map("constant" in slot ? [["o", count]] : []), epsilon: epsilonOf(side) };
  return loadChannels((await roleValues(side.checkpoint.tensors, slot, question, ctx)).view, ctx);
}

/** max |x − y| ÷ max |y|; ∞ where the lengths differ. */
function furthest(x: Float64Array, y: Float64Array): number {
  if (x.length !== y.length) return Number.POSITIVE_INFINITY;
  const distance = x.reduce((most, value, k) => Math.max(most, Math.abs(value - (y[k] ?? 0))), 0);
  const largest = y.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return distance === 0 ? 0 : distance / largest;
}
