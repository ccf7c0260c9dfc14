import type { Conventions, LayerRecord } from "../../tensor/checkpoint.ts";
import { asNumber, asNumbers, attribute } from "../records.ts";
import type { Window, Windows } from "./window.ts";

/**
 * Reads a layer's window from its attributes, in whichever words its format has: Keras' kernel_size and padding "same",
 * Caffe's kernel_size and pad, ONNX' kernel_shape and pads [top, left, bottom, right], MatConvNet's pad [top, bottom, left, right],
 * Paddle's ksize and paddings, Torch7's kH and padH, Darknet's size and pad. `kernel`: that of the weight, where the layer has one.
 * Undefined where the file does not state it.
 */
export function windowsOfRecord(record: LayerRecord, conventions: Conventions, kernel?: readonly [number, number]): Windows | undefined {
  const pooling = kernel === undefined;
  if (!states(record)) return undefined;
  const sizes = kernel ?? pairOf(record, sizeWords, ["kH", "kW"], ["kernel_h", "kernel_w"], ["pool_h", "pool_w"]);
  if (sizes === undefined) return undefined;
  const strides =
    pairOf(record, ["strides", "stride", "subsample"], ["dH", "dW"], ["stride_h", "stride_w"]) ?? (stridesBySize(record) ? sizes : [1, 1]);
  const dilations = pairOf(record, ["dilations", "dilation", "dilation_rate", "dilate"], ["dilationH", "dilationW"]) ?? [1, 1];
  const pads = padding(record, sizes);
  const ceil = pooling && roundsUp(record, conventions);
  const of = (axis: 0 | 1): Window => ({ kernel: sizes[axis], stride: strides[axis], pad: pads[axis], dilation: dilations[axis], ceil });
  return [of(0), of(1)];
}

const sizeWords = ["kernel_size", "kernel_shape", "pool_size", "ksize", "kernel", "pool", "poolSize", "kernelsize", "size"];
/** Any of these says that the layer's attributes are in the file; a bare `Conv2d` of TorchScript has none. */
const telling =
  /^(kernel.*|pool_size|poolSize|pool|ksize|size|strides?|subsample|pads?|paddings?|border_mode|dilat.*|kH|nb_row|num_output|num_filter|filters|convolution_param|pooling_param)$/;

function states(record: LayerRecord): boolean {
  const inner = record.attributes.get("layer");
  const names = [...record.attributes.keys(), ...(inner instanceof Map ? ["filters"] : [])];
  return names.some((name) => telling.test(name)) || /^(conv|pool|dagnn\.)/.test(record.type);
}

/** Keras' pools and Darknet's step by their own size unless they say otherwise; all others by one. */
function stridesBySize(record: LayerRecord): boolean {
  return attribute(record, "pool_size") !== undefined;
}

/** Caffe rounds pools up; PyTorch, Paddle and ONNX have a switch, MXNet a convention. */
function roundsUp(record: LayerRecord, conventions: Conventions): boolean {
  if (conventions.ceilPools === true) return attribute(record, "round_mode") !== "FLOOR" && attribute(record, "round_mode") !== 1;
  const ceil = attribute(record, "ceil_mode");
  return ceil === true || ceil === 1 || attribute(record, "pooling_convention") === "full";
}

type Pair = readonly [number, number];

function pairOf(record: LayerRecord, names: readonly string[], ...split: readonly (readonly [string, string])[]): Pair | undefined {
  for (const name of names) {
    const value = attribute(record, name);
    const both = asNumber(value);
    if (both !== undefined) return [both, both];
    const list = asNumbers(value) ?? [];
    // TensorFlow's ksize and strides are those of all four axes: 1, height, width, 1; or 1, 1, height, width where channels are first.
    const first = attribute(record, "data_format") === "NCHW" ? 2 : 1;
    const [height, width] = list.length === 4 ? list.slice(first, first + 2) : list;
    if (height !== undefined && width !== undefined) return [height, width];
  }
  for (const [h, w] of split) {
    const height = asNumber(attribute(record, h));
    const width = asNumber(attribute(record, w));
    if (height !== undefined && width !== undefined) return [height, width];
  }
  return undefined;
}

type Pads = readonly [Window["pad"], Window["pad"]];

function padding(record: LayerRecord, kernel: Pair): Pads {
  const word = attribute(record, "padding", "border_mode", "auto_pad", "padding_algorithm");
  if (typeof word === "string" && /^same/i.test(word)) return ["same", "same"];
  if (typeof word === "string" && /^valid$/i.test(word)) return both(0);
  if (/^(convolutional|maxpool|local)$/.test(record.type)) return darknetPad(record, kernel);
  const ends = asNumbers(attribute(record, "pads"))?.map((pad) => pad ?? 0);
  // ONNX: all beginnings, then all ends.
  if (ends?.length === 4) {
    const [top = 0, left = 0, bottom = 0, right = 0] = ends;
    return [
      [top, bottom],
      [left, right],
    ];
  }
  const value = attribute(record, "pad", "paddings", "padding");
  const list = asNumbers(value)?.map((pad) => pad ?? 0);
  const single = asNumber(value) ?? (list?.length === 1 ? list[0] : undefined);
  if (single !== undefined) return both(single);
  const [a = 0, b = 0, c = 0, d = 0] = list ?? split(record);
  if (list === undefined || list.length === 2)
    return [
      [a, a],
      [b, b],
    ];
  return [
    [a, b],
    [c, d],
  ];
}

function both(pad: number): Pads {
  return [
    [pad, pad],
    [pad, pad],
  ];
}

function split(record: LayerRecord): readonly number[] {
  return [asNumber(attribute(record, "padH", "pad_h")) ?? 0, asNumber(attribute(record, "padW", "pad_w")) ?? 0];
}

/** pad=1 is half the kernel; max pools are padded by one less than their size, in all (pjreddie/darknet, src/maxpool_layer.c). */
function darknetPad(record: LayerRecord, kernel: Pair): Pads {
  const explicit = asNumber(attribute(record, "padding"));
  const half = asNumber(attribute(record, "pad")) === 1;
  const of = (size: number): readonly [number, number] => {
    if (record.type === "maxpool") return [Math.floor((explicit ?? size - 1) / 2), Math.ceil((explicit ?? size - 1) / 2)];
    const pad = half ? Math.floor(size / 2) : (explicit ?? 0);
    return [pad, pad];
  };
  return [of(kernel[0]), of(kernel[1])];
}

/** Channels or features that a layer says it gives. */
export function outputsOf(record: LayerRecord): number | undefined {
  const names = ["filters", "units", "num_output", "nOutputPlane", "output", "nb_filter", "output_dim", "num_filter", "num_hidden"];
  return asNumber(attribute(record, ...names));
}
