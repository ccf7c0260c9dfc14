import { isWeighted, kernelShape, type LayerShape, layerShapes, type WeightedLayer, windowsOf } from "../../model/geometry/shapes.ts";
import { padsOf, type Windows } from "../../model/geometry/window.ts";
import type { Network } from "../../model/network/network.ts";
import {
  externalData,
  floatType,
  initializer,
  intAttribute,
  intsAttribute,
  model,
  node,
  type Region,
  rawData,
  valueInfo,
} from "../../writers/onnx/message.ts";
import { bytesPiece } from "../../writers/pieces.ts";
import { type FieldPieces, fieldBytes } from "../../writers/proto-pieces.ts";
import { isRectified } from "../runnable.ts";
import { adaptiveMatrix } from "./adaptive-pool.ts";

/**
 * The smallest ONNX file that ONNX Runtime takes for a VGG: one node chain, every layer's output an output of the graph,
 * weights in a file beside it (ONNX 1.x, IR version 8, operator set 13).
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
  /** Of the kernel. */
  readonly shape: readonly number[];
  readonly kernel: Region;
  readonly bias: Region;
}

export const INPUT = "input";
const IR_VERSION = 8;
const OPSET = 13;
/** Regions start at multiples of it, as memory mapping likes. */
const ALIGNMENT = 4096;

/** `inputShape` N C H W; N stays open. `weightsFile`: the name of the file beside the model; without it weights are inputs of the graph, by role. */
export function onnxGraph(network: Network, inputShape: readonly number[], weightsFile?: string): OnnxGraph {
  const nodes: FieldPieces[] = [];
  const initializers: FieldPieces[] = [];
  const given: FieldPieces[] = [];
  const weightValue = (name: string, shape: readonly number[], place: Region): void => {
    if (weightsFile === undefined) given.push(valueInfo(11, name, floatType, shape));
    else initializers.push(initializer(name, shape, floatType, externalData(weightsFile, place)));
  };
  const add = (operator: string, inputs: readonly string[], name: string, attributes: readonly FieldPieces[] = []): void => {
    nodes.push(node({ operator, name, inputs, attributes }));
  };
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
      // The places are counted here, and given as padding: ONNX Runtime then has nothing to round.
      add(layer.method === "average" ? "AveragePool" : "MaxPool", [x], layer.name, sliding(windowsOf(network, layer), row.input, true));
    } else if (layer.kind === "adaptive-pool") {
      const pool = adaptive(x, row);
      nodes.push(...pool.nodes);
      initializers.push(...pool.initializers);
    } else {
      const weight = weightOf(network, row, region);
      const [h, w, inputs, outputs] = kernelShape(network, layer, row.input);
      const shape = weight.axes === "o i h w" ? [outputs, inputs, h, w] : [layer.outputs, layer.inputs];
      weights.push({ ...weight, shape });
      weightValue(`${layer.name}.weight`, shape, weight.kernel);
      weightValue(`${layer.name}.bias`, [layer.outputs], weight.bias);
      const rectified = isRectified(network, layer);
      const sum = rectified ? `${layer.name}.sum` : layer.name;
      if (weight.axes === "o i h w") {
        const attributes = sliding(windowsOf(network, layer, row.input), row.input, false);
        add("Conv", [x, `${layer.name}.weight`, `${layer.name}.bias`], sum, attributes);
      } else {
        if (row.input.length === 3) add("Flatten", [x], `${layer.name}.flat`, [intAttribute("axis", 1)]);
        const from = row.input.length === 3 ? `${layer.name}.flat` : x;
        add("Gemm", [from, `${layer.name}.weight`, `${layer.name}.bias`], sum, [intAttribute("transB", 1)]);
      }
      if (rectified) add("Relu", [sum], layer.name);
    }
    x = layer.name;
  }
  const values = [
    valueInfo(11, INPUT, floatType, ["N", ...inputShape.slice(1)]),
    ...given,
    ...shapes.map((row) => valueInfo(12, row.layer.name, floatType, ["N", ...onnxShape(network, row)])),
  ];
  return { model: modelBytes("vgg", { nodes, initializers, values }), weights, bytes: at };
}

/** Attributes of a convolution or a pool for an input of C H W. */
function sliding([down, across]: Windows, [, height = 1, width = 1]: readonly number[], pooling: boolean): readonly FieldPieces[] {
  const [top, bottom] = padsOf(height, down);
  const [left, right] = padsOf(width, across);
  return [
    ...(pooling
      ? [intsAttribute("kernel_shape", [down.kernel, across.kernel])]
      : [intsAttribute("dilations", [down.dilation, across.dilation])]),
    intsAttribute("strides", [down.stride, across.stride]),
    intsAttribute("pads", [top, left, bottom, right]),
  ];
}

/** y = ReLU(x) on two floats for each of N: what a device is tried with. */
export function reluGraph(): Uint8Array {
  const values = [valueInfo(11, "x", floatType, ["N", 2]), valueInfo(12, "y", floatType, ["N", 2])];
  return modelBytes("relu", { nodes: [node({ operator: "Relu", name: "y", inputs: ["x"] })], initializers: [], values });
}

function modelBytes(graphName: string, graph: Parts & { readonly values: readonly FieldPieces[] }): Uint8Array {
  return fieldBytes(model({ irVersion: IR_VERSION, opset: OPSET, producer: "vggtool", graphName, graph, metadata: new Map() }));
}

/** Of a graph. */
interface Parts {
  readonly nodes: readonly FieldPieces[];
  readonly initializers: readonly FieldPieces[];
}

function weightOf(network: Network, { layer, input }: LayerShape, region: (values: number) => Region): Omit<OnnxWeight, "shape"> {
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
function adaptive(x: string, { layer, input }: LayerShape): Parts {
  if (layer.kind !== "adaptive-pool") return { nodes: [], initializers: [] };
  if (layer.method === "max") return { nodes: [node({ operator: "GlobalMaxPool", name: layer.name, inputs: [x] })], initializers: [] };
  const [, height = 1, width = 1] = input;
  const { name } = layer;
  const columns = adaptiveMatrix(width, layer.size[1]);
  const turned = columns.map((_, k) => columns[(k % layer.size[1]) * width + Math.floor(k / layer.size[1])] ?? 0);
  const matrix = (key: string, shape: readonly number[], values: Float32Array): FieldPieces =>
    initializer(key, shape, floatType, rawData([bytesPiece(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))]));
  return {
    nodes: [
      node({ operator: "MatMul", name: `${name}.wide`, inputs: [x, `${name}.columns`] }),
      node({ operator: "MatMul", name, inputs: [`${name}.rows`, `${name}.wide`] }),
    ],
    initializers: [
      matrix(`${name}.columns`, [width, layer.size[1]], turned),
      matrix(`${name}.rows`, [layer.size[0], height], adaptiveMatrix(height, layer.size[0])),
    ],
  };
}
