import { describe, expect, test } from "vitest";
import { layerTable } from "../../src/inspect/layers.ts";
import { identify } from "../../src/model/identify.ts";
import type { Checkpoint, Inert, LayerRecord } from "../../src/tensor/checkpoint.ts";
import { describedFile, layerRecord } from "../support/described-file.ts";

const blocks: readonly (readonly [channels: number, count: number])[] = [
  [64, 2],
  [128, 2],
  [256, 3],
  [512, 3],
  [512, 3],
];

type Entry = readonly [name: string, shape: readonly number[]];

/** torchvision's VGG-16 with its published widths: shapes alone. */
function vgg16(): readonly Entry[] {
  const entries: Entry[] = [];
  let at = 0;
  let inputs = 3;
  for (const [channels, count] of blocks) {
    for (let n = 0; n < count; n++) {
      entries.push([`features.${at}.weight`, [channels, inputs, 3, 3]], [`features.${at}.bias`, [channels]]);
      inputs = channels;
      at += 2;
    }
    at++;
  }
  entries.push(["classifier.0.weight", [4096, 25088]], ["classifier.0.bias", [4096]]);
  entries.push(["classifier.3.weight", [4096, 4096]], ["classifier.3.bias", [4096]]);
  entries.push(["classifier.6.weight", [1000, 4096]], ["classifier.6.bias", [1000]]);
  return entries;
}

/** Keras layers of the VGG-Face part, each wrapped in TimeDistributed where frames come in. */
class KerasModel {
  readonly tensors: Entry[] = [];
  readonly layers: LayerRecord[] = [];
  private readonly wrapped: boolean;

  constructor(frames?: number) {
    this.wrapped = frames !== undefined;
    this.add("input_1", "InputLayer", { batch_input_shape: [null, ...(frames === undefined ? [] : [frames]), 224, 224, 3] });
    let inputs = 3;
    for (const [block, [channels, count]] of blocks.entries()) {
      for (let n = 1; n <= count; n++) {
        this.conv(`conv${block + 1}_${n}`, [3, 3, inputs, channels], "same");
        inputs = channels;
      }
      this.feature(`pool${block + 1}`, "MaxPooling2D", { pool_size: [2, 2], strides: [2, 2], padding: "valid" });
    }
    this.conv("fc6", [7, 7, 512, 4096], "valid");
    this.conv("fc7", [1, 1, 4096, 4096], "valid");
  }

  conv(name: string, [h, w, i, o]: readonly [number, number, number, number], padding: string): void {
    this.feature(name, "Conv2D", { filters: o, kernel_size: [h, w], strides: [1, 1], padding }, [
      [`${name}/${name}/kernel:0`, [h, w, i, o]],
      [`${name}/${name}/bias:0`, [o]],
    ]);
  }

  feature(name: string, type: string, config: Readonly<Record<string, Inert>>, tensors: readonly Entry[] = []): void {
    const inner = new Map<string, Inert>([
      ["class_name", type],
      ["config", new Map(Object.entries(config))],
    ]);
    if (this.wrapped) this.add(name, "TimeDistributed", { layer: inner }, tensors);
    else this.add(name, type, config, tensors);
  }

  add(name: string, type: string, config: Readonly<Record<string, Inert>>, tensors: readonly Entry[] = []): void {
    this.tensors.push(...tensors);
    this.layers.push(
      layerRecord(
        name,
        type,
        config,
        tensors.map(([key]) => key),
      ),
    );
  }

  dense(name: string, inputs: number, units: number): void {
    this.add(name, "Dense", { units }, [
      [`${name}/${name}/kernel:0`, [inputs, units]],
      [`${name}/${name}/bias:0`, [units]],
    ]);
  }

  checkpoint(): Checkpoint {
    return describedFile({ format: "keras-h5", tensors: this.tensors, layers: this.layers });
  }
}

function parameters(checkpoint: Checkpoint): number | undefined {
  return layerTable(checkpoint, identify(checkpoint))?.totals.parameters;
}

describe("the layer table", () => {
  test("of torchvision's VGG-16: every layer's numbers and the totals", () => {
    const checkpoint = describedFile({ tensors: vgg16() });
    const table = layerTable(checkpoint, identify(checkpoint));
    const row = (name: string) => table?.layers.find((layer) => layer.name === name);
    expect(table?.totals).toMatchObject({ parameters: 138_357_544, withoutBiases: 138_344_128, statistics: 0, bytes: 553_430_176 });
    // 15.47 thousand million, the number that papers give for VGG-16 at 224 × 224.
    expect(table?.totals.multiplyAdds).toBe(15_470_264_320);
    const fields = [
      "name",
      "type",
      "parameters",
      "weights",
      "biases",
      "statistics",
      "bytes",
      "outputShape",
      "multiplyAdds",
      "activationBytes",
    ];
    for (const layer of table?.layers ?? []) expect(Object.keys(layer)).toEqual(fields);
    expect(row("conv1_1")).toMatchObject({ type: "conv 3×3", outputShape: [224, 224, 64], parameters: 1792, multiplyAdds: 86_704_128 });
    expect(row("pool5")).toMatchObject({ outputShape: [7, 7, 512], parameters: 0, activationBytes: 100_352 });
    expect(row("fc6")).toMatchObject({ outputShape: [4096], weights: 102_760_448, biases: 4096, multiplyAdds: 102_760_448 });
    expect(row("fc7")).toMatchObject({ weights: 16_777_216, parameters: 16_781_312 });
  });

  test("of another input size, where the adaptive pool keeps fc6", () => {
    const checkpoint = describedFile({ tensors: vgg16() });
    const table = layerTable(checkpoint, identify(checkpoint), { inputSize: [320, 256] });
    const shapes = new Map(table?.layers.map((layer) => [layer.name, layer.outputShape]));
    expect(shapes.get("pool5")).toEqual([10, 8, 512]);
    expect(shapes.get("avgpool")).toEqual([7, 7, 512]);
    expect(shapes.get("fc8")).toEqual([1000]);
  });

  test("of VGG-Face with 2622 classes, the weightless layers of the file included", () => {
    const model = new KerasModel();
    model.conv("fc8", [1, 1, 4096, 2622], "valid");
    model.add("flatten", "Flatten", {});
    model.add("prob", "Activation", { activation: "softmax" });
    const checkpoint = model.checkpoint();
    const table = layerTable(checkpoint, identify(checkpoint));
    expect(table?.totals.parameters).toBe(145_002_878);
    expect(table?.layers.map((layer) => layer.type)).toContain("MaxPooling2D");
    expect(table?.layers.find((layer) => layer.name === "fc6")?.outputShape).toEqual([1, 1, 4096]);
    expect(table?.layers.at(-1)).toMatchObject({ name: "prob", type: "Activation", outputShape: [2622], parameters: 0 });
  });

  test("of changed heads: the totals that Keras gives", () => {
    const conv4096 = new KerasModel();
    conv4096.conv("fc8", [1, 1, 4096, 4096], "valid");
    conv4096.add("flatten", "Flatten", {});
    conv4096.dense("dense", 4096, 2);
    expect(parameters(conv4096.checkpoint())).toBe(151_050_050);
    const conv2048 = new KerasModel();
    conv2048.conv("fc8", [1, 1, 4096, 2048], "valid");
    conv2048.add("flatten", "Flatten", {});
    conv2048.dense("dense", 2048, 2);
    expect(parameters(conv2048.checkpoint())).toBe(142_655_298);
    const dense2048 = new KerasModel();
    dense2048.add("flatten", "Flatten", {});
    dense2048.dense("dense", 4096, 2048);
    dense2048.dense("dense_1", 2048, 2);
    expect(parameters(dense2048.checkpoint())).toBe(142_655_298);
  });

  test("of video heads: frames in front, recurrent layers counted", () => {
    const convLstm = new KerasModel(5);
    convLstm.add("fc8", "ConvLSTM2D", { filters: 2049, kernel_size: [1, 1], strides: [1, 1], padding: "valid", return_sequences: false }, [
      ["fc8/fc8/kernel:0", [1, 1, 4096, 4 * 2049]],
      ["fc8/fc8/recurrent_kernel:0", [1, 1, 2049, 4 * 2049]],
      ["fc8/fc8/bias:0", [4 * 2049]],
    ]);
    convLstm.add("flatten", "Flatten", {});
    convLstm.dense("dense", 2049, 2);
    const table = layerTable(convLstm.checkpoint(), identify(convLstm.checkpoint()));
    expect(table?.totals.parameters).toBe(184_637_260);
    expect(table?.layers.find((layer) => layer.name === "pool5")).toMatchObject({
      type: "TimeDistributed(MaxPooling2D)",
      outputShape: [5, 7, 7, 512],
    });
    expect(table?.layers.find((layer) => layer.name === "fc8")).toMatchObject({
      outputShape: [1, 1, 2049],
      multiplyAdds: 5 * 4 * 2049 * (4096 + 2049),
    });

    const lstm = new KerasModel(5);
    lstm.feature("flatten", "Flatten", {});
    lstm.add("lstm", "LSTM", { units: 30, return_sequences: false }, [
      ["lstm/lstm/lstm_cell/kernel:0", [4096, 120]],
      ["lstm/lstm/lstm_cell/recurrent_kernel:0", [30, 120]],
      ["lstm/lstm/lstm_cell/bias:0", [120]],
    ]);
    lstm.dense("dense", 30, 2);
    const video = layerTable(lstm.checkpoint(), identify(lstm.checkpoint()));
    expect(video?.totals.parameters).toBe(134_755_846);
    expect(video?.layers.find((layer) => layer.name === "flatten")?.outputShape).toEqual([5, 4096]);
    expect(video?.layers.at(-1)?.outputShape).toEqual([2]);
  });

  test("of tensors of no layer: at the end, and in the totals", () => {
    const checkpoint = describedFile({ tensors: [...vgg16(), ["extra.gate.weight", [3, 17]], ["extra.gate.bias", [17]]] });
    const table = layerTable(checkpoint, identify(checkpoint));
    expect(table?.layers.at(-1)).toMatchObject({ name: "extra.gate", type: "dense", parameters: 68 });
    expect(table?.totals.parameters).toBe(138_357_612);
  });

  test("of a network that is no VGG: kinds by names and sizes, with their grounds and axes", () => {
    const norm = ["weight", "bias", "running_mean", "running_var"].map((part) => [`bn1.${part}`, [8]] as const);
    const checkpoint = describedFile({
      tensors: [
        ["conv1.weight", [8, 3, 7, 7]],
        ...norm,
        ["up.weight", [8, 4, 2, 2]],
        ["up.bias", [4]],
        ["fc.weight", [5, 16]],
        ["fc.bias", [5]],
      ],
    });
    const table = layerTable(checkpoint, identify(checkpoint));
    expect(table?.layers.map(({ name, type }) => [name, type])).toEqual([
      ["conv1", "conv 7×7"],
      ["bn1", "norm"],
      ["up", "transposed conv 2×2"],
      ["fc", "dense"],
    ]);
    expect(table?.layers[2]).toMatchObject({
      kind: "transposed",
      grounds: "its bias has the length of its second axis of channels",
      parts: [
        { key: "up.weight", axes: "i o h w" },
        { key: "up.bias", axes: "o" },
      ],
    });
    expect(table?.totals).toMatchObject({ parameters: 1176 + 16 + 132 + 85, withoutBiases: 1176 + 16 + 128 + 80, statistics: 16 });
  });

  test("is absent where the file is neither described nor recognised, and nothing says what its layers are", () => {
    const checkpoint = describedFile({ tensors: [["a.weight", [3, 4]]] });
    expect(layerTable(checkpoint, identify(checkpoint))).toBeUndefined();
  });
});
