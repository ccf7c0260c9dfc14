import type { Context } from "../../io/context.ts";
import { compare, type Difference } from "../../tensor/compare.ts";
import { few } from "../findings/few.ts";
import { layerOf, type Pair } from "./align.ts";
import { foldedNorms, sameNorms } from "./norms.ts";
import { type Explained, explainPair, sample } from "./readings.ts";
import type { Side } from "./side.ts";
import { unflattened } from "./unflattened.ts";
import { changedValues } from "./variants.ts";

/** A pair and what was measured; without a difference the sizes do not fit. */
export interface Measured {
  readonly pair: Pair;
  readonly difference?: Difference;
}

/** Below this cosine two tensors have nothing to do with each other; above the other they are variants of one. */
const UNRELATED = 0.5;
const VARIANT = 0.9;

/** What sets B apart from A, in sentences; each hypothesis is tried on the values, none is guessed. */
export async function explain(measured: readonly Measured[], a: Side, b: Side, ctx: Context): Promise<readonly string[]> {
  const open = measured.filter(({ difference }) => difference === undefined || !difference.equal);
  if (open.length === 0) return [];
  const told: string[] = [];
  const pairs = measured.map(({ pair }) => pair);
  const folded = await foldedNorms(pairs, a, b, ctx);
  if (folded !== undefined) told.push(folded);
  const isNorm = ({ pair }: Measured): boolean => /^conv\d+_\d+\.(bias|bn\..*)$/.test(pair.role ?? "");
  const norms = open.some(isNorm) ? await sameNorms(pairs, a, b, ctx) : undefined;
  if (norms !== undefined) told.push(norms);
  const rest = open.filter(
    (each) => (folded === undefined || !each.pair.role?.startsWith("conv")) && (norms === undefined || !isNorm(each)),
  );
  const explained: Explained[] = [];
  for (const { pair, difference } of rest) {
    const reading = difference === undefined ? undefined : await explainPair(pair, difference, a, b, ctx);
    if (reading !== undefined) explained.push(reading);
  }
  told.push(...byReading(explained));
  const layout = new Set(explained.map(({ pair }) => pair));
  told.push(
    ...(await swappedLayers(
      rest.filter(({ pair }) => !layout.has(pair)),
      ctx,
    )),
  );
  const variants = [
    ...explained
      .filter(({ difference }) => !difference.equal)
      .map(({ pair, reading, difference }) => ({ pair, a: reading.a, b: reading.b, difference })),
    ...rest.flatMap(({ pair, difference }) =>
      difference === undefined || pair.values === undefined || layout.has(pair) || difference.cosine < VARIANT
        ? []
        : [{ pair, a: pair.values.a.view, b: pair.values.b.view, difference }],
    ),
  ];
  told.push(...(await changedValues(variants, ctx)));
  told.push(
    ...replaced(
      rest.filter(({ pair }) => !layout.has(pair)),
      measured,
      (pair) => unflattened(pair, a, b),
    ),
  );
  const [epsA, epsB] = [a.identity?.epsilon?.value, b.identity?.epsilon?.value];
  if (epsA !== undefined && epsB !== undefined && epsA !== epsB) told.push(`batch norm adds ${epsA} to the variance in A and ${epsB} in B`);
  return told;
}

/** One sentence for each kind of reading, with the layers it holds for. */
function byReading(explained: readonly Explained[]): readonly string[] {
  const groups = grouped(explained, ({ pair, reading }) => reading.text("") + (reading.kind === "order" ? pair.role : ""));
  return [...groups.values()].map((group) => group[0]?.reading.text(few(group.map(({ pair }) => layerOf(pair)))) ?? "");
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}

/** Layers of one shape whose weights are found in each other's place. */
async function swappedLayers(open: readonly Measured[], ctx: Context): Promise<readonly string[]> {
  const strangers = open.filter(
    ({ pair, difference }) => pair.role?.endsWith(".weight") && difference !== undefined && difference.cosine < UNRELATED,
  );
  const groups = grouped(strangers, ({ pair }) => (pair.values?.a.view.shape ?? pair.shapeA).join());
  const told: string[] = [];
  for (const group of groups.values()) {
    const found = new Map<string, string>();
    for (const { pair } of group) {
      for (const { pair: other } of group) {
        if (pair === other || pair.values === undefined || other.values === undefined) continue;
        const { cosine } = await compare(sample(pair.values.a.view), sample(other.values.b.view), ctx);
        if (cosine > VARIANT) found.set(layerOf(pair), layerOf(other));
      }
    }
    for (const [from, to] of found) {
      if (found.get(to) !== from) told.push(`${from} of A stands at ${to} in B`);
      else if (from < to) told.push(`${from} and ${to} are swapped in B`);
    }
  }
  return told;
}

/** Sizes that do not fit and values that have nothing in common: a replaced head, or layers of another network. */
function replaced(open: readonly Measured[], measured: readonly Measured[], reason: (pair: Pair) => string | undefined): readonly string[] {
  const told: string[] = [];
  const sizes = open.filter(({ difference }) => difference === undefined);
  for (const { pair } of sizes.filter(({ pair }) => !pair.role?.endsWith(".bias"))) {
    told.push(
      reason(pair) ?? `${pair.role ?? layerOf(pair)} has shape [${pair.shapeA.join(", ")}] in A and [${pair.shapeB.join(", ")}] in B`,
    );
  }
  const strangers = open.filter(
    ({ pair, difference }) => pair.role?.endsWith(".weight") && difference !== undefined && difference.cosine < UNRELATED,
  );
  const weights = measured.filter(({ pair }) => pair.role?.endsWith(".weight"));
  const changed = new Set([...sizes, ...strangers].map(({ pair }) => layerOf(pair).replace(/\.bias$/, "")));
  const last = weights.at(-1)?.pair;
  const kept = weights.filter(({ difference }) => difference !== undefined && difference.cosine > VARIANT);
  if (last !== undefined && changed.has(layerOf(last)) && kept.length > 0 && [...changed].every((layer) => layer.startsWith("fc"))) {
    return [`the head was replaced: ${few([...changed])}`, ...told];
  }
  if (strangers.length > 0) told.push(`values have nothing in common in ${few(strangers.map(({ pair }) => layerOf(pair)))}`);
  return told;
}
