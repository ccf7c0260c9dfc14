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

/** Below this cosine two tensors have nothing to do with each other; above the other one may stand for the other. */
const UNRELATED = 0.5;
const RELATED = 0.99;

/** What sets B apart from A, in sentences. Each says what was measured or tried on the values; causes that cannot be seen in them are not named. */
export async function explain(measured: readonly Measured[], a: Side, b: Side, ctx: Context): Promise<readonly string[]> {
  const open = measured.filter(({ difference }) => difference === undefined || !difference.equal);
  if (open.length === 0) return [];
  const told: string[] = [];
  const pairs = measured.map(({ pair }) => pair);
  const folded = await foldedNorms(pairs, a, b, ctx);
  if (folded !== undefined) told.push(folded.text);
  const isNorm = ({ pair }: Measured): boolean => /^conv\d+_\d+\.(bias|bn\..*)$/.test(pair.role ?? "");
  const norms = open.some(isNorm) ? await sameNorms(pairs, a, b, ctx) : undefined;
  if (norms !== undefined) told.push(norms);
  let rest = open.filter(
    (each) => (folded === undefined || !folded.roles.has(each.pair.role ?? "")) && (norms === undefined || !isNorm(each)),
  );
  const explained: Explained[] = [];
  for (const { pair, difference } of rest) {
    const reading = difference === undefined ? undefined : await explainPair(pair, difference, a, ctx);
    if (reading !== undefined) explained.push(reading);
  }
  told.push(...byReading(explained));
  const layout = new Set(explained.map(({ pair }) => pair));
  rest = rest.filter(({ pair }) => !layout.has(pair));
  const exchanged = await exchanges(rest, ctx);
  told.push(...exchanged.told);
  rest = rest.filter(({ pair }) => !exchanged.pairs.has(pair));
  const changed = replaced(rest, measured, (pair) => unflattened(pair, a, b));
  const variants = [
    ...explained
      .filter(({ difference }) => !difference.equal)
      .map(({ pair, reading, difference }) => ({ pair, a: reading.a, b: reading.b, difference })),
    ...rest.flatMap(({ pair, difference }) =>
      difference === undefined || pair.values === undefined || changed.pairs.has(pair)
        ? []
        : [{ pair, a: pair.values.a.view, b: pair.values.b.view, difference }],
    ),
  ];
  told.push(...(await changedValues(variants, ctx)), ...changed.told);
  const [epsA, epsB] = [a.identity?.epsilon?.value, b.identity?.epsilon?.value];
  if (epsA !== undefined && epsB !== undefined && epsA !== epsB) told.push(`batch norm adds ${epsA} to the variance in A and ${epsB} in B`);
  return told;
}

/** Sentences, and the pairs that they account for. */
interface Told {
  readonly told: readonly string[];
  readonly pairs: ReadonlySet<Pair>;
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

/** Tensors of one shape, weights among weights and biases among biases, that are found in each other's place. */
async function exchanges(open: readonly Measured[], ctx: Context): Promise<Told> {
  const strangers = open.filter(
    ({ pair, difference }) => difference !== undefined && (difference.cosine < UNRELATED || !pair.role?.endsWith(".weight")),
  );
  const groups = grouped(strangers, ({ pair }) => `${leafOf(pair)} ${pair.values?.a.view.shape.join()}`);
  const found = new Map<Pair, { readonly to: Pair; readonly equal: boolean }>();
  for (const group of groups.values()) {
    for (const { pair } of group) {
      for (const { pair: other } of group) {
        const [from, to] = [pair.values?.a.view, other.values?.b.view];
        if (pair === other || from === undefined || to === undefined || found.has(pair)) continue;
        if ((await compare(sample(from), sample(to), ctx)).cosine < RELATED) continue;
        const { cosine, equal } = await compare(from, to, ctx);
        if (cosine >= RELATED) found.set(pair, { to: other, equal });
      }
    }
  }
  const told: string[] = [];
  const whole = layersMoved(found);
  for (const [pair, { to, equal }] of found) {
    const name = (one: Pair): string => (whole.has(layerName(pair)) ? layerName(one) : (one.role ?? layerOf(one)));
    const how = equal ? "equal" : "nearly equal";
    if (whole.has(layerName(pair)) && leafOf(pair) !== "weight") continue;
    if (found.get(to)?.to !== pair) told.push(`${name(pair)} of A stands at ${name(to)} in B (${how})`);
    else if (name(pair) < name(to)) told.push(`${name(pair)} and ${name(to)} are swapped in B (${how})`);
  }
  return { told, pairs: new Set(found.keys()) };
}

/** Layers whose tensors all moved to one other layer. */
function layersMoved(found: ReadonlyMap<Pair, { readonly to: Pair }>): ReadonlySet<string> {
  const targets = grouped([...found], ([pair]) => layerName(pair));
  return new Set(
    [...targets].flatMap(([layer, moves]) =>
      new Set(moves.map(([, { to }]) => layerName(to))).size === 1 && moves.some(([pair]) => leafOf(pair) === "weight") ? [layer] : [],
    ),
  );
}

function leafOf({ role }: Pair): string {
  return role?.slice(role.indexOf(".") + 1) ?? "";
}

function layerName(pair: Pair): string {
  return pair.role?.slice(0, pair.role.indexOf(".")) ?? layerOf(pair);
}

/** Sizes that do not fit and values that have nothing in common: a replaced head, or layers of another network. */
function replaced(open: readonly Measured[], measured: readonly Measured[], reason: (pair: Pair) => string | undefined): Told {
  const sizes = open.filter(({ difference }) => difference === undefined);
  const shapes = sizes
    .filter(({ pair }) => !pair.role?.endsWith(".bias"))
    .map(
      ({ pair }) =>
        reason(pair) ?? `${pair.role ?? layerOf(pair)} has shape [${pair.shapeA.join(", ")}] in A and [${pair.shapeB.join(", ")}] in B`,
    );
  const strangers = open.filter(({ pair, difference }) => isWeight(pair) && difference !== undefined && difference.cosine < UNRELATED);
  const changed = new Set([...sizes, ...strangers].map(({ pair }) => layerName(pair)));
  const weights = measured.filter(({ pair }) => isWeight(pair));
  const last = weights.at(-1)?.pair;
  const kept = weights.filter(({ pair }) => !changed.has(layerName(pair)));
  const pairs = new Set(open.flatMap(({ pair }) => (changed.has(layerName(pair)) ? [pair] : [])));
  const common = strangers.map(({ difference }) => Math.abs(difference?.cosine ?? 0));
  const most = common.length === 0 ? "" : ` (cosine ${Math.max(...common).toFixed(2)} at most)`;
  const isHead = last !== undefined && changed.has(layerName(last)) && [...changed].every((layer) => layer.startsWith("fc"));
  if (isHead && kept.length > 0) {
    const rest = `the weights of the other ${kept.length} layers ${kept.every(({ difference }) => difference?.equal) ? "are equal" : "are related"}`;
    return { told: [`the head was replaced: ${few([...changed])}${most}; ${rest}`, ...shapes], pairs };
  }
  const told =
    strangers.length === 0
      ? shapes
      : [...shapes, `values have nothing in common in ${few(strangers.map(({ pair }) => layerName(pair)))}${most}`];
  return { told, pairs };
}

function isWeight({ role }: Pair): boolean {
  return role?.endsWith(".weight") === true;
}
