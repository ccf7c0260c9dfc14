import type { Described, DescribedCheckpoint } from "../described.ts";
import { isFloating, kindOf } from "../kinds.ts";
import { typeOf } from "../records.ts";
import { type Layers, type Member, type NormLayer, normTensors, vectorLength, type WeightLayer, type WeightlessLayer } from "./layer.ts";
import { innerNorm, readNorm } from "./norm.ts";
import { template } from "./order.ts";
import { canBeBias, isReparametrised, type Leaf, parseDagnnLabel, parseName } from "./parts.ts";
import { splitSequence } from "./sequence.ts";

/** A VGG in training has some hundreds of tensors, optimizer and averages included, large networks some thousands. Taking apart what has more would take several times the memory of all its names. */
export const mostTensors = 20_000;

/** The tensors that can be a network's own: floating numbers that are no optimizer state, counter or average. */
export function candidates(checkpoint: DescribedCheckpoint): readonly Described[] {
  // MatConvNet writes an empty array where a convolution has no bias.
  const all = [...checkpoint.tensors.values()].filter((tensor) => isFloating(tensor) && !tensor.shape.includes(0));
  const own = all.filter((tensor) => ["parameter", "buffer", "constant"].includes(kindOf(tensor)));
  return own.some((tensor) => tensor.shape.length > 1) ? own : all.filter((tensor) => kindOf(tensor) === "average");
}

/** Puts tensors together into layers: by name, where the name says nothing by the layers that the file describes, else by order. */
export function readLayers(checkpoint: DescribedCheckpoint): Layers {
  const own = candidates(checkpoint);
  const byRecord = recordPlaces(checkpoint);
  const ending = commonEnding(own);
  const names = new Set(own.map(({ name }) => name));
  const named = new Set(own.map(({ name }) => parseName(name)).flatMap(({ layer, leaf }) => (typeof leaf === "string" ? [layer] : [])));
  const byLayer = new Map<string, Member[]>();
  own.forEach((tensor, position) => {
    const place = locate(tensor, byRecord, { ending, names, named });
    const members = byLayer.get(place.layer) ?? [];
    if (members.length === 0) byLayer.set(place.layer, members);
    members.push({ tensor, leaf: place.leaf, position });
  });
  const statistics = new Set(checkpoint.layers.flatMap((record) => (/batch_?norm/i.test(typeOf(record)) ? record.tensors : [])));
  const into: Sorted = { weights: [], norms: [], vectors: [], recurrent: [], others: [], statistics };
  for (const [name, members] of byLayer) {
    for (const [part, layer] of splitSequence(name, members)) interpret(part, layer, into);
  }
  return adopted(into, ending);
}

interface Sorted {
  readonly weights: WeightLayer[];
  readonly norms: NormLayer[];
  readonly vectors: WeightlessLayer[];
  readonly recurrent: Described[];
  /** Of more axes than one, and no known part. */
  readonly others: WeightlessLayer[];
  /** Keys of the layers that the file calls batch norms. */
  readonly statistics: ReadonlySet<string>;
}

/**
 * What is under the name of a weight's layer and has no known name: one vector of the right length is its bias, all else is a stray,
 * and the layer is not wholly read.
 */
function adopted({ weights, norms, vectors, recurrent, others }: Omit<Sorted, "statistics">, ending: string): Layers {
  const byName = new Map(weights.map((layer) => [layer.name, layer]));
  const strays = new Map<string, WeightlessLayer[]>();
  const unowned = (vector: WeightlessLayer): boolean => {
    if (vector.leaf !== undefined) return true;
    const key = vector.tensor.name;
    const owner = ownerOf(parseName(key.slice(0, key.length - ending.length)).layer, byName);
    if (owner === undefined) return true;
    const found = strays.get(owner) ?? [];
    if (found.length === 0) strays.set(owner, found);
    found.push(vector);
    return false;
  };
  const left = vectors.filter(unowned);
  for (const other of others) unowned(other);
  const complete = weights.map((layer) => {
    const found = strays.get(layer.name);
    return found === undefined ? layer : withStrays(layer, found);
  });
  return { weights: complete, norms, vectors: left, recurrent, ending };
}

/** The layer whose name the key begins with, up to a separator. */
function ownerOf(name: string, layers: { has(name: string): boolean }): string | undefined {
  if (layers.has(name)) return name;
  for (let at = name.length - 1; at > 0; at--) {
    if (/[/._:-]/.test(name[at] ?? "") && layers.has(name.slice(0, at))) return name.slice(0, at);
  }
  return undefined;
}

function withStrays(layer: WeightLayer, found: readonly WeightlessLayer[]): WeightLayer {
  const fits = found.filter(
    ({ tensor, size }) => canBeBias(tensor.name) && vectorLength(tensor.shape) === size && layer.weight.shape.includes(size),
  );
  const [bias] = fits;
  const adopts = bias !== undefined && fits.length === 1 && layer.bias === undefined && layer.norm === undefined;
  const strays = found.filter((vector) => !adopts || vector !== bias).map(({ tensor }) => tensor);
  return { ...layer, ...(adopts && { bias: bias.tensor }), strays: [...layer.strays, ...strays] };
}

/** What all keys end in that say nothing of their part otherwise: `.fp32`, `_v2`. */
function commonEnding(tensors: readonly Described[]): string {
  const [first, ...rest] = tensors;
  if (first === undefined || rest.length < 3 || parseName(first.name).leaf !== undefined) return "";
  let length = first.name.length;
  for (const { name } of rest) {
    length = Math.min(length, name.length);
    while (length > 0 && !name.endsWith(first.name.slice(-length))) length--;
    if (length === 0) return "";
  }
  return /[/._:-][A-Za-z]\w*$/.exec(first.name.slice(-length))?.[0] ?? "";
}

function recordPlaces(checkpoint: DescribedCheckpoint): ReadonlyMap<string, { readonly layer: string; readonly leaf: Leaf }> {
  const places = new Map<string, { layer: string; leaf: Leaf }>();
  for (const record of checkpoint.layers) {
    record.tensors.forEach((key, leaf) => {
      if (!places.has(key)) places.set(key, { layer: `layer ${record.name}`, leaf });
    });
  }
  return places;
}

interface Keys {
  readonly ending: string;
  readonly names: ReadonlySet<string>;
  /** Layers of which a part is called by its name. */
  readonly named: ReadonlySet<string>;
}

function locate(
  tensor: Described,
  records: ReadonlyMap<string, { readonly layer: string; readonly leaf: Leaf }>,
  { ending, names, named }: Keys,
): { readonly layer: string; readonly leaf: Leaf } {
  const plain = plainName(tensor);
  const path = parseName(plain.endsWith(ending) ? plain.slice(0, plain.length - ending.length) : plain);
  if (typeof path.leaf === "string") return path;
  if (tensor.label !== undefined) {
    const labelled = parseDagnnLabel(tensor.label);
    if (typeof labelled.leaf === "string") return labelled;
  }
  if (path.leaf !== undefined) return path;
  // conv1_1_0 and conv1_1_1: positions behind an underscore, where both are there and no third; arr_0, arr_1, arr_2 are a count.
  const pair = /^(.*)_([01])$/.exec(path.layer);
  const has = (position: number): boolean => names.has(`${pair?.[1]}_${position}${ending}`);
  if (pair?.[1] !== undefined && has(0) && has(1) && !has(2)) {
    return { layer: pair[1], leaf: Number(pair[2]) };
  }
  const record = records.get(tensor.name);
  if (record !== undefined) return record;
  // What is under a layer's name is that layer's, whatever it is; and a direction or a mask is no weight.
  if (isReparametrised(tensor.name) || ownerOf(path.layer, named) !== undefined) return path;
  const { shape, numbers } = template(tensor.name);
  return numbers.length === 0 ? path : { layer: `sequence ${shape}`, leaf: undefined };
}

/** Without the ending that ONNX Runtime's tools give to the whole numbers of a tensor (onnxruntime/quantization, TENSOR_NAME_QUANT_SUFFIX). */
function plainName({ name, stored }: Described): string {
  return stored?.kind === "scaled" ? name.replace(/_quantized$/, "") : name;
}

function interpret(name: string, members: readonly Member[], into: Sorted): void {
  const of = (...leaves: readonly Leaf[]): Described | undefined => members.find((member) => leaves.includes(member.leaf))?.tensor;
  const position = Math.min(...members.map((member) => member.position));
  const weight = of("weight", 0);
  if (members.some((member) => member.leaf === "recurrent") || /(^|\/)(cell|\w+_cell)$/.test(name)) {
    into.recurrent.push(...members.map((member) => member.tensor));
    return;
  }
  if (weight !== undefined && isLayerWeight(weight, members)) {
    const norm = innerNorm(name, members, position, of);
    const bias = norm === undefined ? of("bias", 1) : undefined;
    const known = new Set<Described | undefined>([weight, bias, ...(norm === undefined ? [] : normTensors(norm))]);
    const strays = members.map(({ tensor }) => tensor).filter((tensor) => !known.has(tensor));
    into.weights.push({ name, weight, position, strays, ...(bias && { bias }), ...(norm && { norm }) });
    return;
  }
  const norm = readNorm(name, members, position, of);
  if (norm !== undefined) into.norms.push(asStatistics(norm, into.statistics));
  else for (const member of members) pushVector(into, name, member);
}

/** Two vectors of what the file calls a batch norm, distinguished by their places alone, are its statistics. */
function asStatistics(norm: NormLayer, statistics: ReadonlySet<string>): NormLayer {
  const { gamma, beta, ...rest } = norm;
  const unnamed =
    gamma !== undefined && beta !== undefined && normTensors(norm).length === 2 && typeof parseName(gamma.name).leaf === "number";
  return unnamed && statistics.has(gamma.name) ? { ...rest, mean: gamma, var: beta } : norm;
}

function pushVector(into: Sorted, name: string, member: Member): void {
  const size = vectorLength(member.tensor.shape);
  const layer = { name, tensor: member.tensor, leaf: member.leaf, position: member.position };
  if (size === undefined) into.others.push({ ...layer, size: 0 });
  else into.vectors.push({ ...layer, size });
}

/** A weight named or placed first is a layer's, unless the vectors beside it make it a batch norm's gamma. */
function isLayerWeight(weight: Described, members: readonly Member[]): boolean {
  const size = vectorLength(weight.shape);
  if (size === undefined) return true;
  if (weight.shape.length < 2) return false;
  const rest = members.filter((member) => member.tensor !== weight);
  const named = members.some((member) => ["mean", "var", "moments", "gamma", "beta"].includes(String(member.leaf)));
  if (named || rest.some((member) => vectorLength(member.tensor.shape) === undefined)) return false;
  // Files keep gamma and beta alike; [1, 5] beside [5] is a dense layer with one input.
  return size === 1 || rest.length === 0 || rest.some((member) => member.tensor.shape.join() !== weight.shape.join());
}
