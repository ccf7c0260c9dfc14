import type { Identity } from "../model/identity.ts";
import { asNumbers, attribute } from "../model/records.ts";
import type { Checkpoint } from "../tensor/checkpoint.ts";
import { type DType, itemsize } from "../tensor/dtype.ts";
import { type Counts, counter } from "./layers/counts.ts";
import { knownRows } from "./layers/known-rows.ts";
import { networkRows } from "./layers/network-rows.ts";
import { recordRows } from "./layers/record-rows.ts";
import type { LayerRow, SizedRow } from "./layers/row.ts";
import { type OutputShape, product } from "./layers/shape.ts";

export interface LayerTotals {
  readonly parameters: number;
  readonly withoutBiases: number;
  /** Running means and variances; Keras' own total is parameters and these. */
  readonly statistics: number;
  /** Of the parameters. */
  readonly bytes: number;
  /** Of the outputs of convolutions (with their batch norm), pools and dense layers together; absent where the input's size is not known. */
  readonly activationBytes?: number;
  readonly multiplyAdds?: number;
}

export interface LayerTable {
  readonly layers: readonly LayerRow[];
  readonly totals: LayerTotals;
}

export interface LayerOptions {
  /** Height, width of the picture. */
  readonly inputSize?: readonly [height: number, width: number];
}

/**
 * The layer table: the layers that the file describes, with those that hold no weights, else those of the recognised
 * network; tensors of no layer at the end. Undefined where the file is neither.
 */
export function layerTable(checkpoint: Checkpoint, identity: Identity | undefined, options: LayerOptions = {}): LayerTable | undefined {
  const count = counter(checkpoint, identity);
  const input = inputShape(checkpoint, identity, options);
  const described = describes(checkpoint, identity);
  if (!described && identity === undefined) return namedTable(checkpoint, count);
  const rows = described || identity === undefined ? recordRows(checkpoint, identity, input, count) : networkRows(identity, input, count);
  const itemBytes = weightBytes(checkpoint, identity);
  const all = [...rows, ...strangers(checkpoint, identity, described, count)].map((row) => withActivation(row, itemBytes));
  return { layers: all, totals: totalsOf(all) };
}

/** Of a network that neither the file nor recognition describes: the layers that its names and shapes make, where they say what any of them is. */
function namedTable(checkpoint: Checkpoint, count: (keys: readonly string[]) => Counts): LayerTable | undefined {
  const rows = knownRows(checkpoint, new Set(), count);
  return rows?.some(({ kind }) => kind !== "other" && kind !== "scale") === true ? { layers: rows, totals: totalsOf(rows) } : undefined;
}

/** The file's own layers serve where they hold the network's weights. */
function describes(checkpoint: Checkpoint, identity: Identity | undefined): boolean {
  const keys = new Set(checkpoint.layers.flatMap((record) => record.tensors));
  if (keys.size === 0) return false;
  const stored = [...(identity?.roles.values() ?? [])].flatMap((slot) => ("key" in slot ? [slot.key] : []));
  return stored.every((key) => keys.has(key));
}

function inputShape(checkpoint: Checkpoint, identity: Identity | undefined, options: LayerOptions): OutputShape {
  const channels = identity?.network.inputChannels ?? 3;
  const size = options.inputSize ?? identity?.network.inputSize;
  const declared = checkpoint.layers
    .map((record) => asNumbers(attribute(record, "batch_input_shape", "batch_shape"))?.slice(1))
    .find((shape) => shape !== undefined);
  const known = declared?.filter((axis) => axis !== undefined);
  const complete = known !== undefined && known.length === declared?.length;
  if (options.inputSize === undefined && complete) return channelsLast(known, checkpoint);
  // Video: frames stand in front of the picture.
  const frames = complete ? known.slice(0, -3) : [];
  return size === undefined ? undefined : [...frames, ...size, channels];
}

/** Keras models with channels first declare their input so. */
function channelsLast(shape: readonly number[], checkpoint: Checkpoint): readonly number[] {
  const first = checkpoint.layers.some((record) => /conv/i.test(record.type) && attribute(record, "data_format") === "channels_first");
  const [channels, ...rest] = shape.slice(-3);
  return first && channels !== undefined && rest.length === 2 ? [...shape.slice(0, -3), ...rest, channels] : shape;
}

/** Tensors of no layer: a head of somebody's own, what a user added. */
function strangers(
  checkpoint: Checkpoint,
  identity: Identity | undefined,
  described: boolean,
  count: (keys: readonly string[]) => Counts,
): readonly LayerRow[] {
  const placed = new Set(described ? checkpoint.layers.flatMap((record) => record.tensors) : []);
  if (!described) for (const slot of identity?.roles.values() ?? []) if ("key" in slot) placed.add(slot.key);
  const rows = knownRows(checkpoint, placed, count) ?? [];
  return rows.filter((row) => row.parameters + row.statistics > 0);
}

/** Bytes of one value of the network's weights. */
function weightBytes(checkpoint: Checkpoint, identity: Identity | undefined): number {
  const slot = identity?.roles.get("conv1_1.weight") ?? identity?.roles.get("fc6.weight");
  const own = slot !== undefined && "key" in slot ? checkpoint.tensors.get(slot.key)?.dtype : undefined;
  const dtype: DType = own ?? [...checkpoint.tensors.values()].find((tensor) => tensor.shape.length > 1)?.dtype ?? "float32";
  return dtype === "string" ? 4 : itemsize(dtype);
}

function withActivation(row: SizedRow, itemBytes: number): LayerRow {
  if (row.outputShape === undefined) return row;
  const { keeps, ...shown } = row;
  return { ...shown, activationBytes: keeps === false ? 0 : product(row.outputShape) * itemBytes };
}

function totalsOf(rows: readonly LayerRow[]): LayerTotals {
  const sum = (of: (row: LayerRow) => number | undefined): number => rows.reduce((total, row) => total + (of(row) ?? 0), 0);
  const parameters = sum((row) => row.parameters);
  const sized =
    rows.some((row) => row.outputShape !== undefined) && rows.every((row) => row.outputShape !== undefined || row.kind !== undefined);
  return {
    parameters,
    withoutBiases: parameters - sum((row) => row.biases),
    statistics: sum((row) => row.statistics),
    bytes: sum((row) => row.bytes),
    ...(sized && { activationBytes: sum((row) => row.activationBytes), multiplyAdds: sum((row) => row.multiplyAdds) }),
  };
}
