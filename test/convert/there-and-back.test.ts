import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { convertCheckpoint } from "../../src/convert/convert.ts";
import type { ConvertOptions } from "../../src/convert/options.ts";
import { createContext } from "../../src/io/run.ts";
import { identify } from "../../src/model/identify.ts";
import { open } from "../../src/open.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { hash } from "../../src/tensor/hash.ts";
import { tinyCheckpoint } from "../support/tiny.ts";

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
