import type { Inert, LayerRecord } from "../tensor/checkpoint.ts";
import type { DescribedCheckpoint } from "./described.ts";

/*
 * What layer records of all formats say in their own words: epsilon, epsilon_value, batch_norm_param.eps …
 * A wrapper's inner layer (Keras' TimeDistributed) is in its attribute `layer`.
 */

/** An attribute of a layer, of the layer it wraps, or of a group of attributes in it. */
export function attribute(record: LayerRecord, ...names: readonly string[]): Inert | undefined {
  return search(record.attributes, names, 3);
}

function search(attributes: ReadonlyMap<string, Inert>, names: readonly string[], depth: number): Inert | undefined {
  for (const name of names) {
    const value = attributes.get(name);
    if (value !== undefined && value !== null) return value;
  }
  if (depth === 0) return undefined;
  for (const value of attributes.values()) {
    const found = value instanceof Map ? search(value, names, depth - 1) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A finite number, also where the file keeps it as text or in a list of one. */
export function asNumber(value: Inert | undefined): number | undefined {
  if (Array.isArray(value)) return value.length === 1 ? asNumber(value[0]) : undefined;
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : typeof value === "bigint" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}

/** Numbers of a list, nulls left out as undefined. */
export function asNumbers(value: Inert | undefined): readonly (number | undefined)[] | undefined {
  return Array.isArray(value) ? value.map((item) => asNumber(item)) : undefined;
}

/** What a record computes: a wrapper is what it wraps. */
export function typeOf(record: LayerRecord): string {
  const inner = record.attributes.get("layer");
  const name = inner instanceof Map ? inner.get("class_name") : undefined;
  return typeof name === "string" ? name : record.type;
}

/** Epsilon of the file's first batch norm layer. */
export function recordedEpsilon(checkpoint: DescribedCheckpoint): number | undefined {
  for (const record of checkpoint.layers) {
    if (!/batch_?norm|bnorm|batch_normalization|\bbn\b/i.test(typeOf(record))) continue;
    const epsilon = asNumber(attribute(record, "epsilon", "eps", "epsilon_value"));
    if (epsilon !== undefined && epsilon > 0 && epsilon < 1) return decimal(epsilon);
  }
  return undefined;
}

/**
 * What old Paddle's dropout multiplies with at inference, where the file's program has dropout layers: 1 − p for
 * downgrade_in_infer, 1 for the others; undefined where the file has none.
 */
export function recordedInputScale(checkpoint: DescribedCheckpoint): number | undefined {
  const dropout = checkpoint.layers.find((record) => /dropout/i.test(record.type));
  if (dropout === undefined) return undefined;
  const mode = attribute(dropout, "dropout_implementation", "mode");
  if (mode !== "downgrade_in_infer" && mode !== "downscale_in_infer") return 1;
  return 1 - (asNumber(attribute(dropout, "dropout_prob", "p")) ?? 0.5);
}

/** 0.000009999999747378752, a float32, is the 0.00001 that was written in the program. */
function decimal(value: number): number {
  return Math.fround(value) === value ? Number(value.toPrecision(7)) : value;
}

/**
 * Whether the rows of the first dense layer are channels first: only where the convolutions are and the Flatten layer
 * does not move the channels last. Keras does so from 2.2 on; undefined where the file has no such pair.
 */
export function flattensChannelsFirst(checkpoint: DescribedCheckpoint): boolean | undefined {
  const flatten = checkpoint.layers.find((record) => /flatten/i.test(typeOf(record)));
  const conv = checkpoint.layers.find(
    (record) => /conv/i.test(typeOf(record)) && /^channels_/.test(String(attribute(record, "data_format"))),
  );
  if (flatten === undefined || conv === undefined) return undefined;
  const first = attribute(conv, "data_format") === "channels_first";
  const order = flatten.attributes.get("data_format") ?? "channels_last";
  return first && order !== "channels_first";
}

/** Height, width and channels of the input layer, where the file has one. */
export function recordedInput(checkpoint: DescribedCheckpoint): { readonly size?: readonly [number, number] } {
  for (const record of checkpoint.layers) {
    const shape = asNumbers(attribute(record, "batch_input_shape", "batch_shape", "input_shape"));
    const size = shape === undefined ? undefined : imageSize(shape.slice(1));
    if (size !== undefined) return { size };
  }
  return sizeFromMetadata(checkpoint.metadata);
}

/** MatConvNet: meta.normalization.imageSize; Caffe, ONNX, Darknet: `input`, the shape as the file gives it. */
function sizeFromMetadata(metadata: ReadonlyMap<string, Inert>): { readonly size?: readonly [number, number] } {
  for (const [name, value] of flatEntries(metadata, 4)) {
    const numbers = /(^|\.)(imageSize|cropSize)$/.test(name) ? asNumbers(value) : undefined;
    const [height, width] = numbers ?? [];
    if (height !== undefined && width !== undefined && height >= 8 && width >= 8) return { size: [height, width] };
    const shape = /(^|\.)(input|input_shape|input_dim|inputShape)$/.test(name) ? asNumbers(value) : undefined;
    const size = shape === undefined ? undefined : imageSize(shape.slice(-3));
    if (size !== undefined) return { size };
  }
  return {};
}

/** Entries of nested maps under dotted names. */
export function* flatEntries(map: ReadonlyMap<string, Inert>, depth: number, prefix = ""): Generator<readonly [string, Inert]> {
  for (const [name, value] of map) {
    yield [prefix + name, value];
    if (depth > 0 && value instanceof Map) yield* flatEntries(value, depth - 1, `${prefix}${name}.`);
  }
}

/** Height and width of [h, w, c] or [c, h, w] (of video: [frames, h, w, c]): channels are the smallest end. */
function imageSize(shape: readonly (number | undefined)[]): readonly [number, number] | undefined {
  const dims = shape.slice(-3);
  const [a, b, c] = dims;
  if (dims.length !== 3 || b === undefined) return undefined;
  if (c !== undefined && a !== undefined && c <= 4 && a > 4) return [a, b];
  if (a !== undefined && c !== undefined && a <= 4 && c > 4) return [b, c];
  return undefined;
}
