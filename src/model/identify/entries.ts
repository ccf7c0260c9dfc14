import type { Described, DescribedCheckpoint } from "../described.ts";
import type { Layers, NormLayer, WeightLayer, WeightlessLayer } from "../layers/layer.ts";
import { parseDagnnLabel, parseName } from "../layers/parts.ts";
import { keyOf, type Tokens, tokensOf } from "../layers/tokens.ts";
import { type Conv, type ConvLayout, convReader, layoutOf } from "./conv.ts";

/** One layer of the file as recognition asks for it: its names, and what it can be. */
export interface Entry {
  readonly path: string;
  /** The name of the key, that of the file's label, that of its record: as far as they differ. */
  readonly names: readonly Tokens[];
  readonly layer?: WeightLayer;
  readonly conv?: Conv;
  readonly norm?: NormLayer;
  /** A vector whose weight is not in the file. */
  readonly lone?: WeightlessLayer;
  readonly position: number;
}

/** All layers of a file, in its order. */
export interface Entries {
  readonly all: readonly Entry[];
  readonly layout: ConvLayout;
  readonly byKey: ReadonlyMap<string, Entry>;
}

export function entriesOf(checkpoint: DescribedCheckpoint, layers: Layers): Entries {
  const aliases = aliasesOf(checkpoint, layers.ending);
  const namesOf = (path: string, tensor: Described | undefined): readonly Tokens[] => allNames(path, tensor, aliases);
  const weights = layers.weights.map(({ weight }) => weight);
  const read = convReader(checkpoint, weights);
  const all: Entry[] = [];
  for (const layer of layers.weights) {
    const conv = read(layer.weight);
    all.push({ path: layer.name, names: namesOf(layer.name, layer.weight), layer, position: layer.position, ...(conv && { conv }) });
  }
  for (const norm of layers.norms) {
    const first = norm.gamma ?? norm.beta ?? norm.mean ?? norm.moments ?? norm.var;
    all.push({ path: norm.name, names: namesOf(norm.name, first), norm, position: norm.position });
  }
  for (const lone of layers.vectors) {
    all.push({ path: lone.name, names: namesOf(lone.name, lone.tensor), lone, position: lone.position });
  }
  all.sort((a, b) => a.position - b.position);
  return { all, layout: layoutOf(checkpoint, weights), byKey: keysOf(all) };
}

/** Keras names what TimeDistributed wraps after the wrapper: time_distributed_3/sequential/time_distributed_3/conv2_1. */
const wrapper = /^(time_distributed(_\d+)?|sequential(_\d+)?)$/;

function allNames(path: string, tensor: Described | undefined, aliases: ReadonlyMap<string, string>): readonly Tokens[] {
  const alias = tensor === undefined ? undefined : aliases.get(tensor.name);
  const others = [tensor?.label === undefined ? undefined : parseDagnnLabel(tensor.label).layer, alias && parseName(alias).layer];
  const inner = path.split("/").filter((segment) => !wrapper.test(segment));
  const unwrapped = inner.length > 0 && inner.some((segment) => /\d/.test(segment)) ? inner.join("/") : undefined;
  const names = [path, unwrapped, ...others].flatMap((name) => (name === undefined || name === "" ? [] : [tokensOf(name)]));
  return names.filter((tokens, i) => names.findIndex((other) => keyOf(other) === keyOf(tokens)) === i);
}

/** Second names of tensors that were stored once: safetensors' writer for PyTorch notes each name that it left out, and the one it kept. */
function aliasesOf({ metadata, tensors }: DescribedCheckpoint, ending: string): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>();
  for (const [dropped, kept] of metadata) {
    if (typeof kept === "string" && tensors.has(kept) && !tensors.has(dropped))
      aliases.set(kept, dropped.slice(0, dropped.length - ending.length));
  }
  return aliases;
}

function keysOf(all: readonly Entry[]): ReadonlyMap<string, Entry> {
  const byKey = new Map<string, Entry>();
  for (const entry of all) {
    for (const tensor of tensorsOf(entry)) byKey.set(tensor.name, entry);
  }
  return byKey;
}

/** The tensors of a layer, those that are none of its known parts included. */
export function tensorsOf({ layer, norm, lone }: Entry): readonly Described[] {
  const norms = [norm, layer?.norm].flatMap((each) =>
    each === undefined ? [] : [each.gamma, each.beta, each.mean, each.var, each.moments, each.factor],
  );
  return [layer?.weight, layer?.bias, ...(layer?.strays ?? []), ...norms, lone?.tensor].filter((tensor) => tensor !== undefined);
}
