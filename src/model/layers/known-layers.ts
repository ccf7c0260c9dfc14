import { type Axes, axesOf } from "../../tensor/axes.ts";
import type { Conventions, LayerRecord } from "../../tensor/checkpoint.ts";
import { grouped } from "../align/grouped.ts";
import type { Described, DescribedCheckpoint } from "../described.ts";
import { readRecorded } from "../recorded.ts";
import { attribute, typeOf } from "../records.ts";
import { kernelAxes, matrixAxes } from "./kernel-axes.ts";
import { type Layers, type NormLayer, normTensors, vectorLength, type WeightLayer } from "./layer.ts";
import { type KnownLayer, type KnownTensor, kindOfRecord } from "./layer-kind.ts";
import { naturalCompare } from "./order.ts";
import { parseName } from "./parts.ts";
import { candidates } from "./read-layers.ts";
import { type Beside, type StatedOrder, type StoredOrders, storedOrders, withNeighbours } from "./stored-orders.ts";
import { type KindSaid, type Neighbours, weigh } from "./weigh.ts";

/**
 * Every layer of a file, in its order: kinds by the file's own records, by names, and by what is beside
 * what; shapes have to agree. What cannot be known is `other`, or has no axes.
 */
export function knownLayers(checkpoint: DescribedCheckpoint, layers: Layers): readonly KnownLayer[] {
  const sequence = inOrder(layers);
  const beside = withNeighbours(sequence);
  const orders = storedOrders(checkpoint, layers, beside);
  const records = new Map(checkpoint.layers.flatMap((record) => record.tensors.map((key) => [key, record] as const)));
  const found: KnownLayer[] = [];
  const written = readRecorded(checkpoint)?.axes ?? new Map<string, Axes>();
  let before: Neighbours["before"];
  for (const [k, each] of beside.entries()) {
    const next = beside[k + 1];
    const record = records.get(each.layer.weight.name);
    const layer = weightLayer(each, { checkpoint, orders, record, before, next, written, loops: layers.recurrent.length > 0 });
    found.push(layer.known);
    before = layer.gives;
  }
  for (const norm of layers.norms) {
    const record = normTensors(norm).flatMap(({ name }) => records.get(name) ?? [])[0];
    found.push(normLayer(norm, statedKind(undefined, record)));
  }
  for (const { name, tensor } of layers.vectors)
    found.push({ path: shownPath(name, tensor), kind: "scale", grounds: "a lone vector", tensors: [{ tensor }] });
  found.push(...recurrentLayers(layers.recurrent));
  const read = new Set(found.flatMap(({ tensors }) => tensors.map(({ tensor }) => tensor)));
  for (const tensor of candidates(checkpoint)) if (!read.has(tensor)) found.push(unknownLayer(tensor, records.get(tensor.name)));
  const places = new Map([...checkpoint.tensors.keys()].map((key, place) => [key, place]));
  const placeOf = ({ tensors: [first] }: KnownLayer): number => places.get(first?.tensor.name ?? "") ?? 0;
  return found.sort((a, b) => placeOf(a) - placeOf(b));
}

/** Weights and norms as they follow each other: in the order of the file, or of the numbers in the names where the file is sorted by letters. */
function inOrder({ weights, norms, recurrent }: Layers): readonly (WeightLayer | NormLayer)[] {
  const all = [...weights, ...norms].toSorted((a, b) => a.position - b.position);
  const sorted = recurrent.length === 0 && all.every(({ name }, k) => k === 0 || (all[k - 1]?.name ?? "") <= name);
  return sorted ? all.toSorted((a, b) => naturalCompare(a.name, b.name)) : all;
}

/** Axes of kernels and matrices. */
const meanings: ReadonlySet<string> = new Set(["o", "i", "d", "h", "w", "c", "m"]);

/** Layers that only a record or a running number makes go by their key. */
function shownPath(name: string, tensor: Described | undefined): string {
  return name.startsWith("sequence ") ? (tensor?.name ?? name) : name.replace(/^layer /, "");
}

interface Question {
  readonly checkpoint: DescribedCheckpoint;
  readonly orders: StoredOrders;
  readonly record: LayerRecord | undefined;
  readonly before: Neighbours["before"];
  readonly next: Beside | undefined;
  /** Axes that a conversion by this tool recorded. */
  readonly written: ReadonlyMap<string, Axes>;
  /** There are recurrent layers: what comes before a matrix is then not known. */
  readonly loops: boolean;
}

function weightLayer(each: Beside, question: Question): { readonly known: KnownLayer; readonly gives: Neighbours["before"] } {
  const { checkpoint, record, before, next, loops } = question;
  const { layer } = each;
  const recorded = question.written.get(layer.weight.name);
  // `--like` and averages record axes without a meaning: a0 a1.
  const means = recorded?.groups.length === layer.weight.shape.length && recorded.names.every((name) => meanings.has(name));
  const written = means ? recorded : undefined;
  const orders = withStated(question.orders, written, record);
  const stated = statedKind(written, record);
  const verdict = weigh(each, { orders, conventions: checkpoint.conventions, stated, record, before, next });
  const axes =
    verdict.kind === "dense"
      ? matrixAxes(layer.weight, verdict, orders, before)
      : kernelAxes(layer.weight, verdict, orders, { conventions: checkpoint.conventions, record });
  const vectors = [layer.bias, ...(layer.norm === undefined ? [] : normTensors(layer.norm))].filter((tensor) => tensor !== undefined);
  const tensors: readonly KnownTensor[] = [
    { tensor: layer.weight, ...axes },
    ...vectors.map(vectorOf),
    ...layer.strays.map((tensor) => ({ tensor })),
  ];
  const known = { path: shownPath(layer.name, layer.weight), kind: verdict.kind, grounds: verdict.grounds, tensors };
  return {
    known,
    gives: verdict.outputs === undefined ? "unknown" : { outputs: verdict.outputs, slides: verdict.kind !== "dense" && !loops },
  };
}

/** What the file says that a layer is: by the axes that a conversion by this tool recorded, else by the layer's record. */
function statedKind(axes: Axes | undefined, record: LayerRecord | undefined): KindSaid {
  if (axes !== undefined) {
    const grounds = "its axes are recorded in the file";
    const order = axes.names.filter((name) => ["c", "i", "o"].includes(name)).join(" ");
    if (axes.names.includes("c")) return { kind: "depthwise", grounds };
    if (axes.groups.length === 2) return { kind: "dense", grounds };
    const straight = axes.names.at(-1) === "w" ? "o i" : "i o";
    return { kind: order === straight ? "conv" : "transposed", grounds };
  }
  const kind = record === undefined ? undefined : kindOfRecord(record);
  return kind === undefined || record === undefined ? undefined : { kind, grounds: `the file calls it ${typeOf(record)}` };
}

/** Orders of one layer that the file states. */
function withStated(orders: StoredOrders, written: Axes | undefined, record: LayerRecord | undefined): StoredOrders {
  const said = <T>(order: T, grounds: string): StatedOrder<T> => ({ order, grounds });
  if (written !== undefined) {
    const grounds = "its axes are recorded in the file";
    const row = written.groups.find((group) => group.length === 3);
    return {
      kernel: said(written.names.at(-1) === "w" ? "o i h w" : "h w i o", grounds),
      matrix: said(written.names[0] === "o" ? "o i" : "i o", grounds),
      flatten: row?.[0] === "i" ? "i h w" : "h w i",
    };
  }
  if (record === undefined) return orders;
  const theano = attribute(record, "dim_ordering") === "th";
  const matrix = operandOrder(record);
  return {
    ...orders,
    ...(theano && { kernel: said<Conventions["kernel"]>("o i h w", "the file states dim_ordering th") }),
    ...(matrix !== undefined && { matrix: said(matrix, `the file states ${record.type}`) }),
  };
}

/** Of a product whose operands may be transposed: rows of the second are inputs, unless it says that they are outputs. */
function operandOrder(record: LayerRecord): Conventions["matrix"] | undefined {
  if (!/^(pd_op\.)?(gemm|(batch_?)?mat_?mul\w*|mul)$/i.test(record.type)) return undefined;
  const turned = attribute(record, "transB", "transpose_b", "transpose_y", "trans_y", "transpose_Y", "adj_y");
  return turned === true || turned === 1 || turned === 1n ? "o i" : "i o";
}

/** A vector that some formats keep with axes of one. */
function vectorOf(tensor: Described): KnownTensor {
  if (vectorLength(tensor.shape) === undefined) return { tensor };
  const long = Math.max(
    0,
    tensor.shape.findIndex((size) => size !== 1),
  );
  const last = tensor.shape.every((size) => size === 1) ? tensor.shape.length - 1 : long;
  return { tensor, axes: axesOf(tensor.shape.map((_, axis) => (axis === last ? ["o"] : []))) };
}

/** Vectors that look like a norm's, unless the file says that they are something else (an LSTM's in ONNX). */
function normLayer(norm: NormLayer, stated: KindSaid): KnownLayer {
  if (stated !== undefined && stated.kind !== "norm" && stated.kind !== "scale") {
    return { path: shownPath(norm.name, norm.gamma ?? norm.mean), ...stated, tensors: normTensors(norm).map((tensor) => ({ tensor })) };
  }
  const statistics = norm.mean ?? norm.var ?? norm.moments;
  return {
    path: shownPath(norm.name, norm.gamma ?? norm.mean),
    kind: "norm",
    grounds: statistics === undefined ? "two vectors of one length" : "mean and variance",
    tensors: normTensors(norm).map((tensor) => (tensor === norm.moments || tensor === norm.factor ? { tensor } : vectorOf(tensor))),
  };
}

function recurrentLayers(tensors: readonly Described[]): readonly KnownLayer[] {
  const byLayer = grouped(tensors, ({ name }) => parseName(name).layer);
  return [...byLayer].map(([path, members]) => ({
    path,
    kind: "recurrent" as const,
    grounds: "kernels of a recurrent layer",
    tensors: members.map((tensor) => ({ tensor })),
  }));
}

function unknownLayer(tensor: Described, record: LayerRecord | undefined): KnownLayer {
  const { layer: path, leaf } = parseName(tensor.name);
  const kind = record === undefined ? undefined : kindOfRecord(record);
  if (kind === "embedding" || (leaf === undefined && /embeddings?$/i.test(path)))
    return {
      path,
      kind: "embedding",
      grounds: kind === undefined ? "its name" : `the file calls it ${record?.type}`,
      tensors: [{ tensor }],
    };
  if (kind === "recurrent") return { path, kind, grounds: `the file calls it ${record?.type}`, tensors: [{ tensor }] };
  return { path, kind: "other", grounds: "no known part of a layer", tensors: [{ tensor }] };
}
