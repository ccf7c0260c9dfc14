import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type ConvertResult, convertCheckpoint } from "../../src/convert/convert.ts";
import type { ConvertOptions } from "../../src/convert/options.ts";
import { conventionsOf } from "../../src/formats.ts";
import { createContext } from "../../src/io/run.ts";
import { identify } from "../../src/model/identify.ts";
import { open } from "../../src/open.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { loadFloat64 } from "../../src/tensor/load.ts";
import { isNumeric } from "../../src/tensor/tensor.ts";
import { tensorOf, tinyCheckpoint } from "../support/tiny.ts";

const root = mkdtempSync(join(tmpdir(), "vggtool-own-axes-"));
const ctx = createContext({ values: true, temporaryFolder: root });
afterAll(async () => {
  await ctx.dispose();
  rmSync(root, { recursive: true });
});

/** A checkpoint of these shapes, whose values count up. */
function counting(shapes: Readonly<Record<string, readonly number[]>>, format = "torch"): Checkpoint {
  const tensors = Object.entries(shapes).map(([name, shape]) => {
    const size = shape.reduce((product, n) => product * n, 1);
    return [
      name,
      tensorOf(
        name,
        "float32",
        shape,
        Float64Array.from({ length: size }, (_, k) => k),
      ),
    ] as const;
  });
  const { checkpoint } = tinyCheckpoint("torchvision");
  return { ...checkpoint, format, conventions: conventionsOf(format), tensors: new Map(tensors), layers: [] };
}

async function through(
  checkpoint: Checkpoint,
  file: string,
  options: ConvertOptions,
): Promise<{ readonly made: Checkpoint; readonly result: ConvertResult }> {
  const out = join(root, file);
  const result = await convertCheckpoint({ checkpoint, identity: identify(checkpoint) }, { ...options, out, force: true }, ctx);
  return { made: await open(out, ctx), result };
}

async function valuesOf(
  checkpoint: Checkpoint,
  key: string,
): Promise<{ readonly shape: readonly number[]; readonly values: readonly number[] }> {
  const tensor = checkpoint.tensors.get(key);
  if (tensor === undefined || !isNumeric(tensor)) throw new Error(`${key} is not there`);
  return { shape: tensor.shape, values: [...(await loadFloat64(tensor, ctx))] };
}

const mobile = {
  "conv.weight": [4, 3, 1, 1],
  "conv.bias": [4],
  "dw.weight": [4, 1, 1, 2],
  "dw.bias": [4],
  "pw.weight": [2, 4, 1, 1],
  "pw.bias": [2],
  "up.weight": [2, 3, 1, 2],
  "up.bias": [3],
  "fc.weight": [5, 12],
  "fc.bias": [5],
};

describe("a network that is no VGG, to the axes of another framework", () => {
  test("each kernel and matrix goes by its kind, under its own name", async () => {
    const { made, result } = await through(counting(mobile), "m.safetensors", { to: "safetensors", layout: "keras-applications" });
    // conv.weight counts o · 3 + i.
    expect(await valuesOf(made, "conv.weight")).toEqual({ shape: [1, 1, 3, 4], values: [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11] });
    // dw.weight counts c · 2 + w: a Keras DepthwiseConv2D keeps [h, w, channels, multiplier].
    expect(await valuesOf(made, "dw.weight")).toEqual({ shape: [1, 2, 4, 1], values: [0, 2, 4, 6, 1, 3, 5, 7] });
    // up.weight counts i · 6 + o · 2 + w: a Conv2DTranspose keeps [h, w, outputs, inputs].
    expect(await valuesOf(made, "up.weight")).toEqual({ shape: [1, 2, 3, 2], values: [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11] });
    // fc.weight counts o · 12 + channel · 4 + place, and its rows become place, channel.
    const { shape, values } = await valuesOf(made, "fc.weight");
    expect(shape).toEqual([12, 5]);
    expect(values.slice(0, 15)).toEqual([0, 12, 24, 36, 48, 4, 16, 28, 40, 52, 8, 20, 32, 44, 56]);
    expect(result.ledger.layers.map(({ layer, kind, axes }) => [layer, kind, axes?.to])).toEqual([
      ["conv", "conv", "h w i o"],
      ["dw", "depthwise", "h w c m"],
      ["pw", "conv", "h w i o"],
      ["up", "transposed", "h w o i"],
      ["fc", "dense", "(h w i) o"],
    ]);
    expect(result.plan.assumed.map(({ of, switch: other }) => [of, other])).toEqual([["flatten", "--flatten hwc"]]);
    await made.close();
  });

  test("and back: every tensor has its values again", async () => {
    const source = counting(mobile);
    const { made } = await through(source, "there.safetensors", { to: "safetensors", layout: "keras-applications" });
    const back = await through(made, "back.pth", { to: "torch" });
    for (const key of source.tensors.keys()) expect(await valuesOf(back.made, key)).toEqual(await valuesOf(source, key));
    await made.close();
    await back.made.close();
  });

  test("--flatten says how the inputs of the first matrix are ordered", async () => {
    const { made, result } = await through(counting(mobile), "f.safetensors", {
      to: "safetensors",
      layout: "keras-applications",
      flatten: "hwc",
    });
    expect((await valuesOf(made, "fc.weight")).values.slice(0, 10)).toEqual([0, 12, 24, 36, 48, 1, 13, 25, 37, 49]);
    expect(result.plan.assumed).toEqual([]);
    await made.close();
  });

  test("what is not determined stays as it is stored, and the ledger says why", async () => {
    const shapes = {
      "q.weight": [5, 5],
      "lstm.weight_ih_l0": [8, 3],
      "lstm.weight_hh_l0": [8, 2],
      "x.table": [2, 3, 4, 5],
      "emb.weight": [9, 2],
    };
    const { made, result } = await through(counting(shapes), "u.ckpt", { to: "tfslim" });
    for (const [key, shape] of Object.entries(shapes)) expect(made.tensors.get(key)?.shape).toEqual(shape);
    expect(result.ledger.layers.flatMap(({ layer, kept }) => (kept === undefined ? [] : [[layer, kept]]))).toEqual([
      ["q", "a matrix without a bias, and nothing says what it is"],
      ["lstm", "recurrent layers stay as they are stored"],
      ["x.table", "no known part of a layer"],
    ]);
    await made.close();
  });

  test("a file of plain arrays has no axes of its own: they stay, unless they are asked for", async () => {
    const { made, result } = await through(counting(mobile), "p.npz", { to: "npz" });
    expect(made.tensors.get("conv.weight")?.shape).toEqual([4, 3, 1, 1]);
    expect(result.warnings).toEqual(["the network is not recognised as a VGG: names and axes are kept"]);
    await made.close();
  });

  test("MatConvNet's rows become vectors, and a kernel of one filter has its axis again", async () => {
    const shapes = { "layers{1}.weights{1}": [2, 2, 3, 4], "layers{1}.weights{2}": [1, 4], "layers{2}.weights{1}": [1, 1, 4] };
    const { made } = await through(counting(shapes, "matconvnet"), "v.pth", { to: "torch" });
    expect([...made.tensors.values()].map(({ shape }) => shape)).toEqual([[4, 3, 2, 2], [4], [1, 4, 1, 1]]);
    await made.close();
  });

  test("--use-average takes the averages in their place, under their names and in the target's axes", async () => {
    const ema = "conv/weights/ExponentialMovingAverage";
    const shapes = { "conv/weights": [1, 1, 2, 3], [ema]: [1, 1, 2, 3], "conv/biases": [3], "conv/biases/ExponentialMovingAverage": [3] };
    const source = counting(shapes, "tf-v2");
    const values = Float64Array.of(10, 11, 12, 13, 14, 15);
    const tensors = new Map([...source.tensors, [ema, tensorOf(ema, "float32", [1, 1, 2, 3], values)]]);
    const { made, result } = await through({ ...source, tensors }, "e.pth", { to: "torch", useAverage: true });
    expect([...made.tensors.keys()].sort()).toEqual(["conv/biases", "conv/weights"]);
    expect(await valuesOf(made, "conv/weights")).toEqual({ shape: [3, 2, 1, 1], values: [10, 13, 11, 14, 12, 15] });
    expect(result.plan.unused.map(({ reason }) => reason)).toEqual(["its moving average replaces it", "its moving average replaces it"]);
    await made.close();
  });

  test("a target that holds a network says what does it instead", async () => {
    await expect(through(counting(mobile), "k.h5", { to: "keras" })).rejects.toMatchObject({
      code: "unsupported",
      where: { hint: "--to safetensors --layout keras-applications keeps its names, with the axes of keras" },
    });
  });
});

describe("layers beside a VGG", () => {
  const { checkpoint: body } = tinyCheckpoint("torchvision");
  const others = counting({ "rpn.conv.weight": [4, 6, 3, 3], "rpn.conv.bias": [4], "rpn.score.weight": [2, 4, 1, 1] });
  const hosted: Checkpoint = { ...body, tensors: new Map([...body.tensors, ...others.tensors]) };

  test("get the axes that the network gets, in the whole file and with --part rest", async () => {
    const whole = await through(hosted, "whole.ckpt", { to: "tfslim", inputSize: [64, 96] });
    const rest = await through(hosted, "rest.ckpt", { to: "tfslim", part: "rest" });
    for (const { made } of [whole, rest]) {
      expect(made.tensors.get("rpn.conv.weight")?.shape).toEqual([3, 3, 6, 4]);
      expect(made.tensors.get("rpn.score.weight")?.shape).toEqual([1, 1, 4, 2]);
    }
    expect(await valuesOf(rest.made, "rpn.conv.weight")).toEqual(await valuesOf(whole.made, "rpn.conv.weight"));
    await whole.made.close();
    await rest.made.close();
  });

  test("keep theirs with --layout keep", async () => {
    const { made } = await through(hosted, "kept.ckpt", { to: "tfslim", layout: "keep", inputSize: [64, 96] });
    expect(made.tensors.get("rpn.conv.weight")?.shape).toEqual([4, 6, 3, 3]);
    await made.close();
  });
});
