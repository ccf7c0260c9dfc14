import { describe, expect, test } from "vitest";
import { conventionsOf } from "../../src/formats.ts";
import { knownLayers } from "../../src/model/layers/known-layers.ts";
import { readLayers } from "../../src/model/layers/read-layers.ts";
import type { Inert, LayerRecord } from "../../src/tensor/checkpoint.ts";

interface Given {
  readonly format?: string;
  readonly layers?: readonly LayerRecord[];
  readonly metadata?: ReadonlyMap<string, Inert>;
}

/** Kind and axes of each layer's first tensor, of a file with these names and shapes. */
function known(shapes: Readonly<Record<string, readonly number[]>>, { format = "torch", layers = [], metadata = new Map() }: Given = {}) {
  const tensors = new Map(Object.entries(shapes).map(([name, shape]) => [name, { name, shape, dtype: "float32" as const }]));
  const checkpoint = { format, conventions: conventionsOf(format), tensors, layers, metadata };
  return Object.fromEntries(
    knownLayers(checkpoint, readLayers(checkpoint)).map(({ path, kind, tensors: [first] }) => [
      path,
      [kind, first?.axes?.text ?? "?"].join(": "),
    ]),
  );
}

/** Why a layer is what it is. */
function grounds(shapes: Readonly<Record<string, readonly number[]>>, path: string, given: Given = {}): string | undefined {
  const tensors = new Map(Object.entries(shapes).map(([name, shape]) => [name, { name, shape, dtype: "float32" as const }]));
  const format = given.format ?? "torch";
  const checkpoint = {
    format,
    conventions: conventionsOf(format),
    tensors,
    layers: given.layers ?? [],
    metadata: given.metadata ?? new Map(),
  };
  return knownLayers(checkpoint, readLayers(checkpoint)).find((layer) => layer.path === path)?.grounds;
}

function record(type: string, tensors: readonly string[], attributes: Readonly<Record<string, Inert>> = {}): LayerRecord {
  return { name: tensors[0] ?? "", type, tensors, inputs: [], attributes: new Map(Object.entries(attributes)) };
}

const norm = (name: string, size: number) => ({
  [`${name}.weight`]: [size],
  [`${name}.bias`]: [size],
  [`${name}.running_mean`]: [size],
  [`${name}.running_var`]: [size],
});

describe("kinds and axes of layers of any network", () => {
  test("a residual network: convolutions, norms, and a matrix with its bias", () => {
    expect(
      known({
        "conv1.weight": [8, 3, 7, 7],
        ...norm("bn1", 8),
        "layer1.0.downsample.0.weight": [16, 8, 1, 1],
        ...norm("layer1.0.downsample.1", 16),
        "fc.weight": [5, 16],
        "fc.bias": [5],
      }),
    ).toEqual({
      conv1: "conv: o i h w",
      bn1: "norm: o",
      "layer1.0.downsample.0": "conv: o i h w",
      "layer1.0.downsample.1": "norm: o",
      fc: "dense: o i",
    });
  });

  test("a filter for each channel before it, with a pointwise convolution behind it, is depthwise", () => {
    expect(
      known({
        "features.0.weight": [8, 3, 3, 3],
        ...norm("features.1", 8),
        "features.3.weight": [8, 1, 3, 3],
        ...norm("features.4", 8),
        "features.6.weight": [12, 8, 1, 1],
      }),
    ).toMatchObject({ "features.3": "depthwise: (c m) 1 h w", "features.6": "conv: o i h w" });
  });

  test("one channel a filter is an ordinary convolution where it comes first or follows one channel, and else undecided", () => {
    const second = { "depth.conv1.weight": [8, 1, 3, 3], "depth.conv2.weight": [8, 8, 3, 3] };
    expect(known(second)).toMatchObject({ "depth.conv1": "conv: o i h w" });
    expect(known({ "rgb.conv1.weight": [8, 3, 3, 3], "rgb.score.weight": [1, 8, 1, 1], "refine.conv.weight": [8, 1, 3, 3] })).toMatchObject(
      {
        "refine.conv": "conv: o i h w",
      },
    );
    // Of two branches the second may take a picture of one channel.
    expect(known({ "rgb.conv1.weight": [8, 3, 3, 3], ...second })).toMatchObject({ "depth.conv1": "other: ?" });
  });

  test("a file that states groups says it itself", () => {
    const shapes = { w: [6, 1, 3, 3], "fc.weight": [2, 6], "fc.bias": [2] };
    expect(known(shapes, { format: "onnx", layers: [record("Conv", ["w"], { group: 3 })] })).toMatchObject({ w: "depthwise: (c m) 1 h w" });
    expect(known(shapes, { format: "onnx", layers: [record("Conv", ["w"], { group: 1 })] })).toMatchObject({ w: "conv: o i h w" });
  });

  test("a transposed convolution is known by its bias, by what is beside it, by its name", () => {
    expect(known({ "up.weight": [16, 8, 2, 2], "up.bias": [8] })).toEqual({ up: "transposed: i o h w" });
    expect(known({ "main.0.weight": [8, 3, 3, 3], "main.2.weight": [8, 4, 4, 4], ...norm("main.3", 4) })).toMatchObject({
      "main.2": "transposed: i o h w",
    });
    expect(known({ "deconv1.weight": [8, 8, 4, 4] })).toEqual({ deconv1: "transposed: i o h w" });
    // A name alone does not stand against a bias.
    expect(known({ "transpose.weight": [8, 4, 3, 3], "transpose.bias": [8] })).toEqual({ transpose: "conv: o i h w" });
  });

  test("Keras: kernels h w i o, depthwise ones by name, transposed ones by class", () => {
    const keys = ["conv_dw_1/depthwise_kernel:0", "up/kernel:0", "dense/kernel:0"] as const;
    const shapes = { [keys[0]]: [3, 3, 8, 1], [keys[1]]: [2, 2, 4, 8], "up/bias:0": [4], [keys[2]]: [4, 4], "dense/bias:0": [4] };
    expect(known(shapes, { format: "keras-h5", layers: [record("Conv2DTranspose", [keys[1], "up/bias:0"])] })).toMatchObject({
      "conv_dw_1/depthwise": "depthwise: h w c m",
      up: "transposed: h w o i",
      dense: "dense: i o",
    });
  });

  test("lengths of biases go before the conventions of a format", () => {
    const shapes = { "a.weight": [3, 3, 3, 8], "a.bias": [8], "fc.weight": [8, 5], "fc.bias": [5], "fc2.weight": [5, 5], "fc2.bias": [5] };
    expect(known(shapes)).toEqual({ a: "conv: h w i o", fc: "dense: i o", fc2: "dense: i o" });
  });

  test("a square matrix of anybody's arrays has no axes, nor has a matrix that nothing describes", () => {
    const square = { "fc.w": [5, 5], "fc.b": [5] };
    expect(known(square, { format: "npz" })).toEqual({ fc: "dense: ?" });
    expect(grounds(square, "fc", { format: "npz" })).toBe("a matrix with its bias; nothing says which of its axes is the input");
    expect(known(square, { format: "caffe" })).toEqual({ fc: "dense: o i" });
    expect(known({ "q.weight": [5, 5] })).toEqual({ q: "other: ?" });
    expect(known({ "emb.weight": [20, 6] })).toEqual({ emb: "embedding: ?" });
  });

  test("safetensors says of which framework it is, or its names do", () => {
    const square = { "fc.weight": [5, 5], "fc.bias": [5] };
    expect(known(square, { format: "safetensors" })).toEqual({ fc: "dense: ?" });
    expect(known(square, { format: "safetensors", metadata: new Map([["format", "pt"]]) })).toEqual({ fc: "dense: o i" });
    expect(known({ ...square, ...norm("bn", 5) }, { format: "safetensors" })).toMatchObject({ fc: "dense: o i" });
  });

  test("the axes that a conversion recorded go before all else", () => {
    const axes = JSON.stringify({ "dw.weight": "h w c m", "fc.weight": "i o" });
    const metadata = new Map([
      ["producer", "vggtool"],
      ["axes", axes],
    ]);
    expect(known({ "dw.weight": [3, 3, 8, 2], "fc.weight": [5, 5], "fc.bias": [5] }, { format: "safetensors", metadata })).toEqual({
      dw: "depthwise: h w c m",
      fc: "dense: i o",
    });
  });

  test("a matrix behind a feature map takes its channels and places", () => {
    const shapes = { "features.0.weight": [8, 3, 3, 3], "features.0.bias": [8], "classifier.1.weight": [5, 48], "classifier.1.bias": [5] };
    expect(known(shapes)).toMatchObject({ "classifier.1": "dense: o (i h w)" });
  });

  test("products whose operands are transposed say it", () => {
    const shapes = { a: [5, 5], b: [5, 5] };
    expect(known(shapes, { format: "onnx", layers: [record("Gemm", ["a"], { transB: 1 }), record("MatMul", ["b"])] })).toEqual({
      a: "dense: o i",
      b: "dense: i o",
    });
  });

  test("recurrent layers and embeddings are known by their parts and classes", () => {
    expect(
      known({
        "emb.weight": [20, 6],
        "lstm.weight_ih_l0": [20, 6],
        "lstm.weight_hh_l0": [20, 5],
        "lstm.bias_ih_l0": [20],
        "lstm.weight_ih_l1_reverse": [20, 5],
      }),
    ).toEqual({ emb: "embedding: ?", lstm: "recurrent: ?" });
    expect(known({ x: [20, 6] }, { format: "onnx", layers: [record("Gather", ["x"])] })).toEqual({ x: "embedding: ?" });
  });
});
