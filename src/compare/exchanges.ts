import type { Context } from "../io/context.ts";
import { grouped } from "../model/align/grouped.ts";
import { compare } from "../tensor/compare.ts";
import { isWeight, layerName, type Measured, type Pair, partName, tensorName } from "./pairs.ts";
import { sample } from "./readings.ts";
import type { Compared } from "./side.ts";

/** Sentences, and the pairs that they account for. */
export interface Said {
  readonly sentences: readonly string[];
  readonly pairs: ReadonlySet<Pair>;
}

/** Below this cosine two tensors have nothing to do with each other; above the other one may replace the other. */
export const UNRELATED = 0.5;
const RELATED = 0.99;
/** Tensors that each is looked for among: as many as a network has of one shape. */
const mostCandidates = 64;

interface Origin {
  /** Whose values of A are at this place of B. */
  readonly from: Pair;
  readonly equal: boolean;
}

/** Tensors of B that hold what A has at another place: weights among weights of their shape, biases among biases, vectors of one batch norm. */
export async function exchanged(open: readonly Measured[], all: readonly Pair[], compared: Compared, ctx: Context): Promise<Said> {
  const strangers = open.filter(({ pair, difference }) => difference !== undefined && (difference.cosine < UNRELATED || !isWeight(pair)));
  const alike = grouped(all, kindOf);
  const found = new Map<Pair, Origin>();
  for (const { pair } of strangers) {
    const others = (alike.get(kindOf(pair)) ?? []).filter((other) => other !== pair && mayHold(other, pair));
    if (others.length > mostCandidates) continue;
    for (const other of others) {
      const origin = await originOf(pair, other, compared, ctx);
      if (origin !== undefined) found.set(pair, origin);
      if (origin?.equal === true) break;
    }
  }
  return { sentences: await sentencesOf(found, all, compared, ctx), pairs: new Set(found.keys()) };
}

/** Shape along elementary axes, and whether it is a weight. */
function kindOf(pair: Pair): string {
  return `${isWeight(pair)} ${pair.values?.a.view.shape.join()}`;
}

function mayHold(other: Pair, pair: Pair): boolean {
  return partName(other) === partName(pair) || layerName(other) === layerName(pair);
}

async function originOf(pair: Pair, from: Pair, { rtol }: Compared, ctx: Context): Promise<Origin | undefined> {
  const [a, b] = [from.values?.a.view, pair.values?.b.view];
  if (a === undefined || b === undefined || (await compare(sample(a), sample(b), ctx)).cosine < RELATED) return undefined;
  const { cosine, equal, maxRel } = await compare(a, b, ctx);
  return cosine >= RELATED ? { from, equal: equal || maxRel <= rtol } : undefined;
}

async function sentencesOf(
  found: ReadonlyMap<Pair, Origin>,
  all: readonly Pair[],
  compared: Compared,
  ctx: Context,
): Promise<readonly string[]> {
  const sentences = new Set<string>();
  const whole = layersMoved(found, all);
  for (const [pair, { from, equal }] of found) {
    const name = (one: Pair): string => (whole.has(layerName(pair)) ? layerName(one) : tensorName(one));
    const how = equal ? "equal" : "nearly equal";
    const back = (found.get(from) ?? (await originOf(from, pair, compared, ctx)))?.from === pair;
    const names = [name(pair), name(from)].sort();
    sentences.add(
      back
        ? `${names.join(" and ")} are swapped in ${compared.b.name} (${how})`
        : `${name(from)} of ${compared.a.name} is at ${name(pair)} in ${compared.b.name} (${how})`,
    );
  }
  return [...sentences];
}

/** Layers all of whose tensors hold those of one other layer. */
function layersMoved(found: ReadonlyMap<Pair, Origin>, all: readonly Pair[]): ReadonlySet<string> {
  const layers = new Set([...found.keys()].map(layerName));
  return new Set(
    [...layers].filter((layer) => {
      const origins = all.filter((pair) => layerName(pair) === layer).map((pair) => found.get(pair)?.from);
      const names = new Set(origins.map((from) => (from === undefined ? layer : layerName(from))));
      return names.size === 1 && !names.has(layer) && origins.length > 1;
    }),
  );
}
