import { parseName } from "../layers/parts.ts";
import { grouped } from "./grouped.ts";
import type { Ambiguity, Fits, FoundPairs, NumericInfo, TensorPair } from "./pairs.ts";

/*
 * Names that are equal but for what comes before or after all of them: `module.`, `model.`, `backbone.`, a scope, a key that a script saved
 * its weights under. Which one it is follows from the names, not from a list: the longest common end of two names says what each has in front,
 * and the one that brings most names together is taken.
 */

/** A name as its modules and the part of the layer, whatever separates them: `a/b_1.weight` is a, b, 1 and weight. */
interface Path {
  readonly tensor: NumericInfo;
  readonly modules: readonly string[];
  readonly part: string;
}

/** What comes before the names of A and of B. */
interface Affix {
  readonly a: readonly string[];
  readonly b: readonly string[];
}

const separator = /[./_:-]/;
const separators = /[./_:-]+/g;

/** Names that a prefix is looked for in, and names of the other side that each is compared with: enough for any nesting. */
const mostAnchors = 128;
const mostPartners = 64;
/** Prefixes that are tried on all names, the likeliest first. */
const mostTried = 24;
/** Subtrees that are brought together one after the other. */
const mostRounds = 32;

/** Pairs tensors whose names are equal under a common prefix and whose shapes fit, subtree by subtree. */
export function byAffix(a: readonly NumericInfo[], b: readonly NumericInfo[], fits: Fits): FoundPairs {
  let [left, right] = [pathsOf(a), pathsOf(b)];
  const tensors: TensorPair[] = [];
  const ambiguous: Ambiguity[] = [];
  for (let round = 0; round < mostRounds && left.length > 0 && right.length > 0; round++) {
    const [best, ...rivals] = bestAffixes(left, right, fits);
    if (best === undefined) break;
    const done = new Set<NumericInfo>();
    if (rivals.length === 0) {
      tensors.push(...best.pairs);
      for (const pair of best.pairs) done.add(pair.a).add(pair.b);
    } else {
      const pairs = [best, ...rivals].flatMap((each) => each.pairs);
      ambiguous.push(...groups(pairs));
      for (const pair of pairs) done.add(pair.a).add(pair.b);
    }
    left = left.filter(({ tensor }) => !done.has(tensor));
    right = right.filter(({ tensor }) => !done.has(tensor));
  }
  return { tensors, ambiguous };
}

/** The keys that could mean one another: what is joined by any of these pairs. */
function groups(pairs: readonly TensorPair[]): readonly Ambiguity[] {
  const joined = new Map<NumericInfo, { readonly a: Set<string>; readonly b: Set<string> }>();
  for (const { a, b } of pairs) {
    const group = joined.get(a) ?? { a: new Set<string>(), b: new Set<string>() };
    const other = joined.get(b) ?? group;
    for (const key of other.a) group.a.add(key);
    for (const key of other.b) group.b.add(key);
    group.a.add(a.name);
    group.b.add(b.name);
    if (other !== group) for (const [tensor, old] of joined) if (old === other) joined.set(tensor, group);
    joined.set(a, group).set(b, group);
  }
  return [...new Set(joined.values())].map((group) => ({ a: [...group.a], b: [...group.b] }));
}

interface Tried {
  readonly pairs: readonly TensorPair[];
  /** Of them, those whose shapes fit. */
  readonly fitting: number;
}

/** The prefix that brings most tensors together; several where as many are brought together otherwise. */
function bestAffixes(a: readonly Path[], b: readonly Path[], fits: Fits): readonly Tried[] {
  const index = indexOf(b);
  let best: Tried[] = [];
  for (const affix of candidates(a, b)) {
    const tried = tryAffix(affix, a, index, fits);
    if (tried === undefined) continue;
    const most = best[0]?.fitting ?? 0;
    if (tried.fitting > most) best = [tried];
    else if (tried.fitting === most && most > 0 && overlap(tried, best)) best.push(tried);
  }
  return best;
}

function overlap(tried: Tried, others: readonly Tried[]): boolean {
  const taken = new Set(others.flatMap(({ pairs }) => pairs.flatMap((pair) => [pair.a, pair.b])));
  return tried.pairs.some((pair) => taken.has(pair.a) || taken.has(pair.b));
}

/** Prefixes that some pair of names suggests, those that most suggest first. */
function candidates(a: readonly Path[], b: readonly Path[]): readonly Affix[] {
  const ends = grouped(b, endOf);
  const votes = new Map<string, { readonly affix: Affix; count: number }>();
  const step = Math.max(1, Math.floor(a.length / mostAnchors));
  for (let k = 0; k < a.length; k += step) {
    const path = a[k];
    if (path === undefined || path.modules.length === 0) continue;
    for (const other of ends.get(endOf(path))?.slice(0, mostPartners) ?? []) {
      const common = commonEnd(path.modules, other.modules);
      const affix = { a: path.modules.slice(0, -common), b: other.modules.slice(0, -common) };
      const key = `${affix.a.join("/")}\n${affix.b.join("/")}`;
      const vote = votes.get(key) ?? { affix, count: 0 };
      vote.count += 1;
      votes.set(key, vote);
    }
  }
  return [...votes.values()]
    .sort((x, y) => y.count - x.count)
    .slice(0, mostTried)
    .map(({ affix }) => affix);
}

/** What two names have to share to be compared at all: the last module and the part. */
function endOf({ modules, part }: Path): string {
  return `${modules.at(-1) ?? ""} ${part}`;
}

function commonEnd(a: readonly string[], b: readonly string[]): number {
  let common = 0;
  while (common < Math.min(a.length, b.length) && a.at(-1 - common) === b.at(-1 - common)) common += 1;
  return common;
}

function keyOf({ modules, part }: Pick<Path, "modules" | "part">): string {
  return `${modules.join("/")} ${part}`;
}

/** By modules and part; undefined where two tensors have the same. */
function indexOf(paths: readonly Path[]): ReadonlyMap<string, Path | undefined> {
  const index = new Map<string, Path | undefined>();
  for (const path of paths) {
    const key = keyOf(path);
    index.set(key, index.has(key) ? undefined : path);
  }
  return index;
}

/**
 * The pairs that a prefix makes. Undefined where it explains too little: more shapes that contradict than fit, or, where numbers are all that
 * the names have in common, less than half of the smaller subtree.
 */
function tryAffix(
  { a: prefix, b: other }: Affix,
  a: readonly Path[],
  index: ReadonlyMap<string, Path | undefined>,
  fits: Fits,
): Tried | undefined {
  const pairs: TensorPair[] = [];
  let [fitting, inA, named] = [0, 0, false];
  for (const { tensor, modules, part } of a) {
    if (!startsWith(modules, prefix)) continue;
    inA += 1;
    const core = modules.slice(prefix.length);
    const partner = index.get(keyOf({ modules: [...other, ...core], part }));
    if (partner === undefined || core.length === 0) continue;
    const move = fits(tensor, partner.tensor);
    if (move !== undefined) fitting += 1;
    if (core.some((module) => /[a-z]/i.test(module))) named = true;
    pairs.push({ by: "affix", a: tensor, b: partner.tensor, move });
  }
  if (fitting === 0 || fitting * 2 < pairs.length) return undefined;
  const inB = [...index.values()].filter((path) => path !== undefined && startsWith(path.modules, other)).length;
  return named || fitting * 2 >= Math.min(inA, inB) ? { pairs, fitting } : undefined;
}

function startsWith(modules: readonly string[], prefix: readonly string[]): boolean {
  return prefix.every((module, k) => modules[k] === module);
}

function pathsOf(tensors: readonly NumericInfo[]): readonly Path[] {
  const end = commonSuffix(tensors.map(({ name }) => name));
  const split = (text: string): readonly string[] =>
    text
      .toLowerCase()
      .split(separators)
      .filter((module) => module !== "");
  const paths = tensors.map((tensor): Path => {
    const { layer, leaf } = parseName(tensor.name.slice(0, tensor.name.length - end));
    return { tensor, modules: split(layer), part: `${leaf ?? ""}` };
  });
  // Two tensors of one part (the two weights of a recurrent layer) are distinguished by the whole of their names.
  const alike = grouped(paths, keyOf);
  return paths.map((path) => {
    if (alike.get(keyOf(path))?.length === 1) return path;
    return { tensor: path.tensor, modules: split(path.tensor.name.slice(0, path.tensor.name.length - end)), part: "" };
  });
}

/** Length of what all names end in, from a separator on: the key of a wrapper, `:0`, `_1`; 0 where it would leave nothing of a name. */
function commonSuffix(names: readonly string[]): number {
  const [first = "", ...others] = names;
  if (others.length === 0) return 0;
  let common = first.length;
  for (const name of others) {
    let k = 0;
    while (k < Math.min(common, name.length) && name.at(-1 - k) === first.at(-1 - k)) k += 1;
    common = k;
  }
  // A part of a layer (`/kernel:0` of every name) is no suffix, what follows it is.
  const suffix = first.slice(first.length - common);
  let start = suffix.search(separator);
  for (const { index } of suffix.matchAll(separators)) {
    const word = suffix.slice(index + 1).split(separator)[0] ?? "";
    if (typeof parseName(`layer.${word}`).leaf === "string") start = index + 1 + word.length;
  }
  const length = start < 0 ? 0 : suffix.length - start;
  return length < Math.min(...names.map((name) => name.length)) ? length : 0;
}
