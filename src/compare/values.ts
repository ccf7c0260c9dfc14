import type { Context } from "../io/context.ts";
import { loadChannels } from "../model/role-values.ts";
import { compare, type Difference, factorsAlong } from "../tensor/compare.ts";
import { dtypes, type NumericDType } from "../tensor/dtype.ts";
import { elementCount } from "../tensor/shape.ts";
import { slice, type View } from "../tensor/view.ts";
import { few } from "../text/few.ts";
import { type Pair, tensorName } from "./pairs.ts";
import { explains, sample } from "./readings.ts";
import type { Compared } from "./side.ts";

/** Two tensors in one layout that are not equal. */
export interface Variant {
  readonly pair: Pair;
  readonly a: View;
  readonly b: View;
  readonly difference: Difference;
}

const narrow: readonly NumericDType[] = ["float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"];

/** So many values differ at most where single values are named, and not a change all over. */
const FEW = 16;
/** Share of B's energy that factors may leave unexplained: half precision leaves 1e-5, chance leaves 1 or more. */
const UNEXPLAINED = 1e-3;
/** Values that share one factor: with fewer, factors bring anything together. */
const leastAlong = 8;

/**
 * Tensors that are not equal: what was tried on all values and holds (single values, zeros, rounding, factors), else how far they are apart.
 * Why two tensors differ cannot be seen in them (training, noise, another conversion), so no reason is given.
 */
export async function changedValues(variants: readonly Variant[], compared: Compared, ctx: Context): Promise<readonly string[]> {
  const reasons = new Map<string, string[]>();
  const apart: Variant[] = [];
  const single: string[] = [];
  for (const variant of variants) {
    const some = await fewValues(variant, compared, ctx);
    if (some !== undefined) {
      single.push(some);
      continue;
    }
    const reason =
      zeros(variant, compared) ??
      (await rounding(variant, compared, ctx)) ??
      scaling(variant, compared) ??
      (await channelScaling(variant, compared, ctx));
    if (reason === undefined) apart.push(variant);
    else reasons.set(reason, [...(reasons.get(reason) ?? []), tensorName(variant.pair)]);
  }
  const sentences = [...reasons].map(([reason, names]) => `${few(names)} ${names.length === 1 ? "is" : "are"} ${reason}`);
  return [...single, ...sentences, ...(apart.length === 0 ? [] : [distances(apart)])];
}

function distances(apart: readonly Variant[]): string {
  const names = few(apart.map(({ pair }) => tensorName(pair)));
  const range = (of: (difference: Difference) => number, text: (value: number) => string): string => {
    const texts = apart.map(({ difference }) => of(difference)).sort((a, b) => a - b);
    const [least, most] = [text(texts[0] ?? 0), text(texts.at(-1) ?? 0)];
    return least === most ? least : `${least} to ${most}`;
  };
  const cosines = range(({ cosine }) => cosine, cosineText);
  const largest = range(
    ({ maxRel }) => maxRel,
    (value) => `${Number((100 * value).toPrecision(2))} %`,
  );
  return `${names} differ${apart.length === 1 ? "s" : ""}: cosine ${cosines}, largest difference ${largest} of the largest value; no rounding, factor or order of axes that was tried gives one from the other`;
}

/** Never 1.0000 for what is not the same. */
function cosineText(cosine: number): string {
  return 1 - cosine < 5e-5 ? `1 − ${(1 - cosine).toPrecision(1)}` : cosine.toFixed(4);
}

/** Which values differ, where they are a few among many that do not. */
async function fewValues({ pair, a, b, difference }: Variant, compared: Compared, ctx: Context): Promise<string | undefined> {
  const { differing, count } = difference;
  if (differing === 0 || differing > FEW || differing * 4 >= count) return undefined;
  const which = differing === 1 ? "a single value differs" : `${differing} values differ, most of all`;
  const { place, x, y } = await furthestApart(a, b, ctx);
  return `${tensorName(pair)}: ${which}, at ${place}: ${x} in ${compared.a.name} and ${y} in ${compared.b.name}`;
}

const axisNames: ReadonlyMap<string, string> = new Map([
  ["i", "input"],
  ["o", "output"],
]);

/** Where two views are furthest apart: each axis is halved until one index is left. */
async function furthestApart(a: View, b: View, ctx: Context) {
  let [left, right] = [a, b];
  const place: string[] = [];
  for (const axis of a.axes) {
    let [from, to] = [0, a.shape[a.axes.indexOf(axis)] ?? 1];
    if (to < 2) continue;
    while (to - from > 1) {
      const middle = (from + to) >> 1;
      const apart = async (low: number, high: number): Promise<number> =>
        (await compare(slice(left, axis, low, high), slice(right, axis, low, high), ctx)).maxAbs;
      if ((await apart(from, middle)) >= (await apart(middle, to))) to = middle;
      else from = middle;
    }
    [left, right] = [slice(left, axis, from, to), slice(right, axis, from, to)];
    place.push(`${axisNames.get(axis) ?? axis} ${from}`);
  }
  const [[x = 0], [y = 0]] = [await loadChannels(left, ctx), await loadChannels(right, ctx)];
  return { place: place.join(", "), x, y };
}

function zeros({ difference: { cosine, maxRel, factor } }: Variant, { a, b }: Compared): string | undefined {
  // maxRel is over the largest of B: infinite where B is 0 throughout; the factor of what is 0 throughout in A is 1.
  if (cosine !== 0) return undefined;
  if (maxRel === Number.POSITIVE_INFINITY) return `0 throughout in ${b.name}`;
  return factor === 1 && maxRel === 1 ? `0 throughout in ${a.name}` : undefined;
}

/** The type that one side was rounded to, if rounding the other to it gives the same values. */
async function rounding({ a, b }: Variant, compared: Compared, ctx: Context): Promise<string | undefined> {
  if (dtypes[a.dtype].kind !== "float" || dtypes[b.dtype].kind !== "float") return undefined;
  for (const [from, to, name] of [
    [a, b, compared.b.name],
    [b, a, compared.a.name],
  ] as const) {
    for (const rounded of narrow.filter((type) => dtypes[type].itemsize < dtypes[from.dtype].itemsize)) {
      const trial = await compare(sample(from), sample(to), ctx, { rounded });
      if (trial.equal && (await compare(from, to, ctx, { rounded })).equal) return `rounded to ${rounded} in ${name}`;
    }
  }
  return undefined;
}

/** One factor for all values, where the directions agree to float32. */
function scaling({ difference: { cosine, factor } }: Variant, { b }: Compared): string | undefined {
  if (1 - Math.abs(cosine) > 1e-9 || Math.abs(factor - 1) < 1e-4) return undefined;
  return `${Number(factor.toPrecision(5))} times as large in ${b.name}`;
}

/** One factor for each output, or for each input. */
async function channelScaling({ a, b, difference }: Variant, compared: Compared, ctx: Context): Promise<string | undefined> {
  for (const [axis, what] of [
    ["i", "input"],
    ["o", "output"],
  ] as const) {
    const channels = a.shape[a.axes.indexOf(axis)] ?? 1;
    if (channels < 2 || elementCount(a.shape) / channels < leastAlong) continue;
    const by = await factorsAlong(axis, a, b, ctx);
    const { cosine, factor } = await compare(a, b, ctx, { scale: { axis, by } });
    if (!explains(difference.cosine, cosine) || 1 - cosine * cosine > UNEXPLAINED || Math.abs(factor - 1) > UNEXPLAINED) continue;
    const shown = [...by.subarray(0, 4)].map((value) => value.toPrecision(3)).join(", ");
    return `scaled by one factor for each ${what} in ${compared.b.name} (${shown}${channels > 4 ? ", …" : ""})`;
  }
  return undefined;
}
