import { describe, expect, test } from "vitest";
import { readLayers } from "../../src/model/layers/read-layers.ts";
import { type DescribedFile, describedFile } from "../support/described-file.ts";

type Entry = DescribedFile["tensors"][number];

function grouped(tensors: readonly Entry[], format = "torch") {
  const { weights, norms } = readLayers(describedFile({ format, tensors }));
  return {
    weights: weights.map(({ weight, bias }) => [weight.name, bias?.name]),
    norms: norms.map(({ gamma, beta }) => [gamma?.name, beta?.name]),
  };
}

describe("a dense layer with one input is no batch norm", () => {
  const layer = (weight: string, bias: string) => ({ weights: [[weight, bias]], norms: [] });
  test.each<[string, string, readonly Entry[], string]>([
    [
      "PyTorch",
      "torch",
      [
        ["fc.weight", [5, 1]],
        ["fc.bias", [5]],
      ],
      "fc",
    ],
    [
      "Keras",
      "keras-h5",
      [
        ["dense/kernel:0", [1, 5]],
        ["dense/bias:0", [5]],
      ],
      "dense",
    ],
    [
      "Keras 3, by number",
      "keras-v3",
      [
        ["layers/dense/vars/0", [1, 5]],
        ["layers/dense/vars/1", [5]],
      ],
      "layers/dense",
    ],
    [
      "MatConvNet",
      "matconvnet",
      [
        ["layers{1}.weights{1}", [1, 1, 1, 5]],
        ["layers{1}.weights{2}", [1, 5]],
      ],
      "layers{1}",
    ],
    [
      "Caffe before 2014",
      "caffe",
      [
        ["fc.0", [1, 1, 5, 1]],
        ["fc.1", [1, 1, 1, 5]],
      ],
      "fc",
    ],
    [
      "with one output too",
      "torch",
      [
        ["fc.weight", [1, 1]],
        ["fc.bias", [1]],
      ],
      "fc",
    ],
  ])("%s", (_, format, tensors) => {
    const [[weight] = [""], [bias] = [""]] = tensors;
    expect(grouped(tensors, format)).toEqual(layer(weight, bias));
  });

  test("nor among tensors that only a number distinguishes", () => {
    const numbers: readonly Entry[] = [
      ["variables/0", [9, 4]],
      ["variables/1", [4]],
      ["variables/2", [4, 1]],
      ["variables/3", [1]],
      ["variables/4", [1, 6]],
      ["variables/5", [6]],
    ];
    expect(grouped(numbers, "savedmodel")).toEqual({
      weights: [
        ["variables/0", "variables/1"],
        ["variables/2", "variables/3"],
        ["variables/4", "variables/5"],
      ],
      norms: [],
    });
  });
});

test("a scale and a shift that are kept alike are one", () => {
  const conv: Entry = ["conv.weight", [5, 3, 3, 3]];
  const norms = (names: readonly string[], shape: readonly number[], format?: string) =>
    grouped([conv, ...names.map((name): Entry => [name, shape])], format).norms;
  expect(norms(["bn.weight", "bn.bias"], [5])).toEqual([["bn.weight", "bn.bias"]]);
  expect(norms(["scale.0", "scale.1"], [1, 1, 1, 5], "caffe")).toEqual([["scale.0", "scale.1"]]);
  expect(norms(["scale.0", "scale.1"], [5], "caffe")).toEqual([["scale.0", "scale.1"]]);
});
