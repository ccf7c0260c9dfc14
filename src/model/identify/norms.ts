import type { DescribedCheckpoint } from "../described.ts";
import type { NormLayer } from "../layers/layer.ts";
import { naturalCompare } from "../layers/order.ts";
import { keyOf, type Tokens } from "../layers/tokens.ts";
import { typeOf } from "../records.ts";
import type { Entries, Entry } from "./entries.ts";
import type { RunItem } from "./runs.ts";

/** A layer that a batch norm may follow. */
export interface Normed {
  readonly entry: Entry;
  /** Not known of a layer that is missing. */
  readonly outputs: number | undefined;
}

/** The batch norm behind each layer. */
export type NormOf = ReadonlyMap<Entry, NormLayer>;

/** Words of a batch norm's name. */
const normWords = new Set(["bn", "bnorm", "batchnorm", "batchnorm2d", "batch", "norm", "norm2d", "normalization", "scale"]);
/** Words of a convolution's or a dense layer's. */
const layerWords = new Set(["conv", "conv2d", "convolution", "convolution2d", "dense", "linear", "fc"]);

/** What norms the layers of a network can have, and how the network's names are made. */
interface Question {
  readonly checkpoint: DescribedCheckpoint;
  readonly entries: Entries;
  readonly layers: readonly Normed[];
  /** The layers' own names say their places; numbers alone do not say which norm follows which layer. */
  readonly literal: boolean;
  /** The numbered run that the layers are of. */
  readonly items?: readonly RunItem[];
}

/**
 * Says which batch norm follows which layer: the one that the layer itself keeps, the one behind it in the file's graph, the one of the
 * same name but for the word, the one with the next number in the same run; at last, where there are as many norms as layers, all of
 * the fitting lengths and under other names, one after the other.
 */
export function assignNorms(question: Question): NormOf {
  const { layers, entries } = question;
  const own = new Map<Entry, NormLayer>();
  for (const { entry } of layers) {
    const norm = entry.layer?.norm ?? entry.norm;
    if (norm !== undefined) own.set(entry, norm);
  }
  if (own.size > 0) return own;
  const norms = entries.all.filter((entry) => entry.norm !== undefined && mayBeBatchNorm(entry, false));
  if (norms.length === 0) return own;
  for (const way of [byGraph, byName, byNumber, byOrder]) {
    const found = way(question, norms);
    const whole = [...found.values()].filter((parts) => parts.some(isWhole)).length;
    // A scale here and there is no batch norm.
    if (whole * 2 > layers.length || (whole > 0 && whole === found.size)) return withHalves(withLeft(found, question, norms));
  }
  return own;
}

/** Words of the norms that have scales and shifts alone. */
const otherNorms = new Set(["gn", "groupnorm", "group", "in", "instancenorm", "instance", "ln", "layernorm", "layer", "frn"]);

/** Scales and shifts without statistics may be another norm's: where the name says so, or nothing but their lengths says that they are here. */
function mayBeBatchNorm({ norm, names }: Entry, byLength: boolean): boolean {
  if (norm === undefined || (norm.mean ?? norm.var ?? norm.moments) !== undefined) return true;
  return !byLength && !names.some((tokens) => tokens.some((token) => typeof token === "string" && otherNorms.has(token)));
}

type Found = Map<Entry, NormLayer[]>;

function isWhole({ mean, moments, gamma, beta }: NormLayer): boolean {
  return mean !== undefined || moments !== undefined || (gamma !== undefined && beta !== undefined);
}

function put(found: Found, { entry, outputs }: Normed, norm: NormLayer | undefined): void {
  if (norm === undefined || norm.size !== outputs) return;
  const before = found.get(entry) ?? [];
  const same = before.some((other) => other === norm || (isWhole(other) && isWhole(norm) && hasAffine(other) === hasAffine(norm)));
  if (!same) found.set(entry, [...before, norm]);
}

function hasAffine({ gamma, beta }: NormLayer): boolean {
  return (gamma ?? beta) !== undefined;
}

/** Caffe: BatchNorm keeps mean, variance and factor, the Scale layer behind it gamma and beta. */
function withHalves(found: Found): NormOf {
  const joined = new Map<Entry, NormLayer>();
  for (const [entry, [first, second]] of found) if (first !== undefined) joined.set(entry, { ...second, ...first });
  return joined;
}

/** The words of a name. */
function wordsOf(tokens: Tokens): string {
  return keyOf(tokens.filter((token) => typeof token === "string"));
}

/**
 * Norms under names of the same words as those that were found, as many as there are layers without one: theirs, in their order. So a norm
 * keeps its place where the convolution before it is missing.
 */
function withLeft(found: Found, { layers }: Question, norms: readonly Entry[]): Found {
  const used = new Set([...found.values()].flat());
  const words = new Set(norms.filter(({ norm }) => norm !== undefined && used.has(norm)).flatMap(({ names }) => names.map(wordsOf)));
  const left = norms.filter(
    ({ norm, names }) => norm !== undefined && !used.has(norm) && names.some((tokens) => words.has(wordsOf(tokens))),
  );
  const without = layers.filter(({ entry }) => !found.has(entry));
  const groups = new Map<string, NormLayer[]>();
  for (const { names, norm } of left.toSorted((a, b) => naturalCompare(a.path, b.path))) {
    const key = bare(names[0] ?? []);
    if (norm !== undefined) groups.set(key, [...(groups.get(key) ?? []), norm]);
  }
  const sorted = [...groups.values()];
  if (sorted.length === 0 || sorted.length !== without.length) return found;
  without.forEach(({ entry, outputs }, i) => {
    const parts = sorted[i] ?? [];
    if (parts.every((norm) => outputs === undefined || outputs === norm.size)) found.set(entry, parts);
  });
  return found;
}

/** What is left of a batch norm, as one. */
function ofLone({ lone, path, position }: Entry): NormLayer | undefined {
  if (lone === undefined) return undefined;
  const { tensor, size, leaf } = lone;
  const norm = { name: path, size, position };
  if (leaf === "weight" || leaf === "gamma" || leaf === 0) return { ...norm, gamma: tensor };
  if (leaf === "bias" || leaf === "beta" || leaf === 1) return { ...norm, beta: tensor };
  if (leaf === "mean" || leaf === 2) return { ...norm, mean: tensor };
  return leaf === "var" || leaf === 3 ? { ...norm, var: tensor } : undefined;
}

function byGraph({ checkpoint, entries, layers }: Question): Found {
  const found: Found = new Map();
  const known = new Map(layers.map((layer) => [layer.entry, layer]));
  let last: Normed | undefined;
  for (const record of checkpoint.layers) {
    const held = record.tensors.flatMap((key) => entries.byKey.get(key) ?? []);
    const layer = held.find((entry) => entry.layer !== undefined || known.has(entry));
    const isNorm = /norm|scale|bn\b/i.test(typeOf(record));
    if (layer !== undefined) last = known.get(layer);
    else if (isNorm && last !== undefined) for (const entry of held) put(found, last, entry.norm ?? ofLone(entry));
    // A layer that has lost all its tensors: what follows is not of the one before.
    else if (record.tensors.length > 0 && held.length === 0) last = undefined;
  }
  return found;
}

/** The tokens without the words that tell a convolution from its norm. */
function bare(tokens: Tokens): string {
  return keyOf(tokens.filter((token) => typeof token === "number" || (!normWords.has(token) && !layerWords.has(token))));
}

function isNormName(tokens: Tokens): boolean {
  return tokens.some((token) => typeof token === "string" && normWords.has(token));
}

function byName({ layers, entries, literal }: Question, norms: readonly Entry[]): Found {
  const found: Found = new Map();
  const byBare = new Map<string, Entry[]>();
  for (const entry of entries.all) {
    if ((entry.norm === undefined && entry.lone === undefined) || !mayBeBatchNorm(entry, false)) continue;
    for (const tokens of entry.names) {
      if (!isNormName(tokens)) continue;
      const key = bare(tokens);
      byBare.set(key, [...(byBare.get(key) ?? []), entry]);
    }
  }
  for (const layer of layers) {
    for (const tokens of layer.entry.names) {
      for (const entry of byBare.get(bare(tokens)) ?? []) {
        if (entry !== layer.entry) put(found, layer, entry.norm ?? ofLone(entry));
      }
    }
  }
  // Counters of their own: batch_norm2d_3 follows conv2d_3 only where there are as many of the ones as of the others.
  if (literal || inside(found, layers)) return found;
  if (found.size < layers.length - 1) return new Map();
  return Math.abs(norms.length - countLike(entries, layers)) <= 1 || isVaried(layers) ? found : new Map();
}

/** Norms of a decoder do not repeat three and more widths of an encoder in its order, from the first number on. */
function isVaried(layers: readonly Normed[]): boolean {
  return new Set(layers.map(({ outputs }) => outputs)).size > 3;
}

/** Whether the norms are in the layers' own modules: conv1.bn, _conv_bn_0.bn. */
function inside(found: Found, layers: readonly Normed[]): boolean {
  const first = layers.find(({ entry }) => found.has(entry));
  const norm = first === undefined ? undefined : found.get(first.entry)?.[0];
  const parent = (path: string): string => path.replace(/[/._:-][^/._:-]*$/, "");
  return (
    first !== undefined &&
    norm !== undefined &&
    (norm.name.startsWith(first.entry.path) || parent(norm.name) === parent(first.entry.path)) &&
    /\d/.test(parent(norm.name))
  );
}

/** How many layers of the file have the names of these but for the number. */
function countLike(entries: Entries, layers: readonly Normed[]): number {
  const form = (tokens: Tokens): string => keyOf(tokens.filter((token) => typeof token === "string"));
  const own = new Set(layers.flatMap(({ entry }) => entry.names.map(form)));
  return entries.all.filter((entry) => entry.layer !== undefined && entry.names.some((tokens) => own.has(form(tokens)))).length;
}

function byNumber({ layers, items }: Question): Found {
  const found: Found = new Map();
  if (items === undefined) return found;
  const known = new Map(layers.map((layer) => [layer.entry, layer]));
  const byPlace = new Map(items.map(({ number, entry }) => [number, entry]));
  for (const { number, entry } of items) {
    const layer = known.get(entry);
    const next = byPlace.get(number + 1);
    if (layer !== undefined && next !== undefined && !known.has(next) && mayBeBatchNorm(next, false))
      put(found, layer, next.norm ?? ofLone(next));
  }
  return found;
}

function byOrder({ layers }: Question, norms: readonly Entry[]): Found {
  const found: Found = new Map();
  if (norms.length !== layers.length || !norms.every((entry) => mayBeBatchNorm(entry, true))) return found;
  const sorted = norms.toSorted((a, b) => naturalCompare(a.path, b.path));
  for (const [i, layer] of layers.entries()) put(found, layer, sorted[i]?.norm);
  return found.size === layers.length ? found : new Map();
}
