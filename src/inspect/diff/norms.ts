import type { Context } from "../../io/context.ts";
import { compare } from "../../tensor/compare.ts";
import type { Pair } from "./align.ts";
import { loadView64, roleValues, type Side } from "./side.ts";

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
    const by = await factors(norm, conv, ctx);
    if (by === undefined) continue;
    const [from, to] = normA ? [pair.values.a.view, pair.values.b.view] : [pair.values.b.view, pair.values.a.view];
    const { maxRel } = await compare(from, to, ctx, { scale: { axis: "o", by } });
    if (maxRel > FOLDED) return undefined;
    roles.add(`${conv}.weight`);
    worst = Math.max(worst, maxRel);
    const bias = await biasOf(plain, conv, by.length, ctx);
    const distance = furthest((await effect(norm, conv, ctx)).shift, bias);
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

async function biasOf(side: Side, conv: string, count: number, ctx: Context): Promise<Float64Array> {
  const slot = side.identity?.roles.get(`${conv}.bias`);
  return slot === undefined ? new Float64Array(count) : loadView64((await roleValues(side, slot, new Map(), count, ctx)).view, ctx);
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
  const convs = pairs.flatMap(({ role }) => /^(conv\d+_\d+)\.bn\.var$/.exec(role ?? "")?.[1] ?? []);
  let worst = 0;
  for (const conv of convs) {
    const [left, right] = [await effect(a, conv, ctx), await effect(b, conv, ctx)];
    for (const part of ["scale", "shift"] as const) worst = Math.max(worst, furthest(left[part], right[part]));
    if (!(worst <= SAME_EFFECT)) return undefined;
  }
  if (convs.length === 0) return undefined;
  return `the ${convs.length} batch norms are kept differently but compute the same (scale and shift of every channel agree within ${worst.toPrecision(2)})`;
}

async function effect(side: Side, conv: string, ctx: Context): Promise<{ readonly scale: Float64Array; readonly shift: Float64Array }> {
  const scale = (await factors(side, conv, ctx)) ?? new Float64Array();
  const part = async (name: string): Promise<Float64Array> => {
    const slot = side.identity?.roles.get(`${conv}.${name}`);
    return slot === undefined ? scale.map(() => 0) : loadView64((await roleValues(side, slot, new Map(), scale.length, ctx)).view, ctx);
  };
  const [bias, mean, beta] = [await part("bias"), await part("bn.mean"), await part("bn.bias")];
  return { scale, shift: scale.map((value, k) => ((bias[k] ?? 0) - (mean[k] ?? 0)) * value + (beta[k] ?? 0)) };
}

/** max |x − y| ÷ max |y|; ∞ where the lengths differ. */
function furthest(x: Float64Array, y: Float64Array): number {
  if (x.length !== y.length) return Number.POSITIVE_INFINITY;
  const distance = x.reduce((most, value, k) => Math.max(most, Math.abs(value - (y[k] ?? 0))), 0);
  const largest = y.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return distance === 0 ? 0 : distance / largest;
}

/** γ ÷ √(σ² + ε) for each channel. */
async function factors(side: Side, conv: string, ctx: Context): Promise<Float64Array | undefined> {
  const { identity } = side;
  const [gamma, variance] = [identity?.roles.get(`${conv}.bn.weight`), identity?.roles.get(`${conv}.bn.var`)];
  const epsilon = identity?.epsilon?.value ?? identity?.network.epsilon ?? 0;
  if (variance === undefined) return undefined;
  const spread = await loadView64((await roleValues(side, variance, new Map(), 0, ctx)).view, ctx);
  const scale =
    gamma === undefined ? undefined : await loadView64((await roleValues(side, gamma, new Map(), spread.length, ctx)).view, ctx);
  return spread.map((value, k) => (scale?.[k] ?? 1) / Math.sqrt(value + epsilon));
}
