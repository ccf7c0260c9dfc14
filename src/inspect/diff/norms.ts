import type { Context } from "../../io/context.ts";
import { isConv, layerOf, type Part, partOf, type Role } from "../../model/role.ts";
import { loadChannels, normEffect, powerOf, roleValues } from "../../model/role-values.ts";
import { compare } from "../../tensor/compare.ts";
import type { Pair } from "./align.ts";
import { epsilonOf, type Side } from "./side.ts";

/** Folded in float32, weights agree to a few roundings. */
const FOLDED = 1e-5;

/** A sentence, and the roles that it accounts for. */
export interface Folded {
  readonly text: string;
  readonly roles: ReadonlySet<string>;
}

/** Whether one side's convolutions are the other's with the batch norm multiplied in; undefined where that does not explain them. */
export async function foldedNorms(pairs: readonly Pair[], a: Side, b: Side, ctx: Context): Promise<Folded | undefined> {
  const [normA, normB] = [hasNorms(a), hasNorms(b)];
  if (normA === normB) return undefined;
  const [norm, plain, name] = normA ? [a, b, "B"] : [b, a, "A"];
  const roles = new Set<string>();
  let worst = 0;
  let biases = 0;
  for (const pair of pairs) {
    const conv = /^(conv\d+_\d+)\.weight$/.exec(pair.role ?? "")?.[1];
    if (conv === undefined || pair.values === undefined) continue;
    const effect = await effectOf(norm, conv, ctx);
    if (effect === undefined) continue;
    const by = effect.scale;
    const [from, to] = normA ? [pair.values.a.view, pair.values.b.view] : [pair.values.b.view, pair.values.a.view];
    const { maxRel } = await compare(from, to, ctx, { scale: { axis: "o", by } });
    if (maxRel > FOLDED) return undefined;
    roles.add(`${conv}.weight`);
    worst = Math.max(worst, maxRel);
    const bias = (await vectorOf(plain, `${conv}.bias`, by.length, ctx)) ?? new Float64Array(by.length);
    const distance = furthest(effect.shift, bias);
    if (distance > FOLDED) continue;
    roles.add(`${conv}.bias`);
    biases += 1;
    worst = Math.max(worst, distance);
  }
  const convs = [...roles].filter((role) => role.endsWith(".weight")).length;
  if (convs === 0) return undefined;
  const what = biases === convs ? "weights and biases" : biases === 0 ? "weights" : `weights and ${biases} of the biases`;
  return {
    text: `batch norm is folded into the ${convs} convolutions in ${name} (${what} agree within ${worst.toPrecision(2)} of the largest)`,
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
export async function sameNorms(pairs: readonly Pair[], a: Side, b: Side, ctx: Context): Promise<string | undefined> {
  if (!hasNorms(a) || !hasNorms(b)) return undefined;
  const convs = pairs.flatMap(({ role }) => (role !== undefined && isConv(role) && partOf(role) === "bn.var" ? [layerOf(role)] : []));
  let worst = 0;
  for (const conv of convs) {
    const [left, right] = [await effectOf(a, conv, ctx), await effectOf(b, conv, ctx)];
    if (left === undefined || right === undefined) return undefined;
    for (const part of ["scale", "shift"] as const) worst = Math.max(worst, furthest(left[part], right[part]));
    if (!(worst <= SAME_EFFECT)) return undefined;
  }
  if (convs.length === 0) return undefined;
  return `the ${convs.length} batch norms are kept differently but compute the same (scale and shift of every channel agree within ${worst.toPrecision(2)})`;
}

/** What the batch norm behind a convolution does; undefined where it has none, or none that can be computed. */
async function effectOf(side: Side, conv: string, ctx: Context): Promise<ReturnType<typeof normEffect> | undefined> {
  const variance = await vectorOf(side, `${conv}.bn.var`, 0, ctx);
  if (variance === undefined) return undefined;
  const power = variance.map((value) => powerOf(value, undefined, epsilonOf(side)));
  if (!power.every((value) => value > 0)) return undefined;
  const part = (leaf: Part): Promise<Float64Array | undefined> => vectorOf(side, `${conv}.${leaf}`, power.length, ctx);
  const [gamma, beta, mean, bias] = [await part("bn.weight"), await part("bn.bias"), await part("bn.mean"), await part("bias")];
  return normEffect({ power, gamma, beta, mean, bias });
}

/** `count`: how many a constant stands for. */
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
