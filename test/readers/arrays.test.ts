import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import { open } from "../../src/open.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { fixtureCases } from "../support/fixture-cases.ts";
import { expectedCases } from "../support/golden.ts";
import { listing } from "../support/listing.ts";
import { fixtures, golden } from "../support/paths.ts";

const formats = ["npy", "npz", "safetensors", "hdf5", "keras-h5", "keras-v3", "tfjs"];

describe("fixtures list exactly what was written", () => {
  test.each(fixtureCases(...formats).map((item) => [`${item.arch}/${item.name}`, item] as const))("%s", async (_, item) => {
    const { tensors, checkpoint } = await listing(item.path);
    expect(tensors).toEqual(Object.fromEntries(item.tensors));
    expect(checkpoint.format).toBe(item.arch);
    expect(checkpoint.notes).toEqual([]);
  });
});

const quick =
  /^(npz|npy-dict|safetensors|paddle-safetensors|tfjs-|keras3-sharded|keras3-keras-(folder|nested)|keras3-bfloat16|keras2-many-layers|keras1-th-theano-model|c$|fortran)/;
describe.skipIf(golden === undefined)("golden cases", () => {
  const cases = golden === undefined ? [] : expectedCases(golden).filter((item) => quick.test(item.name) && !item.arch.includes("-224"));
  test.each(cases.map((item) => [`${item.arch}/${item.name}`, item] as const))("%s", async (_, item) => {
    expect((await listing(item.path)).tensors).toEqual(Object.fromEntries(item.tensors));
  });
});

async function opened(...path: readonly string[]): Promise<Checkpoint> {
  const ctx = createContext();
  const checkpoint = await open(join(fixtures, ...path), ctx);
  await checkpoint.close();
  await ctx.dispose();
  return checkpoint;
}

const labels = (checkpoint: Checkpoint): readonly (string | undefined)[] => [...checkpoint.tensors.values()].map((tensor) => tensor.label);
const kerasLabels = [
  "block1_conv1/kernel",
  "block1_conv1/bias",
  "block1_bn1/gamma",
  "block1_bn1/beta",
  "block1_bn1/moving_mean",
  "block1_bn1/moving_variance",
  "predictions/kernel",
  "predictions/bias",
];

describe("Keras", () => {
  test.each([
    ["keras-h5", "weights", "vgg.h5"],
    ["keras-h5", "model", "vgg.h5"],
    ["keras-v3", "keras", "model.keras"],
    ["keras-v3", "npz", "model.keras"],
  ])("%s/%s: the layers' own order and labels", async (...path) => {
    expect(labels(await opened(...path)).slice(0, 8)).toEqual(kerasLabels);
  });

  test("bare weights have labels from the attribute of vars, ordered by name", async () => {
    expect(labels(await opened("keras-v3", "bfloat16", "bf16.weights.h5")).toSorted()).toEqual(kerasLabels.toSorted());
  });

  test("the configuration becomes layers with their tensors and inputs", async () => {
    const { layers, metadata } = await opened("keras-h5", "model", "vgg.h5");
    expect(layers.map(({ name, type, inputs, tensors }) => [name, type, inputs, tensors.length])).toEqual([
      ["input_1", "InputLayer", [], 0],
      ["block1_conv1", "Conv2D", ["input_1"], 2],
      ["block1_bn1", "BatchNormalization", ["block1_conv1"], 4],
      ["flatten", "Flatten", ["block1_bn1"], 0],
      ["predictions", "Dense", ["flatten"], 2],
    ]);
    expect(layers[2]?.attributes.get("epsilon")).toBe(1e-5);
    expect(metadata.get("backend")).toBe("tensorflow");
    expect(metadata.get("training_config")).toEqual(new Map([["loss", "mse"]]));
  });

  test("optimizer state is marked", async () => {
    const kinds = async (...path: readonly string[]): Promise<unknown> => [...(await opened(...path)).tensors.values()].at(-1)?.kind;
    expect(await kinds("keras-h5", "model", "vgg.h5")).toBe("optimizer");
    expect(await kinds("keras-v3", "keras", "model.keras")).toBe("optimizer");
  });

  test("any shard opens the set", async () => {
    const whole = await opened("keras-v3", "sharded", "m.weights.json");
    const shard = await opened("keras-v3", "sharded", "m_00001.weights.h5");
    expect([...shard.tensors.keys()]).toEqual([...whole.tensors.keys()]);
    expect(shard.files).toEqual(["m.weights.json", "m_00000.weights.h5", "m_00001.weights.h5"]);
  });
});

describe("sets", () => {
  test("a shard of safetensors opens the index beside it", async () => {
    const shard = await opened("safetensors", "sharded", "model-00002-of-00002.safetensors");
    expect([...shard.tensors.keys()]).toEqual(["conv.bias", "conv.weight", "fc.weight"].filter((name) => shard.tensors.has(name)));
    expect(shard.tensors.size).toBe(3);
  });

  test("TensorFlow.js: a shard or the folder opens model.json, quantised weights say so", async () => {
    for (const path of [["group1-shard2of3.bin"], []]) {
      const { tensors, files } = await opened("tfjs", "layers", ...path);
      expect(files[0]).toBe("model.json");
      expect(tensors.get("block1_conv1/bias")?.stored).toEqual({ kind: "quantised", dtype: "uint8", scale: 0.1, min: -0.25 });
    }
  });
});
