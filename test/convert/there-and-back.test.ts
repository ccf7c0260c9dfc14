import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import type { ConvertOptions } from "../../src/convert/options.ts";
import { createContext } from "../../src/io/run.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import { identify } from "../../src/model/identify.ts";
import { open } from "../../src/open.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { contiguous } from "../../src/tensor/contiguous.ts";
import { hash } from "../../src/tensor/hash.ts";
import type { Tensor } from "../../src/tensor/tensor.ts";
import { tinyCheckpoint } from "../support/tiny.ts";
import { size, smallVgg } from "../support/vgg.ts";

/* A sample; test/collections/pairs.ts tries all pairs of golden files, and docs/interop.md has the counts. */

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vggtool-back-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const ctx = createContext({ values: true, temporaryFolder: tmpdir() });
afterAll(() => ctx.dispose());

async function through(checkpoint: Checkpoint, options: ConvertOptions) {
  const result = await convertCheckpoint({ checkpoint, identity: identify(checkpoint) }, { ...options, force: true, check: false }, ctx);
  return { made: await open(result.output, ctx), moves: result.plan.moves };
}

async function hashes(checkpoint: Checkpoint): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const tensor of checkpoint.tensors.values()) found.set(tensor.label ?? tensor.name, await hash(tensor, ctx));
  return found;
}

/** A VGG-11 whose classifier is one dense layer or two, of these names. */
function smallHead(names: readonly string[], head: readonly number[]): Checkpoint {
  const whole = smallVgg(({ shape }) => new Float32Array(size(shape)), [...head, 1, 1]);
  const tensors = new Map<string, Tensor>();
  for (const [key, tensor] of whole.tensors) {
    const [module = "", number, part] = key.split(".");
    const name = module === "classifier" ? names[Number(number) / 3] : `${module}.${number}`;
    if (name === undefined) continue;
    const source = memorySource(new Uint8Array(4 * size(tensor.shape)), "vgg.pth");
    tensors.set(`${name}.${part}`, contiguous({ name: `${name}.${part}`, dtype: "float32", shape: tensor.shape, source }));
  }
  return { ...whole, tensors };
}

describe("a classifier of fewer dense layers", () => {
  test.each([
    [["classifier"], [320, 10], "keras", "one.keras", "fc6"],
    [["classifier"], [320, 10], "caffe", "one.caffemodel", "fc6"],
    [["classifier"], [320, 10], "onnx", "one.onnx", "fc6"],
    [["classifier"], [320, 10], "matconvnet", "one.mat", "fc6"],
    [["classifier.0", "classifier.3"], [320, 90, 10], "keras", "two.keras", "fc7"],
    [["classifier.0", "classifier.3"], [320, 90, 10], "matconvnet", "two.mat", "fc7"],
  ])("%s of %s is whole in the graph that --to %s writes", async (names, head, to, name, last) => {
    const { made } = await through(smallHead(names, head), { to, out: join(folder, name), inputSize: [128, 128] });
    expect(identify(made)).toMatchObject({ complete: true, missing: [], through: last, network: { classes: 10 } });
    await made.close();
  });
});

describe("there and back", () => {
  test.each([
    ["torchvision", "torch", "vgg.pth", { to: "matconvnet", out: "a.mat" }],
    ["paddle-vision", "paddle", "vgg.pdparams", { to: "tfslim", out: "a.ckpt" }],
    ["keras-applications", "keras", "vgg_weights.h5", { to: "caffe", out: "a.caffemodel" }],
    ["tfslim", "tfslim", "vgg.ckpt", { to: "onnx", out: "a.onnx" }],
    ["matconvnet", "matconvnet", "vgg.mat", { to: "tfjs", out: "a-tfjs" }],
  ])("%s: every tensor has its bytes again", async (scheme, to, name, { out, ...between }) => {
    const { checkpoint } = tinyCheckpoint(scheme);
    const start = await through(checkpoint, { to, naming: scheme, out: join(folder, name) });
    const other = await through(start.made, { ...between, inputSize: [64, 96], out: join(folder, out) });
    const back = await through(other.made, { to, naming: scheme, inputSize: [64, 96], out: join(folder, `back-${name}`) });
    expect([...(await hashes(back.made))].sort()).toEqual([...(await hashes(start.made))].sort());
    for (const one of [start, other, back]) await one.made.close();
  });

  test("values that a target cannot keep as they are, are said to be computed", async () => {
    const { checkpoint } = tinyCheckpoint("torchvision", { batchNorm: true });
    const { made, moves } = await through(checkpoint, { to: "tfslim", out: join(folder, "bn.ckpt"), inputSize: [64, 96] });
    const computed = moves.filter(({ move }) => move === "compute").map(({ to }) => to.replace(/.*\//, ""));
    expect([...new Set(computed)].sort()).toEqual(["moving_mean", "moving_variance"]);
    expect(computed.length).toBe(16);
    await made.close();
  });

  test("a convolution without a bias comes back from MatConvNet, which keeps an empty array there", async () => {
    const { checkpoint } = tinyCheckpoint("tfslim", { batchNorm: true, bias: false });
    const { made } = await through(checkpoint, { to: "matconvnet", out: join(folder, "nobias.mat"), inputSize: [64, 96] });
    expect(made.tensors.get("layers{1}.weights{2}")?.shape).toEqual([0, 0]);
    const back = await through(made, { to: "tfslim", out: join(folder, "nobias.ckpt") });
    expect([...back.made.tensors.keys()].filter((key) => /conv1_1/.test(key)).sort()).toEqual(
      ["BatchNorm/beta", "BatchNorm/gamma", "BatchNorm/moving_mean", "BatchNorm/moving_variance", "weights"].map(
        (leaf) => `vgg_a/conv1/conv1_1/${leaf}`,
      ),
    );
    await made.close();
    await back.made.close();
  });
});
