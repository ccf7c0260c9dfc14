import { bool, type Field, fields, float, int64s, uint32 } from "../../encodings/protobuf/protobuf.ts";
import type { Inert } from "../../tensor/checkpoint.ts";

/*
 * The layer parameters of caffe.proto (BVLC/caffe src/caffe/proto/caffe.proto) that describe a VGG, as data: what a network of
 * convolutions, pooling, norms and inner products needs. Others are left unread.
 */
type Kind = "uint" | "bool" | "float" | readonly string[] | "shape";
type Message = ReadonlyMap<number, readonly [name: string, kind: Kind]>;

const convolution: Message = new Map<number, readonly [string, Kind]>([
  [1, ["num_output", "uint"]],
  [2, ["bias_term", "bool"]],
  [3, ["pad", "uint"]],
  [4, ["kernel_size", "uint"]],
  [5, ["group", "uint"]],
  [6, ["stride", "uint"]],
  [9, ["pad_h", "uint"]],
  [10, ["pad_w", "uint"]],
  [11, ["kernel_h", "uint"]],
  [12, ["kernel_w", "uint"]],
  [13, ["stride_h", "uint"]],
  [14, ["stride_w", "uint"]],
  [18, ["dilation", "uint"]],
]);

const pooling: Message = new Map<number, readonly [string, Kind]>([
  [1, ["pool", ["MAX", "AVE", "STOCHASTIC"]]],
  [2, ["kernel_size", "uint"]],
  [3, ["stride", "uint"]],
  [4, ["pad", "uint"]],
  [5, ["kernel_h", "uint"]],
  [6, ["kernel_w", "uint"]],
  [7, ["stride_h", "uint"]],
  [8, ["stride_w", "uint"]],
  [9, ["pad_h", "uint"]],
  [10, ["pad_w", "uint"]],
  [12, ["global_pooling", "bool"]],
  [13, ["round_mode", ["CEIL", "FLOOR"]]],
]);

const innerProduct: Message = new Map<number, readonly [string, Kind]>([
  [1, ["num_output", "uint"]],
  [2, ["bias_term", "bool"]],
  [5, ["axis", "uint"]],
  [6, ["transpose", "bool"]],
]);

const batchNorm: Message = new Map<number, readonly [string, Kind]>([
  [1, ["use_global_stats", "bool"]],
  [2, ["moving_average_fraction", "float"]],
  [3, ["eps", "float"]],
]);

const scale: Message = new Map<number, readonly [string, Kind]>([
  [1, ["axis", "uint"]],
  [2, ["num_axes", "uint"]],
  [4, ["bias_term", "bool"]],
]);

const dropout: Message = new Map<number, readonly [string, Kind]>([[1, ["dropout_ratio", "float"]]]);
const lrn: Message = new Map<number, readonly [string, Kind]>([
  [1, ["local_size", "uint"]],
  [2, ["alpha", "float"]],
  [3, ["beta", "float"]],
]);
const relu: Message = new Map<number, readonly [string, Kind]>([[1, ["negative_slope", "float"]]]);
const input: Message = new Map<number, readonly [string, Kind]>([[1, ["shape", "shape"]]]);

/** Fields of LayerParameter. */
export const newParameters: ReadonlyMap<number, readonly [name: string, message: Message]> = new Map([
  [106, ["convolution_param", convolution]],
  [108, ["dropout_param", dropout]],
  [117, ["inner_product_param", innerProduct]],
  [118, ["lrn_param", lrn]],
  [121, ["pooling_param", pooling]],
  [123, ["relu_param", relu]],
  [139, ["batch_norm_param", batchNorm]],
  [142, ["scale_param", scale]],
  [143, ["input_param", input]],
]);

/** Fields of V1LayerParameter. */
export const v1Parameters: ReadonlyMap<number, readonly [name: string, message: Message]> = new Map([
  [10, ["convolution_param", convolution]],
  [12, ["dropout_param", dropout]],
  [17, ["inner_product_param", innerProduct]],
  [18, ["lrn_param", lrn]],
  [19, ["pooling_param", pooling]],
  [30, ["relu_param", relu]],
]);

/** Scalar fields of V0LayerParameter, which has no nested messages. */
export const v0Parameters: Message = new Map<number, readonly [string, Kind]>([
  [3, ["num_output", "uint"]],
  [4, ["biasterm", "bool"]],
  [7, ["pad", "uint"]],
  [8, ["kernelsize", "uint"]],
  [9, ["group", "uint"]],
  [10, ["stride", "uint"]],
  [11, ["pool", ["MAX", "AVE", "STOCHASTIC"]]],
  [12, ["dropout_ratio", "float"]],
]);

/** V1LayerParameter.LayerType. */
const v1Types =
  "NONE ACCURACY BNLL CONCAT CONVOLUTION DATA DROPOUT EUCLIDEAN_LOSS FLATTEN HDF5_DATA HDF5_OUTPUT IM2COL IMAGE_DATA INFOGAIN_LOSS INNER_PRODUCT LRN MULTINOMIAL_LOGISTIC_LOSS POOLING RELU SIGMOID SOFTMAX SOFTMAX_LOSS SPLIT TANH WINDOW_DATA ELTWISE POWER SIGMOID_CROSS_ENTROPY_LOSS HINGE_LOSS MEMORY_DATA ARGMAX THRESHOLD DUMMY_DATA SLICE MVN ABSVAL SILENCE CONTRASTIVE_LOSS EXP DECONVOLUTION".split(
    " ",
  );

/** The name that a prototxt gives a V1 layer type. */
export function v1TypeName(type: number): string {
  return v1Types[type] ?? String(type);
}

/** The known fields of a parameter message; one that occurs more than once becomes a list. */
export function readParameters(bytes: Uint8Array, message: Message): ReadonlyMap<string, Inert> {
  const values = new Map<string, Inert>();
  for (const field of fields(bytes)) {
    const row = message.get(field.number);
    if (row === undefined) continue;
    for (const value of scalars(field, row[1])) addValue(values, row[0], value);
  }
  return values;
}

/** A repeated field as prototxt and binary both have it: one value as it is, more as a list. */
export function addValue(values: Map<string, Inert>, name: string, value: Inert): void {
  const before = values.get(name);
  if (before === undefined) values.set(name, value);
  else if (Array.isArray(before)) values.set(name, [...before, value]);
  else values.set(name, [before, value]);
}

function* scalars(field: Field, kind: Kind): Generator<Inert, void, undefined> {
  if (kind === "uint") yield* int64s(field, "a layer parameter");
  else if (kind === "bool") yield bool(field, "a layer parameter");
  else if (kind === "float") yield float(field, "a layer parameter");
  else if (kind === "shape") yield readDims(field.bytes);
  else yield kind[uint32(field, "a layer parameter")] ?? field.low;
}

/** BlobShape {dim 1}. */
export function readDims(bytes: Uint8Array): readonly number[] {
  const dims: number[] = [];
  for (const field of fields(bytes)) {
    if (field.number === 1) for (const dim of int64s(field, "a dimension")) dims.push(dim);
  }
  return dims;
}
