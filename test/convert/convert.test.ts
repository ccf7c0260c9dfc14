import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { type ConvertResult, convertCheckpoint } from "../../src/convert/convert.ts";
import type { ConvertOptions } from "../../src/convert/options.ts";
import { createContext } from "../../src/io/run.ts";
import { identify } from "../../src/model/identify.ts";
import type { Role } from "../../src/model/role.ts";
import { open } from "../../src/open.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { loadFloat64 } from "../../src/tensor/load.ts";
import { isNumeric } from "../../src/tensor/tensor.ts";
import { laidOut, tensorOf, tinyCheckpoint, valueAt } from "../support/tiny.ts";

const root = mkdtempSync(join(tmpdir(), "vggtool-test-"));
let folder = root;
let count = 0;
const ctx = createContext({ values: true, temporaryFolder: root });
afterAll(async () => {
  await ctx.dispose();
  rmSync(root, { recursive: true });
});
beforeEach(() => {
  count += 1;
  folder = join(root, String(count));
  mkdirSync(folder);
});

const out = (name = "out.safetensors"): string => join(folder, name);

async function run(checkpoint: Checkpoint, options: ConvertOptions = {}): Promise<ConvertResult> {
  return convertCheckpoint({ checkpoint, identity: identify(checkpoint) }, { out: out(), ...options }, ctx);
}

interface Read {
  readonly shape: readonly number[];
  readonly dtype: string;
  readonly values: Float64Array;
}

async function read(path = out()): Promise<{ tensors: Map<string, Read>; metadata: Checkpoint["metadata"] }> {
  const checkpoint = await open(path, ctx);
  const tensors = new Map<string, Read>();
  for (const [key, tensor] of checkpoint.tensors) {
    if (isNumeric(tensor)) tensors.set(key, { shape: tensor.shape, dtype: tensor.dtype, values: await loadFloat64(tensor, ctx) });
  }
  await checkpoint.close();
  return { tensors, metadata: checkpoint.metadata };
}

const float32 = (values: Float64Array): Float64Array => Float64Array.from(values, Math.fround);

describe("from every scheme to canonical", () => {
  test.each([
    "canonical",
    "tfslim",
    "tfslim-dense",
    "torchvision",
    "torch-small",
    "paddle-vision",
    "paddle-convpool",
    "frossard",
    "npy-dict",
  ])("%s", async (scheme) => {
    const { checkpoint, network } = tinyCheckpoint(scheme);
    const { plan, checked } = await run(checkpoint);
    expect(checked).toBe(true);
    expect(plan.unused).toEqual([]);
    const { tensors } = await read();
    expect(tensors.size).toBe(22);
    for (const [role, axes] of [
      ["conv1_1.weight", "h w i o"],
      ["conv5_2.bias", "o"],
      ["fc6.weight", "(h w i) o"],
      ["fc7.weight", "i o"],
    ] as const) {
      const want = laidOut(role, axes, network);
      expect(tensors.get(role)?.shape).toEqual(want.shape);
      expect(tensors.get(role)?.values).toEqual(float32(want.values));
    }
  });
});

describe("names and axes", () => {
  test("--naming torchvision brings torch's axes", async () => {
    const { checkpoint, network } = tinyCheckpoint("tfslim");
    await run(checkpoint, { naming: "torchvision" });
    const { tensors } = await read();
    expect(tensors.get("classifier.0.weight")).toEqual({
      dtype: "float32",
      ...laidOut("fc6.weight", "o (i h w)", network),
      values: float32(laidOut("fc6.weight", "o (i h w)", network).values),
    });
  });

  test("--naming keep keeps keys and takes the target's axes; --layout keep keeps axes", async () => {
    const { checkpoint, network } = tinyCheckpoint("torchvision");
    await run(checkpoint, { naming: "keep" });
    expect((await read()).tensors.get("features.0.weight")?.shape).toEqual(laidOut("conv1_1.weight", "h w i o", network).shape);
    await run(checkpoint, { layout: "keep", force: true });
    const kept = (await read()).tensors.get("fc6.weight");
    expect(kept?.values).toEqual(float32(laidOut("fc6.weight", "o (i h w)", network).values));
    expect(kept?.shape).toEqual([7, 36]);
  });

  test("--fc conv and back gives the same values", async () => {
    const { checkpoint, network } = tinyCheckpoint("torchvision");
    const failure = run(checkpoint, { fc: "conv" });
    await expect(failure).rejects.toMatchObject({ code: "usage", where: { hint: expect.stringContaining("64x96x3") } });
    await run(checkpoint, { fc: "conv", inputSize: [64, 96, 3] });
    const conv = await open(out(), ctx);
    expect(conv.tensors.get("fc6.weight")?.shape).toEqual([2, 3, 6, 7]);
    expect(conv.tensors.get("fc8.weight")?.shape).toEqual([1, 1, 8, 9]);
    await run(conv, { fc: "dense", out: out("back.safetensors") });
    await conv.close();
    const { tensors } = await read(out("back.safetensors"));
    expect(tensors.get("fc6.weight")?.values).toEqual(float32(laidOut("fc6.weight", "(h w i) o", network).values));
  });

  test("axes, architecture and preprocessing stand in the metadata", async () => {
    await run(tinyCheckpoint("tfslim").checkpoint);
    const { metadata } = await read();
    expect(JSON.parse(String(metadata.get("axes")))).toMatchObject({ "conv1_1.weight": "h w i o", "fc6.weight": "(h w i) o" });
    expect(JSON.parse(String(metadata.get("architecture")))).toMatchObject({ family: "vgg", config: "A", classes: 9 });
    expect(JSON.parse(String(metadata.get("preprocessing")))).toMatchObject({ channels: "rgb", source: "assumed" });
  });
});

describe("batch norm", () => {
  test("into tf-slim's names the bias goes into the mean and the variance follows its epsilon", async () => {
    const { checkpoint, network } = tinyCheckpoint("torchvision", { batchNorm: true });
    const { plan } = await run(checkpoint, { naming: "tfslim-dense", bnEpsilon: 1e-5 });
    const { tensors } = await read();
    expect(tensors.has("vgg_a/conv1/conv1_1/biases")).toBe(false);
    const mean = laidOut("conv1_1.bn.mean", "o", network).values;
    const bias = laidOut("conv1_1.bias", "o", network).values;
    expect(tensors.get("vgg_a/conv1/conv1_1/BatchNorm/moving_mean")?.values).toEqual(mean.map((m, k) => Math.fround(m - (bias[k] ?? 0))));
    expect(plan.moves.find(({ to }) => to.endsWith("conv1_1/BatchNorm/moving_mean"))?.move).toBe("compute");
    // safetensors record the epsilon, so the variance stays as it is.
    expect(tensors.get("vgg_a/conv1/conv1_1/BatchNorm/moving_variance")?.values).toEqual(
      float32(laidOut("conv1_1.bn.var", "o", network).values),
    );
  });

  test("--fold-bn computes in float64 and rounds once", async () => {
    const { checkpoint, network } = tinyCheckpoint("torchvision", { batchNorm: true });
    const epsilon = 1e-3;
    const result = await run(checkpoint, { foldBn: true, bnEpsilon: epsilon });
    const { tensors, metadata } = await read();
    expect([...tensors.keys()].some((key) => key.includes(".bn."))).toBe(false);
    const at = (role: Role, o: number): number => Math.fround(valueAt(role, o, 0, 0, 0));
    const scale = (o: number): number => at("conv3_1.bn.weight", o) / Math.sqrt(at("conv3_1.bn.var", o) + epsilon);
    const weight = laidOut("conv3_1.weight", "h w i o", network, (role, o, i, h, w) =>
      Math.fround(Math.fround(valueAt(role, o, i, h, w)) * scale(o)),
    );
    expect(tensors.get("conv3_1.weight")?.values).toEqual(weight.values);
    const bias = laidOut("conv3_1.bias", "o", network, (_, o) =>
      Math.fround((at("conv3_1.bias", o) - at("conv3_1.bn.mean", o)) * scale(o) + at("conv3_1.bn.bias", o)),
    );
    expect(tensors.get("conv3_1.bias")?.values).toEqual(bias.values);
    expect(JSON.parse(String(metadata.get("architecture")))).toMatchObject({ batchNorm: false });
    expect(result.ledger.totals.unused).toBe(0);
  });
});

describe("heads, types and edits", () => {
  test("--no-top, and a ledger that says so", async () => {
    const { ledger } = await run(tinyCheckpoint("tfslim").checkpoint, { noTop: true });
    expect((await read()).tensors.size).toBe(16);
    expect(ledger.sources.filter(({ use }) => use === "unused").map(({ role, reason }) => [role, reason])).toContainEqual([
      "fc8.weight",
      "--no-top",
    ]);
  });

  test("--num-classes: a new head, the same for the same seed in every layout", async () => {
    const { checkpoint } = tinyCheckpoint("tfslim");
    await run(checkpoint, { numClasses: 4, init: "normal", seed: 7 });
    const first = (await read()).tensors;
    expect(first.get("fc8.weight")?.shape).toEqual([8, 4]);
    expect(first.get("fc8.bias")?.values).toEqual(new Float64Array(4));
    await run(checkpoint, { numClasses: 4, init: "normal", seed: 7, naming: "torchvision", out: out("torch.safetensors") });
    const torch = (await read(out("torch.safetensors"))).tensors.get("classifier.6.weight")?.values ?? new Float64Array();
    const canonical = first.get("fc8.weight")?.values ?? new Float64Array();
    expect(torch[1]).toBe(canonical[4]);
    expect(new Set(torch).size).toBe(32);
    await run(checkpoint, { numClasses: 4, init: "normal", seed: 8, out: out("other.safetensors") });
    expect((await read(out("other.safetensors"))).tensors.get("fc8.weight")?.values).not.toEqual(canonical);
  });

  test("--swap-rgb turns the input channels of conv1_1 round, and the preprocessing with them", async () => {
    const { checkpoint, network } = tinyCheckpoint("tfslim");
    const { plan } = await run(checkpoint, { swapRgb: true });
    const { tensors, metadata } = await read();
    const want = laidOut("conv1_1.weight", "h w i o", network, (role, o, i, h, w) => valueAt(role, o, 2 - i, h, w));
    expect(tensors.get("conv1_1.weight")?.values).toEqual(float32(want.values));
    expect(plan.moves[0]?.move).toBe("flip");
    expect(JSON.parse(String(metadata.get("preprocessing")))).toMatchObject({ channels: "bgr", mean: [103.94, 116.78, 123.68] });
  });

  test("--dtype float16 says what was lost", async () => {
    const { checkpoint } = tinyCheckpoint("tfslim", { more: [tensorOf("mean_rgb", "float32", [3], Float64Array.of(1e6, 1e-9, 0.1))] });
    const { ledger } = await run(checkpoint, { dtype: "float16" });
    expect((await read()).tensors.get("fc6.weight")?.dtype).toBe("float16");
    expect(ledger.targets.find(({ key }) => key === "mean_rgb")?.loss).toMatchObject({ overflows: 1, underflows: 1 });
  });

  test("others travel, state stays behind with a reason, --keep-state takes it along", async () => {
    const more = [
      tensorOf("global_step", "int64", [], Float64Array.of(5)),
      tensorOf("vgg_a/fc8/weights/Adam", "float32", [1, 1, 8, 9], new Float64Array(72)),
      tensorOf("mine", "int32", [2], Float64Array.of(3, 4)),
    ];
    const { checkpoint } = tinyCheckpoint("tfslim", { more });
    const { ledger } = await run(checkpoint);
    expect((await read()).tensors.get("mine")?.values).toEqual(Float64Array.of(3, 4));
    expect(ledger.sources.filter(({ use }) => use === "unused").map(({ key }) => key)).toEqual(["global_step", "vgg_a/fc8/weights/Adam"]);
    await run(checkpoint, { keepState: true, force: true });
    expect((await read()).tensors.get("global_step")?.values).toEqual(Float64Array.of(5));
  });

  test("--use-average puts averages in the place of the weights", async () => {
    const average = new Float64Array(9).fill(0.5);
    const { checkpoint } = tinyCheckpoint("tfslim", {
      more: [tensorOf("vgg_a/fc8/biases/ExponentialMovingAverage", "float32", [9], average)],
    });
    await run(checkpoint, { useAverage: true });
    expect((await read()).tensors.get("fc8.bias")?.values).toEqual(average);
  });

  test("--exclude takes keys, scopes and roles", async () => {
    const { checkpoint } = tinyCheckpoint("tfslim");
    await run(checkpoint, { exclude: ["vgg_a/fc8*", "conv1_1.bias"] });
    const { tensors } = await read();
    expect(tensors.size).toBe(19);
    expect(tensors.has("fc8.weight")).toBe(false);
    await expect(run(checkpoint, { exclude: ["fc9*"], force: true })).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining("fc9*"),
    });
  });

  test("biases that a network lacks are zeros only where the names belong to one that has them", async () => {
    const { checkpoint } = tinyCheckpoint("paddle-clas", { bias: false });
    await run(checkpoint);
    expect((await read()).tensors.has("conv1_1.bias")).toBe(false);
    const { plan } = await run(checkpoint, { naming: "torchvision", force: true });
    expect((await read()).tensors.get("features.0.bias")?.values).toEqual(new Float64Array(2));
    expect(plan.moves.filter(({ move }) => move === "init")).toHaveLength(8);
  });

  test("old Paddle's factor is applied for other names and recorded for canonical ones", async () => {
    const { checkpoint, network } = tinyCheckpoint("paddle-clas", { bias: false });
    await run(checkpoint, { naming: "torchvision" });
    const want = laidOut("fc7.weight", "o i", network, (...at) => Math.fround(valueAt(...at)) / 2);
    expect((await read()).tensors.get("classifier.3.weight")?.values).toEqual(want.values);
    await run(checkpoint, { force: true });
    const { tensors, metadata } = await read();
    expect(tensors.get("fc7.weight")?.values).toEqual(float32(laidOut("fc7.weight", "i o", network).values));
    expect(JSON.parse(String(metadata.get("architecture")))).toMatchObject({ inputScale: 0.5 });
  });
});

describe("an unknown network", () => {
  const unknown = (): Checkpoint => {
    const { checkpoint } = tinyCheckpoint("tfslim");
    return { ...checkpoint, tensors: new Map([["a", tensorOf("a", "float32", [2, 3], Float64Array.of(1, 2, 3, 4, 5, 6))]]) };
  };

  test("keeps names and axes, and says so", async () => {
    const { warnings, plan } = await run(unknown());
    expect((await read()).tensors.get("a")?.values).toEqual(Float64Array.of(1, 2, 3, 4, 5, 6));
    expect(warnings.join()).toContain("not recognised");
    expect(plan.scheme).toBe("keep");
  });

  test("refuses what needs a network", async () => {
    await expect(run(unknown(), { fc: "conv" })).rejects.toMatchObject({ code: "unsupported" });
  });
});

describe("files", () => {
  test("same input, same bytes; a dry run writes nothing", async () => {
    const { checkpoint } = tinyCheckpoint("tfslim");
    const dry = await run(checkpoint, { dryRun: true });
    expect(readdirSync(folder)).toEqual([]);
    expect(dry.plan.moves).toHaveLength(22);
    await run(checkpoint);
    await run(checkpoint, { out: out("again.safetensors") });
    expect(readFileSync(out()).equals(readFileSync(out("again.safetensors")))).toBe(true);
  });

  test("an existing file needs --force, a failure leaves it untouched and nothing else behind", async () => {
    writeFileSync(out(), "mine");
    const { checkpoint } = tinyCheckpoint("tfslim");
    await expect(run(checkpoint)).rejects.toMatchObject({ code: "usage" });
    const tensors = new Map(checkpoint.tensors);
    const broken = tensors.get("vgg_a/fc7/weights");
    if (broken === undefined || !isNumeric(broken)) throw new Error("no fc7");
    tensors.set("vgg_a/fc7/weights", { ...broken, parts: () => Promise.reject(new Error("disk on fire")) });
    await expect(run({ ...checkpoint, tensors }, { force: true })).rejects.toThrow("disk on fire");
    expect(readFileSync(out(), "utf8")).toBe("mine");
    expect(readdirSync(folder)).toEqual(["out.safetensors"]);
  });

  test("never onto the input", async () => {
    const { checkpoint } = tinyCheckpoint("tfslim");
    await run(checkpoint);
    const source = await open(out(), ctx);
    const request = { checkpoint: source, identity: identify(source), input: out() };
    await expect(convertCheckpoint(request, { out: out(), force: true }, ctx)).rejects.toMatchObject({
      code: "usage",
      message: "the output would replace the input",
    });
    const { files } = await convertCheckpoint(request, {}, ctx);
    expect(files).toEqual([out("out.canonical.safetensors")]);
    await source.close();
  });

  test("shards, an unknown target, npz", async () => {
    const { checkpoint } = tinyCheckpoint("tfslim");
    const { files } = await run(checkpoint, { maxShardSize: 2000 });
    expect(files.length).toBeGreaterThan(2);
    expect((await read(files.at(-1))).tensors.size).toBe(22);
    await expect(run(checkpoint, { to: "safetensor" })).rejects.toMatchObject({
      code: "usage",
      where: { hint: "did you mean --to safetensors?" },
    });
    await run(checkpoint, { out: out("a.npz") });
    expect(existsSync(out("a.npz"))).toBe(true);
    expect((await read(out("a.npz"))).tensors.size).toBe(22);
  });
});
