import type { Described, DescribedCheckpoint } from "./described.ts";
import { isFloating, kindOf } from "./kinds.ts";
import { type Leaf, naturalCompare, parseDagnnLabel, parseName, template } from "./names.ts";

/** A convolution or a fully connected layer: one weight of two or more axes and what stands beside it. */
export interface WeightLayer {
  readonly name: string;
  readonly weight: Described;
  readonly bias?: Described;
  /** Batch norm that the file keeps within the layer (Darknet). */
  readonly norm?: NormLayer;
  /** Where the layer's first tensor stands in the file. */
  readonly position: number;
}

/** Vectors of one batch norm, or of the half of one (Caffe keeps statistics and scale apart). */
export interface NormLayer {
  readonly name: string;
  readonly gamma?: Described;
  readonly beta?: Described;
  readonly mean?: Described;
  readonly var?: Described;
  /** MatConvNet: mean and sigma side by side, C×2. */
  readonly moments?: Described;
  /** Caffe: what mean and variance are to be divided by. */
  readonly factor?: Described;
  /** Channels. */
  readonly size: number;
  readonly position: number;
}

/** A checkpoint's tensors, put together into layers by their names. */
export interface Grouped {
  readonly weights: readonly WeightLayer[];
  readonly norms: readonly NormLayer[];
  /** Vectors that stand alone: a bias whose weight has another name. */
  readonly vectors: readonly WeightlessLayer[];
  /** Weights of recurrent layers (LSTM, ConvLSTM2D): no part of a VGG, but they may stand behind one. */
  readonly recurrent: readonly Described[];
}

export interface WeightlessLayer {
  readonly name: string;
  readonly tensor: Described;
  readonly size: number;
  readonly position: number;
}

interface Member {
  readonly tensor: Described;
  readonly leaf: Leaf;
  readonly position: number;
}

/** Length of a vector kept with any number of axes of one ([1,1,1,4], [4,1]); undefined for a matrix. */
export function vectorLength(shape: readonly number[]): number | undefined {
  const long = shape.filter((axis) => axis !== 1);
  return long.length <= 1 ? (long[0] ?? 1) : undefined;
}

/** The tensors that can be a network's own: floating numbers that are no optimizer state, counter or average. */
export function candidates(checkpoint: DescribedCheckpoint): readonly Described[] {
  // MatConvNet writes an empty array where a convolution has no bias.
  const all = [...checkpoint.tensors.values()].filter((tensor) => isFloating(tensor) && !tensor.shape.includes(0));
  const own = all.filter((tensor) => ["parameter", "buffer", "constant"].includes(kindOf(tensor)));
  return own.some((tensor) => tensor.shape.length > 1) ? own : all.filter((tensor) => kindOf(tensor) === "average");
}

/** Puts tensors together into layers: by name, where the name says nothing by the layers that the file describes, else by order. */
export function groupLayers(checkpoint: DescribedCheckpoint): Grouped {
  const byLayer = new Map<string, Member[]>();
  const byRecord = recordPlaces(checkpoint);
  candidates(checkpoint).forEach((tensor, position) => {
    const place = locate(tensor, byRecord);
    const members = byLayer.get(place.layer) ?? [];
    if (members.length === 0) byLayer.set(place.layer, members);
    members.push({ tensor, leaf: place.leaf, position });
  });
  const weights: WeightLayer[] = [];
  const norms: NormLayer[] = [];
  const vectors: WeightlessLayer[] = [];
  const recurrent: Described[] = [];
  for (const [name, members] of byLayer) {
    for (const [part, layer] of splitSequence(name, members)) interpret(part, layer, { weights, norms, vectors, recurrent });
  }
  return { weights, norms, vectors, recurrent };
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

function locate(
  tensor: Described,
  records: ReadonlyMap<string, { readonly layer: string; readonly leaf: Leaf }>,
): { readonly layer: string; readonly leaf: Leaf } {
  const path = parseName(plainName(tensor));
  if (typeof path.leaf === "string") return path;
  if (tensor.label !== undefined) {
    const labelled = parseDagnnLabel(tensor.label);
    if (typeof labelled.leaf === "string") return labelled;
  }
  if (path.leaf !== undefined) return path;
  const record = records.get(tensor.name);
  if (record !== undefined) return record;
  const { shape, numbers } = template(tensor.name);
  return numbers.length === 0 ? path : { layer: `sequence ${shape}`, leaf: undefined };
}

/** Without the ending that ONNX Runtime's tools give to the whole numbers of a tensor (onnxruntime/quantization, TENSOR_NAME_QUANT_SUFFIX). */
function plainName({ name, stored }: Described): string {
  return stored?.kind === "scaled" ? name.replace(/_quantized$/, "") : name;
}

/**
 * Tensors that only a number tells apart (`params(7).value`, `variables/7`, `onnx::Conv_150`): in the order of their
 * numbers each weight begins a layer and the vectors behind it are its bias and its batch norm.
 */
function splitSequence(name: string, members: readonly Member[]): readonly (readonly [string, readonly Member[]])[] {
  // Where vectors have one axis, a matrix of one row is a dense layer with one input.
  const flat = members.some((member) => member.tensor.shape.length === 1);
  const begins = ({ tensor }: Member): boolean => isMatrix(tensor) || (flat && tensor.shape.length === 2);
  const matrices = members.filter(({ tensor }) => vectorLength(tensor.shape) === undefined || (flat && tensor.shape.length === 2)).length;
  const positional = members.every((member) => typeof member.leaf !== "string");
  if (!positional || (!name.startsWith("sequence ") && (matrices <= 1 || members.length <= 3))) return [[name, members]];
  const sorted = [...members].sort((a, b) => naturalCompare(a.tensor.name, b.tensor.name));
  const layers: (readonly [string, Member[]])[] = [];
  let run: Member[] = [];
  let number = 0;
  const flush = (): void => {
    const first = run[0];
    if (first === undefined) return;
    // Numbered by layer: the numbers in the names count tensors and say nothing about pools.
    for (const [suffix, part] of nameRun(run, begins)) layers.push([`${name} ${number}${suffix}`, part]);
    run = [];
    number++;
  };
  for (const member of sorted) {
    if (begins(member)) flush();
    run.push(member);
  }
  flush();
  return layers;
}

/** dagnn's moments are C×2 and belong to the vectors before them; all else with two long axes begins a layer. */
function isMatrix(tensor: Described): boolean {
  if (tensor.shape.length > 2) return true;
  return vectorLength(tensor.shape) === undefined && !(tensor.shape[1] === 2 && /(^|\.)params\(\d+\)\.value$/.test(tensor.name));
}

/** Says what the vectors behind a weight are, by how many there are: bias; gamma, beta, mean, var; or a bias before those. */
function nameRun(run: readonly Member[], begins: (member: Member) => boolean): readonly (readonly [string, Member[]])[] {
  const [weight, ...vectors] = run;
  if (weight === undefined) return [];
  if (!begins(weight)) return run.map((member) => [` ${member.tensor.name}`, [member]]);
  const moments = vectors.some((member) => vectorLength(member.tensor.shape) === undefined);
  const count = vectors.length;
  const norm: readonly Leaf[] = moments ? ["gamma", "beta", "moments"] : ["gamma", "beta", "mean", "var"];
  const biased = count === 1 || count === norm.length + 1;
  const leaves: readonly Leaf[] = biased ? ["bias", ...norm] : norm;
  const named = vectors.map((member, i): Member => ({ ...member, leaf: leaves[i] }));
  const conv: Member[] = [{ ...weight, leaf: "weight" }, ...named.filter((member) => member.leaf === "bias")];
  const rest = named.filter((member) => member.leaf !== "bias");
  return rest.length === 0
    ? [["", conv]]
    : [
        ["", conv],
        [" norm", rest],
      ];
}

function interpret(
  name: string,
  members: readonly Member[],
  into: { weights: WeightLayer[]; norms: NormLayer[]; vectors: WeightlessLayer[]; recurrent: Described[] },
): void {
  const of = (...leaves: readonly Leaf[]): Described | undefined => members.find((member) => leaves.includes(member.leaf))?.tensor;
  const position = Math.min(...members.map((member) => member.position));
  const weight = of("weight", 0);
  if (members.some((member) => member.leaf === "recurrent") || /(^|\/)(cell|\w+_cell)$/.test(name)) {
    into.recurrent.push(...members.map((member) => member.tensor));
    return;
  }
  if (weight !== undefined && isLayerWeight(weight, members)) {
    const norm = inner(name, members, position, of);
    const bias = norm === undefined ? of("bias", 1) : undefined;
    into.weights.push({ name, weight, position, ...(bias && { bias }), ...(norm && { norm }) });
    return;
  }
  const norm = readNorm(name, members, position, of);
  if (norm !== undefined) into.norms.push(norm);
  else for (const member of members) pushVector(into.vectors, name, member);
}

function pushVector(vectors: WeightlessLayer[], name: string, member: Member): void {
  const size = vectorLength(member.tensor.shape);
  if (size !== undefined) vectors.push({ name, tensor: member.tensor, size, position: member.position });
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

/** Darknet: scales and rolling statistics within a convolution, whose biases then are the batch norm's beta. */
function inner(name: string, members: readonly Member[], position: number, of: (...leaves: readonly Leaf[]) => Described | undefined) {
  if (of("mean", "moments") === undefined) return undefined;
  const rest = members.filter((member) => member.leaf !== "weight" && member.leaf !== 0);
  return readNorm(name, rest, position, of);
}

function readNorm(
  name: string,
  members: readonly Member[],
  position: number,
  of: (...leaves: readonly Leaf[]) => Described | undefined,
): NormLayer | undefined {
  const moments = of("moments") ?? members.find((member) => member.leaf === 2 && member.tensor.shape[1] === 2)?.tensor;
  const sizes = members.filter((member) => member.tensor !== moments).map((member) => vectorLength(member.tensor.shape));
  const size = sizes[0] ?? moments?.shape[0];
  if (size === undefined) return undefined;
  const named = members.some((member) => typeof member.leaf === "string");
  if (named) {
    const stray = of("weight");
    const gamma = of("gamma") ?? (stray?.shape.length === 1 || of("mean") !== undefined ? stray : undefined);
    const beta = of("beta", "bias");
    const parts = {
      gamma: gamma === undefined || vectorLength(gamma.shape) !== size ? undefined : gamma,
      beta,
      mean: of("mean"),
      var: of("var"),
    };
    const enough = parts.mean !== undefined || moments !== undefined || (parts.gamma !== undefined && members.length <= 2);
    return enough ? norm(name, size, position, { ...parts, moments }) : undefined;
  }
  const at = (place: number): Described | undefined => of(place);
  if (moments !== undefined) return norm(name, size, position, { gamma: at(0), beta: at(1), moments });
  const [first, second, third, fourth] = [at(0), at(1), at(2), at(3)];
  if (fourth !== undefined) return norm(name, size, position, { gamma: first, beta: second, mean: third, var: fourth });
  if (third !== undefined && vectorLength(third.shape) === 1)
    return norm(name, size, position, { mean: first, var: second, factor: third });
  if (third !== undefined) return norm(name, size, position, { beta: first, mean: second, var: third });
  return second !== undefined && sizes.every((other) => other === size)
    ? norm(name, size, position, { gamma: first, beta: second })
    : undefined;
}

type NormParts = { readonly [K in "gamma" | "beta" | "mean" | "var" | "moments" | "factor"]?: Described | undefined };

function norm(name: string, size: number, position: number, parts: NormParts): NormLayer {
  const known = Object.entries(parts).filter(([, tensor]) => tensor !== undefined);
  return { name, size, position, ...Object.fromEntries(known) };
}
