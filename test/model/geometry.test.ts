import { describe, expect, test } from "vitest";
import { conventionsOf } from "../../src/formats.ts";
import { bodyOutput } from "../../src/model/geometry/sizes.ts";
import { unusualLayers } from "../../src/model/geometry/stated.ts";
import { padsOf, slide, type Window } from "../../src/model/geometry/window.ts";
import { identify } from "../../src/model/identify.ts";
import type { Checkpoint, Inert, LayerRecord } from "../../src/tensor/checkpoint.ts";
import { describedFile, layerRecord } from "../support/described-file.ts";

type Attributes = Readonly<Record<string, Inert>>;

/** How a format spells the layers of one network: a VGG-11 as SSD cuts it down, pool5 3×3 with stride 1, fc6 3×3 with dilation 6. */
interface Words {
  readonly conv: readonly [type: string, of: (kernel: number, pad: number, dilation: number) => Attributes];
  readonly pool: readonly [type: string, of: (kernel: number, stride: number, pad: number) => Attributes];
  readonly relu: readonly [type: string, attributes: Attributes];
}

const map = (entries: Attributes): Inert => new Map(Object.entries(entries));
const pair = (value: number): Inert => [value, value];

const words: Readonly<Record<string, Words>> = {
  caffe: {
    conv: [
      "Convolution",
      (k, p, d) => ({ convolution_param: map({ num_output: 8, kernel_size: k, pad: p, ...(d > 1 && { dilation: d }) }) }),
    ],
    pool: ["Pooling", (k, s, p) => ({ pooling_param: map({ pool: "MAX", kernel_size: k, stride: s, ...(p > 0 && { pad: p }) }) })],
    relu: ["ReLU", {}],
  },
  "keras-h5": {
    conv: [
      "Conv2D",
      (k, _, d) => ({ kernel_size: pair(k), strides: [1, 1], padding: "same", dilation_rate: pair(d), data_format: "channels_last" }),
    ],
    pool: ["MaxPooling2D", (k, s, p) => ({ pool_size: pair(k), strides: pair(s), padding: p > 0 ? "same" : "valid" })],
    relu: ["Activation", { activation: "relu" }],
  },
  onnx: {
    conv: ["Conv", (k, p, d) => ({ kernel_shape: pair(k), pads: [p, p, p, p], dilations: pair(d), group: 1 })],
    pool: ["MaxPool", (k, s, p) => ({ kernel_shape: pair(k), strides: pair(s), pads: [p, p, p, p] })],
    relu: ["Relu", {}],
  },
  matconvnet: {
    conv: ["dagnn.Conv", (k, p, d) => ({ size: [k, k, 8, 8], pad: [p, p, p, p], stride: [1, 1], dilate: pair(d) })],
    pool: ["dagnn.Pooling", (k, s, p) => ({ method: "max", poolSize: pair(k), stride: pair(s), pad: [p, p, p, p] })],
    relu: ["dagnn.ReLU", { leak: 0 }],
  },
  mxnet: {
    conv: ["Convolution", (k, p, d) => ({ kernel: pair(k), num_filter: "8", pad: pair(p), ...(d > 1 && { dilate: pair(d) }) })],
    pool: ["Pooling", (k, s, p) => ({ kernel: pair(k), pool_type: "max", stride: pair(s), pad: pair(p) })],
    relu: ["Activation", { act_type: "relu" }],
  },
  graphdef: {
    conv: ["Conv2D", (_k, _p, d) => ({ strides: [1, 1, 1, 1], dilations: [1, d, d, 1], padding: "SAME", data_format: "NHWC" })],
    pool: [
      "MaxPool",
      (k, s, p) => ({ ksize: [1, k, k, 1], strides: [1, s, s, 1], padding: p > 0 ? "SAME" : "VALID", data_format: "NHWC" }),
    ],
    relu: ["Relu", {}],
  },
  paddle: {
    conv: ["conv2d", (_, p, d) => ({ strides: [1, 1], paddings: pair(p), dilations: pair(d), groups: 1, padding_algorithm: "EXPLICIT" })],
    pool: [
      "pool2d",
      (k, s, p) => ({ pooling_type: "max", ksize: pair(k), strides: pair(s), paddings: pair(p), global_pooling: false, adaptive: false }),
    ],
    relu: ["relu", {}],
  },
  torch: {
    conv: ["Conv2d", (k, p, d) => ({ kernel_size: pair(k), stride: [1, 1], padding: pair(p), dilation: pair(d), groups: 1 })],
    pool: ["MaxPool2d", (k, s, p) => ({ kernel_size: k, stride: s, padding: p, ceil_mode: false })],
    relu: ["ReLU", { inplace: true }],
  },
  torch7: {
    conv: ["nn.SpatialDilatedConvolution", (k, p, d) => ({ kW: k, kH: k, dW: 1, dH: 1, padW: p, padH: p, dilationW: d, dilationH: d })],
    pool: ["nn.SpatialMaxPooling", (k, s, p) => ({ kW: k, kH: k, dW: s, dH: s, padW: p, padH: p, ceil_mode: false })],
    relu: ["nn.ReLU", { threshold: 0 }],
  },
};

const blocks = [1, 1, 2, 2, 2];
const names = blocks.flatMap((count, block) => Array.from({ length: count }, (_, n) => `conv${block + 1}_${n + 1}`));

interface Edit {
  /** Records put behind the record of this name. */
  readonly behind?: Readonly<Record<string, readonly LayerRecord[]>>;
  /** Records without a trace. */
  readonly without?: readonly string[];
}

function reduced(format: string, { behind = {}, without = [] }: Edit = {}): Checkpoint {
  const spelled = words[format];
  if (spelled === undefined) throw new Error(format);
  const { conv, pool, relu } = spelled;
  const tensors: [string, number[]][] = [];
  const records: LayerRecord[] = [];
  const add = (name: string, type: string, attributes: Attributes, keys: readonly string[] = []): void => {
    if (without.includes(name)) return;
    const last = records.at(-1)?.name;
    records.push(layerRecord(name, type, attributes, keys, [last ?? "data"]));
    for (const record of behind[name] ?? []) records.push({ ...record, inputs: [records.at(-1)?.name ?? ""] });
  };
  const layers = [...names, "fc6", "fc7", "fc8"];
  let channels = 3;
  layers.forEach((name, k) => {
    const outputs = k < 8 ? 4 + k : 12;
    const [kernel, pad, dilation] = name === "fc6" ? [3, 6, 6] : name.startsWith("fc") ? [1, 0, 1] : [3, 1, 1];
    const axes = conventionsOf(format).kernel.split(" ");
    const sizes: Record<string, number> = { o: outputs, i: channels, h: kernel, w: kernel };
    tensors.push([`${name}.weight`, axes.map((axis) => sizes[axis] ?? 0)], [`${name}.bias`, [outputs]]);
    add(name, conv[0], conv[1](kernel, pad, dilation), [`${name}.weight`, `${name}.bias`]);
    if (name !== "fc8") add(`relu_${name}`, relu[0], relu[1]);
    const block = Number(name.charAt(4));
    if (name.startsWith("conv") && names[k + 1]?.charAt(4) !== String(block)) {
      add(`pool${block}`, pool[0], block === 5 ? pool[1](3, 1, 1) : pool[1](2, 2, 0));
    }
    channels = outputs;
  });
  return describedFile({ format, tensors, layers: records });
}

describe("one network in the words of each format", () => {
  test.each(Object.keys(words))("%s", (format) => {
    const network = identify(reduced(format), { inputSize: [300, 300] })?.network;
    expect(network?.geometry).toBe("stated");
    expect(network?.uncomputed).toEqual([]);
    const ceil = format === "caffe";
    expect(network && bodyOutput(network, [300, 300])).toEqual(ceil ? [19, 19] : [18, 18]);
    const [pool5, fc6, ...more] = (network && unusualLayers(network)) ?? [];
    expect(more).toEqual([]);
    expect(pool5).toMatch(/^pool5 \(3×3, stride 1, padding (1|same)/);
    expect(fc6).toMatch(/^fc6 \(3×3, stride 1, padding (6|same), dilation 6\)$/);
    expect(network?.layers.filter((layer) => layer.kind === "fc").map((layer) => layer.activation)).toEqual(["relu", "relu", "none"]);
  });

  test("no picture size is derived from a kernel that slides", () => {
    expect(identify(reduced("caffe"))?.network.inputSize).toBeUndefined();
  });
});

describe("what a file states is not overruled", () => {
  test("a layer that no VGG has is named, with the layer before it", () => {
    const lrn = layerRecord("norm1", "LRN", { lrn_param: map({ local_size: 5 }) });
    expect(identify(reduced("caffe", { behind: { relu_conv1_1: [lrn] } }))?.network.uncomputed).toEqual([
      { behind: "conv1_1", what: "norm1 (LRN)" },
    ]);
    const leaky = layerRecord("leak", "dagnn.ReLU", { leak: 0.1 });
    expect(identify(reduced("matconvnet", { behind: { relu_fc6: [leaky] } }))?.network.uncomputed).toEqual([
      { behind: "fc6", what: "relu with slope 0.1" },
    ]);
  });

  test("a convolution that no ReLU follows is linear", () => {
    const network = identify(reduced("onnx", { without: ["relu_conv3_1"] }))?.network;
    expect(network?.layers.filter((layer) => layer.kind === "conv" && layer.linear === true).map(({ name }) => name)).toEqual(["conv3_1"]);
  });

  test("a branch beside the way does not count", () => {
    const checkpoint = reduced("caffe");
    const side = layerRecord("conv4_2_norm", "Normalize", {}, [], ["relu_conv4_2"]);
    const layers = [...checkpoint.layers];
    layers.splice(layers.findIndex(({ name }) => name === "pool4") + 1, 0, side);
    expect(identify({ ...checkpoint, layers })?.network.uncomputed).toEqual([]);
  });

  test("without a graph the geometry is VGG's own, and said to be assumed", () => {
    const network = identify({ ...reduced("torch"), layers: [] })?.network;
    expect(network?.geometry).toBe("assumed");
    expect(network?.layers.filter((layer) => layer.kind === "pool")).toHaveLength(5);
  });
});

describe("places of a window", () => {
  const window = (kernel: number, stride: number, pad: Window["pad"], more: Partial<Window> = {}): Window => ({
    kernel,
    stride,
    pad,
    dilation: 1,
    ceil: false,
    ...more,
  });
  test.each([
    ["3, padding 1", 75, window(3, 1, [1, 1]), 75, [1, 1]],
    ["3, dilation 6, padding 6", 19, window(3, 1, [6, 6], { dilation: 6 }), 19, [6, 6]],
    ["2 with stride 2, rounded down", 75, window(2, 2, [0, 0]), 37, [0, 0]],
    ["2 with stride 2, rounded up", 75, window(2, 2, [0, 0], { ceil: true }), 38, [0, 1]],
    ["same, stride 2", 75, window(3, 2, "same"), 38, [1, 1]],
    ["same, stride 2, even", 76, window(3, 2, "same"), 38, [0, 1]],
    ["no window that begins behind the padding", 4, window(2, 3, [1, 1], { ceil: true }), 2, [1, 0]],
  ] as const)("%s", (_, size, of, places, pads) => {
    expect([slide(size, of), padsOf(size, of)]).toEqual([places, pads]);
  });
});
