import type { Context } from "../../io/context.ts";
import { compare, type Difference } from "../../tensor/compare.ts";
import { dtypes, type NumericDType } from "../../tensor/dtype.ts";
import type { View } from "../../tensor/view.ts";
import { few } from "../findings/few.ts";
import { layerOf, type Pair } from "./align.ts";
import { sample } from "./readings.ts";

/** Two tensors in one layout that point the same way, but are not equal. */
export interface Variant {
  readonly pair: Pair;
  readonly a: View;
  readonly b: View;
  readonly difference: Difference;
}

const narrow: readonly NumericDType[] = ["float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"];

/** Tensors that point the same way but are not equal: rounded, scaled, or trained further. */
export async function changedValues(variants: readonly Variant[], ctx: Context): Promise<readonly string[]> {
  const reasons = new Map<string, string[]>();
  const add = (reason: string, pair: Pair): void => {
    reasons.set(reason, [...(reasons.get(reason) ?? []), pair.role ?? layerOf(pair)]);
  };
  const trained: Variant[] = [];
  for (const variant of variants) {
    const reason = (await rounding(variant, ctx)) ?? scaling(variant);
    if (reason === undefined) trained.push(variant);
    else add(reason, variant.pair);
  }
  const told = [...reasons].map(([reason, names]) => `${few(names)} ${names.length === 1 ? "is" : "are"} ${reason}`);
  if (trained.length > 0) {
    const cosines = trained.map(({ difference }) => difference.cosine);
    const names = few(trained.map(({ pair }) => pair.role ?? layerOf(pair)));
    told.push(
      `${names} differ${trained.length === 1 ? "s" : ""} a little (cosine from ${Math.min(...cosines).toFixed(4)}), as after further training`,
    );
  }
  return told;
}

/** The type that one side was rounded to, if rounding the other to it gives the same values. */
async function rounding({ a, b }: Variant, ctx: Context): Promise<string | undefined> {
  if (dtypes[a.dtype].kind !== "float" || dtypes[b.dtype].kind !== "float") return undefined;
  for (const [from, to, name] of [
    [a, b, "B"],
    [b, a, "A"],
  ] as const) {
    for (const rounded of narrow.filter((type) => dtypes[type].itemsize < dtypes[from.dtype].itemsize)) {
      const trial = await compare(sample(from), sample(to), ctx, { rounded });
      if (trial.equal && (await compare(from, to, ctx, { rounded })).equal) return `rounded to ${rounded} in ${name}`;
    }
  }
  return undefined;
}

/** One factor for all values, where the directions agree to float32. */
function scaling({ difference: { cosine, factor } }: Variant): string | undefined {
  if (1 - Math.abs(cosine) > 1e-9 || Math.abs(factor - 1) < 1e-4) return undefined;
  return `${Number(factor.toPrecision(5))} times as large in B`;
}
