import protobuf from "protobufjs/minimal.js";
import type { Network } from "../../model/network.ts";
import { isWeighted, kernelShape, type LayerShape, layerShapes, type WeightedLayer } from "../geometry.ts";
import { isRectified } from "../runnable.ts";
import { adaptiveMatrix } from "./adaptive-pool.ts";

/**
 * The smallest ONNX file that ONNX Runtime takes for a VGG: one node chain, every layer's output an output of the graph,
 * weights in a file beside it. Field numbers are those of onnx.proto (ONNX 1.x, IR version 8, operator set 13).
 */
export interface OnnxGraph {
  readonly model: Uint8Array;
  /** In the order of the file, with the byte offsets that the model names. */
  readonly weights: readonly OnnxWeight[];
  readonly bytes: number;
}

export interface OnnxWeight {
  readonly layer: WeightedLayer;
  /** Order that the kernel is to be written in. */
  readonly axes: "o i h w" | "o (i h w)" | "o i";
  readonly kernel: Region;
  readonly bias: Region;
}

/** Bytes in the weights file. */
export interface Region {
  readonly offset: number;
  readonly length: number;
}

export const INPUT = "input";
const IR_VERSION = 8;
const OPSET = 13;
/** Data type FLOAT and data location EXTERNAL of TensorProto; attribute types INT and INTS of AttributeProto. */
const [FLOAT, EXTERNAL, INT, INTS] = [1, 1, 2, 7];
/** Regions start at multiples of it, as memory mapping likes. */
const ALIGNMENT = 4096;

/** `inputShape` N C H W; N stays open. `weightsFile`: the name that lies beside the model. */
export function onnxGraph(network: Network, inputShape: readonly number[], weightsFile: string): OnnxGraph {
  const graph = protobuf.Writer.create();
  const weights: OnnxWeight[] = [];
  let at = 0;
  const region = (values: number): Region => {
    const found = { offset: Math.ceil(at / ALIGNMENT) * ALIGNMENT, length: values * 4 };
    at = found.offset + found.length;
    return found;
  };
  const shapes = layerShapes(network, inputShape);
  let x = INPUT;
  for (const row of shapes) {
    const { layer } = row;
    if (layer.kind === "pool") {
      node(graph, "MaxPool", [x], layer.name, [
        ints("kernel_shape", [2, 2]),
        ints("strides", [2, 2]),
        int("ceil_mode", layer.ceil ? 1 : 0),
      ]);
    } else if (layer.kind === "adaptive-pool") {
      adaptive(graph, x, row);
    } else {
      const weight = weightOf(network, row, region);
      weights.push(weight);
      const [h, w, inputs, outputs] = kernelShape(network, layer, row.input);
      external(
        graph,
        `${layer.name}.weight`,
        weight.axes === "o i h w" ? [outputs, inputs, h, w] : [layer.outputs, layer.inputs],
        weightsFile,
        weight.kernel,
      );
      external(graph, `${layer.name}.bias`, [layer.outputs], weightsFile, weight.bias);
      const rectified = isRectified(network, layer);
      const sum = rectified ? `${layer.name}.sum` : layer.name;
      if (weight.axes === "o i h w") {
        const [ph, pw] = layer.kind === "conv" ? layer.pad : [0, 0];
        node(graph, "Conv", [x, `${layer.name}.weight`, `${layer.name}.bias`], sum, [ints("pads", [ph, pw, ph, pw])]);
      } else {
        if (row.input.length === 3) node(graph, "Flatten", [x], `${layer.name}.flat`, [int("axis", 1)]);
        const from = row.input.length === 3 ? `${layer.name}.flat` : x;
        node(graph, "Gemm", [from, `${layer.name}.weight`, `${layer.name}.bias`], sum, [int("transB", 1)]);
      }
      if (rectified) node(graph, "Relu", [sum], layer.name, []);
    }
    x = layer.name;
  }
  graph.uint32(tag(2, 2)).string("vgg");
  valueInfo(graph, 11, INPUT, inputShape.slice(1));
  for (const row of shapes) valueInfo(graph, 12, row.layer.name, onnxShape(network, row));
  return { model: modelOf(graph), weights, bytes: at };
}

/** y = ReLU(x) on two floats for each of N: what a device is tried with. */
export function reluGraph(): Uint8Array {
  const graph = protobuf.Writer.create();
  node(graph, "Relu", ["x"], "y", []);
  graph.uint32(tag(2, 2)).string("relu");
  valueInfo(graph, 11, "x", [2]);
  valueInfo(graph, 12, "y", [2]);
  return modelOf(graph);
}

function modelOf(graph: protobuf.Writer): Uint8Array {
  const model = protobuf.Writer.create().uint32(tag(1, 0)).int64(IR_VERSION);
  model.uint32(tag(7, 2)).bytes(graph.finish());
  return model
    .uint32(tag(8, 2))
    .bytes(protobuf.Writer.create().uint32(tag(2, 0)).int64(OPSET).finish())
    .finish();
}

function weightOf(network: Network, { layer, input }: LayerShape, region: (values: number) => Region): OnnxWeight {
  if (!isWeighted(layer)) throw new TypeError(`${layer.name} has no weights`);
  const isConv = layer.kind === "conv" || network.head === "conv";
  const axes = isConv ? "o i h w" : input.length === 3 ? "o (i h w)" : "o i";
  const taken = layer.kind === "conv" ? layer.kernel[0] * layer.kernel[1] : 1;
  return { layer, axes, kernel: region(layer.outputs * layer.inputs * taken), bias: region(layer.outputs) };
}

/** A conv-form head keeps its axes of size 1 in ONNX. */
function onnxShape(network: Network, { layer, output }: LayerShape): readonly number[] {
  return layer.kind === "fc" && network.head === "conv" && output.length === 1 ? [...output, 1, 1] : output;
}

/** ONNX has no adaptive pool: averages along width, then along height, as products with two small matrices. */
function adaptive(graph: protobuf.Writer, x: string, { layer, input }: LayerShape): void {
  if (layer.kind !== "adaptive-pool") return;
  const [, height = 1, width = 1] = input;
  const columns = adaptiveMatrix(width, layer.size[1]);
  const turned = columns.map((_, k) => columns[(k % layer.size[1]) * width + Math.floor(k / layer.size[1])] ?? 0);
  inline(graph, `${layer.name}.columns`, [width, layer.size[1]], turned);
  inline(graph, `${layer.name}.rows`, [layer.size[0], height], adaptiveMatrix(height, layer.size[0]));
  node(graph, "MatMul", [x, `${layer.name}.columns`], `${layer.name}.wide`, []);
  node(graph, "MatMul", [`${layer.name}.rows`, `${layer.name}.wide`], layer.name, []);
}

/** Protobuf's key of a field: wire type 0 varint, 2 length-delimited. */
function tag(field: number, wire: 0 | 2): number {
  return field * 8 + wire;
}

function node(graph: protobuf.Writer, op: string, inputs: readonly string[], output: string, attributes: readonly Uint8Array[]): void {
  const writer = graph.uint32(tag(1, 2)).fork();
  for (const input of inputs) writer.uint32(tag(1, 2)).string(input);
  writer.uint32(tag(2, 2)).string(output);
  writer.uint32(tag(3, 2)).string(output);
  writer.uint32(tag(4, 2)).string(op);
  for (const attribute of attributes) writer.uint32(tag(5, 2)).bytes(attribute);
  writer.ldelim();
}

function int(name: string, value: number): Uint8Array {
  const writer = protobuf.Writer.create().uint32(tag(1, 2)).string(name).uint32(tag(3, 0)).int64(value);
  return writer.uint32(tag(20, 0)).int32(INT).finish();
}

function ints(name: string, values: readonly number[]): Uint8Array {
  const writer = protobuf.Writer.create().uint32(tag(1, 2)).string(name);
  for (const value of values) writer.uint32(tag(8, 0)).int64(value);
  return writer.uint32(tag(20, 0)).int32(INTS).finish();
}

function inline(graph: protobuf.Writer, name: string, shape: readonly number[], values: Float32Array): void {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  tensorHeader(graph, name, shape).uint32(tag(9, 2)).bytes(bytes).ldelim();
}

function external(graph: protobuf.Writer, name: string, shape: readonly number[], file: string, { offset, length }: Region): void {
  const writer = tensorHeader(graph, name, shape);
  for (const [key, value] of [
    ["location", file],
    ["offset", String(offset)],
    ["length", String(length)],
  ] as const) {
    writer.uint32(tag(13, 2)).fork().uint32(tag(1, 2)).string(key).uint32(tag(2, 2)).string(value).ldelim();
  }
  writer.uint32(tag(14, 0)).int32(EXTERNAL).ldelim();
}

/** Opens an initializer of the graph; the caller adds its data and closes it. */
function tensorHeader(graph: protobuf.Writer, name: string, shape: readonly number[]): protobuf.Writer {
  const writer = graph.uint32(tag(5, 2)).fork();
  for (const size of shape) writer.uint32(tag(1, 0)).int64(size);
  return writer.uint32(tag(2, 0)).int32(FLOAT).uint32(tag(8, 2)).string(name);
}

function valueInfo(graph: protobuf.Writer, field: number, name: string, shape: readonly number[]): void {
  const writer = graph.uint32(tag(field, 2)).fork().uint32(tag(1, 2)).string(name);
  const type = writer.uint32(tag(2, 2)).fork().uint32(tag(1, 2)).fork().uint32(tag(1, 0)).int32(FLOAT).uint32(tag(2, 2)).fork();
  type.uint32(tag(1, 2)).fork().uint32(tag(2, 2)).string("N").ldelim();
  for (const size of shape) type.uint32(tag(1, 2)).fork().uint32(tag(1, 0)).int64(size).ldelim();
  type.ldelim().ldelim().ldelim().ldelim();
}
