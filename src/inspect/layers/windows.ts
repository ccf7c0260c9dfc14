import { asNumber, asNumbers, attribute } from "../../model/records.ts";
import type { LayerRecord } from "../../tensor/checkpoint.ts";
import type { Window } from "./shape.ts";

/**
 * Reads a layer's window from its attributes, in whichever words its format has: Keras' kernel_size and padding "same",
 * Caffe's kernel_size and pad, ONNX' kernel_shape and pads [top, left, bottom, right], MatConvNet's pad [top, bottom, left, right],
 * Paddle's ksize and paddings, Torch7's kH and padH, Darknet's size and pad.
 */
export function windowsOf(record: LayerRecord, format: string, kernel?: readonly [number, number]): readonly [Window, Window] | undefined {
  const sizes =
    kernel ??
    pairOf(
      record,
      ["kernel_size", "kernel_shape", "pool_size", "ksize", "kernel", "pool", "poolSize", "size"],
      ["kH", "kW"],
      ["kernel_h", "kernel_w"],
    );
  if (sizes === undefined) return undefined;
  const pooling = kernel === undefined;
  const strides =
    pairOf(record, ["strides", "stride"], ["dH", "dW"], ["stride_h", "stride_w"]) ??
    (pooling && format.startsWith("keras") ? sizes : [1, 1]);
  const pads = padding(record, format, sizes);
  const ceil = rounding(record, format);
  return [
    { kernel: sizes[0], stride: strides[0], pad: pads[0], ceil: pooling && ceil },
    { kernel: sizes[1], stride: strides[1], pad: pads[1], ceil: pooling && ceil },
  ];
}

function rounding(record: LayerRecord, format: string): boolean {
  if (format === "caffe") return attribute(record, "round_mode") !== "FLOOR" && attribute(record, "round_mode") !== 1;
  const ceil = attribute(record, "ceil_mode");
  return ceil === true || ceil === 1;
}

function pairOf(
  record: LayerRecord,
  names: readonly string[],
  ...split: readonly (readonly [string, string])[]
): readonly [number, number] | undefined {
  const value = attribute(record, ...names);
  const both = asNumber(value);
  if (both !== undefined) return [both, both];
  const list = asNumbers(value) ?? [];
  // TensorFlow's ksize and strides are those of all four axes: 1, height, width, 1.
  const [first, second] = list.length === 4 ? list.slice(1, 3) : list;
  if (first !== undefined && second !== undefined) return [first, second];
  for (const [h, w] of split) {
    const height = asNumber(attribute(record, h));
    const width = asNumber(attribute(record, w));
    if (height !== undefined && width !== undefined) return [height, width];
  }
  return undefined;
}

type Pads = readonly [Window["pad"], Window["pad"]];

function padding(record: LayerRecord, format: string, kernel: readonly [number, number]): Pads {
  const word = attribute(record, "padding", "border_mode", "auto_pad", "padding_algorithm");
  if (typeof word === "string" && /^same/i.test(word)) return ["same", "same"];
  if (typeof word === "string" && /^valid$/i.test(word))
    return [
      [0, 0],
      [0, 0],
    ];
  if (format === "darknet") return darknetPad(record, kernel);
  const value = attribute(record, "pads", "pad", "paddings", "padding");
  const list = asNumbers(value)?.map((pad) => pad ?? 0);
  const single = asNumber(value) ?? (list?.length === 1 ? list[0] : undefined);
  if (single !== undefined)
    return [
      [single, single],
      [single, single],
    ];
  const [a = 0, b = 0, c = 0, d = 0] = list ?? split(record);
  if (list === undefined || list.length === 2)
    return [
      [a, a],
      [b, b],
    ];
  return format === "onnx"
    ? [
        [a, c],
        [b, d],
      ]
    : [
        [a, b],
        [c, d],
      ];
}

function split(record: LayerRecord): readonly number[] {
  return [asNumber(attribute(record, "padH", "pad_h")) ?? 0, asNumber(attribute(record, "padW", "pad_w")) ?? 0];
}

/** pad=1 is half the kernel; max pools are padded by one less than their size, in all (Darknet's maxpool layer). */
function darknetPad(record: LayerRecord, kernel: readonly [number, number]): Pads {
  const explicit = asNumber(attribute(record, "padding"));
  const half = asNumber(attribute(record, "pad")) === 1;
  const of = (size: number): readonly [number, number] => {
    if (/pool/i.test(record.type)) return [Math.floor((explicit ?? size - 1) / 2), Math.ceil((explicit ?? size - 1) / 2)];
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
