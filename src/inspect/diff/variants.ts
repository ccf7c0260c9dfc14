import type { Context } from "../../io/context.ts";
import { compare, type Difference } from "../../tensor/compare.ts";
import { dtypes, type NumericDType } from "../../tensor/dtype.ts";
import type { View } from "../../tensor/view.ts";
import { few } from "../findings/few.ts";
import { layerOf, type Pair } from "./align.ts";
import { sample } from "./readings.ts";

/** Two tensors in one layout that are not equal. */
export interface Variant {
  readonly pair: Pair;
  readonly a: View;
  readonly b: View;
  readonly difference: Difference;
}

const narrow: readonly NumericDType[] = ["float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"];

/** What was measured on a tensor that no test explains. */
interface Distance {
  readonly name: string;
  readonly difference: Difference;
}

/**
 * Tensors that are not equal: rounded or scaled where that was tried on all values and holds, else how far they are apart. Why two
 * tensors differ cannot be seen in them (training, noise, another conversion), so no reason is given.
 */
export async function changedValues(variants: readonly Variant[], ctx: Context): Promise<readonly string[]> {
  const reasons = new Map<string, string[]>();
  const apart: Distance[] = [];
  for (const variant of variants) {
    const name = variant.pair.role ?? layerOf(variant.pair);
    const reason = (await rounding(variant, ctx)) ?? scaling(variant);
    if (reason === undefined) apart.push({ name, difference: variant.difference });
    else reasons.set(reason, [...(reasons.get(reason) ?? []), name]);
  }
  const told = [...reasons].map(([reason, names]) => `${few(names)} ${names.length === 1 ? "is" : "are"} ${reason}`);
  return apart.length === 0 ? told : [...told, distances(apart)];
}

function distances(apart: readonly Distance[]): string {
  const names = few(apart.map(({ name }) => name));
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
