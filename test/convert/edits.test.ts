import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type ConvertResult, convertCheckpoint } from "../../src/convert/convert.ts";
import type { ConvertOptions } from "../../src/convert/options.ts";
import { createContext } from "../../src/io/run.ts";
import { identify } from "../../src/model/identify.ts";
import type { Role } from "../../src/model/role.ts";
import { open } from "../../src/open.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { loadFloat64 } from "../../src/tensor/load.ts";
import { isNumeric } from "../../src/tensor/tensor.ts";
import { expectSame } from "../support/bytes.ts";
import { Random } from "../support/random.ts";
import { laidOut, tensorOf, tinyCheckpoint, valueAt } from "../support/tiny.ts";

const root = mkdtempSync(join(tmpdir(), "vggtool-edits-"));
const ctx = createContext({ values: true, temporaryFolder: root });
afterAll(async () => {
  await ctx.dispose();
  rmSync(root, { recursive: true });
});
const out = join(root, "out.safetensors");

async function run(checkpoint: Checkpoint, options: ConvertOptions = {}): Promise<ConvertResult> {
  return convertCheckpoint({ checkpoint, identity: identify(checkpoint) }, { to: "safetensors", out, force: true, ...options }, ctx);
}

async function read(): Promise<ReadonlyMap<string, Float64Array>> {
  const checkpoint = await open(out, ctx);
  const all = new Map<string, Float64Array>();
  for (const [key, tensor] of checkpoint.tensors) if (isNumeric(tensor)) all.set(key, await loadFloat64(tensor, ctx));
  await checkpoint.close();
  return all;
}

describe("what is made anew", () => {
  test("zeros that mean missing biases are said, layer by layer, and only where the names have biases", async () => {
    const { checkpoint } = tinyCheckpoint("paddle-clas", { bias: false });
    const { plan, ledger } = await run(checkpoint, { naming: "torchvision" });
    expect(plan.assumed).toContainEqual({
      of: "stand-in",
      what: "zeros mean what the source does not store: conv1_1.bias, conv2_1.bias, conv3_1.bias, conv3_2.bias, conv4_1.bias, conv4_2.bias, conv5_1.bias, conv5_2.bias",
      grounds: "networks of the target have these, and zeros change nothing",
      switch: "--naming keep, or --like a checkpoint without them",
    });
    expect(ledger.targets.find(({ key }) => key === "features.0.bias")).toEqual({
      key: "features.0.bias",
      role: "conv1_1.bias",
      move: "init",
      from: [],
    });
    expect((await run(checkpoint)).plan.assumed.map(({ of }) => of)).not.toContain("stand-in");
  });

  test("a new head: He's deviation √(2 ÷ inputs) by seed, zeros where asked for", async () => {
    const { checkpoint } = tinyCheckpoint("torchvision");
    const head = async (options: ConvertOptions): Promise<Float64Array> => {
      await run(checkpoint, { numClasses: 4000, ...options });
      return (await read()).get("fc8.weight") ?? new Float64Array();
    };
    const values = await head({ seed: 1 });
    expect(values).toHaveLength(8 * 4000);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
    expect(Math.abs(mean)).toBeLessThan(0.01);
    expect(deviation).toBeCloseTo(Math.sqrt(2 / 8), 2);
    expectSame(await head({ seed: 1 }), values);
    expect(await head({ seed: 2 })).not.toEqual(values);
    expectSame(await head({ init: "zeros" }), new Float64Array(8 * 4000));
  });

  test("the last layer where the file ends before it: fc7 stays what it is", async () => {
    const { checkpoint } = tinyCheckpoint("torchvision");
    const without = (...layers: readonly string[]): Checkpoint => {
      const kept = [...checkpoint.tensors].filter(([key]) => !layers.some((layer) => key.startsWith(layer)));
      return { ...checkpoint, tensors: new Map(kept) };
    };
    await run(checkpoint);
    const whole = await read();
    await run(without("classifier.6"), { numClasses: 6, init: "zeros" });
    const made = await read();
    expectSame(made.get("fc7.weight"), whole.get("fc7.weight") ?? new Float64Array());
    expectSame(made.get("fc8.weight"), new Float64Array(8 * 6));
    expectSame(made.get("fc8.bias"), new Float64Array(6));
    await run(checkpoint, { numClasses: 6, init: "zeros", naming: "keep" });
    expectSame((await read()).get("classifier.6.bias"), new Float64Array(6));
    await expect(run(without("classifier.6"), { numClasses: 6, naming: "keep" })).rejects.toMatchObject({
      code: "usage",
      message: "--naming keep has no name for the new fc8: the source has no such layer",
    });
  });
});

describe("batch norm between frameworks (vgg-layouts.md, section 6)", () => {
  test("folding: w·γ ÷ √(σ² + ε) and β + (b − μ)·γ ÷ √(σ² + ε) in float64, rounded once", async () => {
    const { checkpoint, network } = tinyCheckpoint("torchvision", { batchNorm: true });
    const { plan } = await run(checkpoint, { foldBn: true, bnEpsilon: 1e-3 });
    const made = await read();
    expect([...made.keys()].some((key) => key.includes("bn"))).toBe(false);
    const at = (role: Role, o: number, i = 0, h = 0, w = 0): number => Math.fround(valueAt(role, o, i, h, w));
    const scale = (o: number): number => at("conv3_2.bn.weight", o) / Math.sqrt(at("conv3_2.bn.var", o) + 1e-3);
    const weight = laidOut("conv3_2.weight", "h w i o", network, (role, o, i, h, w) => Math.fround(at(role, o, i, h, w) * scale(o)));
    expect(made.get("conv3_2.weight")).toEqual(weight.values);
    const bias = laidOut("conv3_2.bias", "o", network, (_role, o) =>
      Math.fround((at("conv3_2.bias", o) - at("conv3_2.bn.mean", o)) * scale(o) + at("conv3_2.bn.bias", o)),
    );
    const difference = (made.get("conv3_2.bias") ?? []).map((value, k) => Math.abs(value - (bias.values[k] ?? 0)));
    // The order of three float64 operations is free: the float32 result may be the neighbour.
    expect(Math.max(...difference)).toBeLessThan(1e-6);
    expect(plan.assumed.map(({ of }) => of)).not.toContain("stand-in");
  });

  test("another epsilon: σ² + ε stays what it is, so that every channel is scaled alike", async () => {
    const { checkpoint } = tinyCheckpoint("torchvision", { batchNorm: true });
    const { plan } = await run(checkpoint, { naming: "tfslim", fc: "dense", bnEpsilon: 1e-5 });
    const key = plan.moves.find(({ fills }) => fills[0]?.role === "conv2_1.bn.var")?.to ?? "";
    const [epsilon] = plan.moves.flatMap(({ fills }) => (fills[0]?.role === "conv2_1.bn.var" ? [fills[0].epsilon] : []));
    const stored = (await read()).get(key) ?? [];
    expect(stored).toHaveLength(3);
    stored.forEach((value, o) => {
      expect(value + (epsilon?.[1] ?? 0)).toBeCloseTo(Math.fround(valueAt("conv2_1.bn.var", o, 0, 0, 0)) + 1e-5, 6);
    });
  });
});

test("--dtype: the largest errors, overflows and what vanishes, in the ledger", async () => {
  const { checkpoint } = tinyCheckpoint("torchvision");
  const tensors = new Map(checkpoint.tensors);
  const bias = Float64Array.of(1, 70_000, 1e-9, -3.2154, 0, 2, 3, 4, 5);
  tensors.set("classifier.6.bias", tensorOf("classifier.6.bias", "float32", [9], bias));
  const { ledger } = await run({ ...checkpoint, tensors }, { dtype: "float16" });
  const loss = ledger.targets.find(({ role }) => role === "fc8.bias")?.loss;
  expect(loss).toMatchObject({ overflows: 1, underflows: 1 });
  expect((await read()).get("fc8.bias")?.[1]).toBe(Number.POSITIVE_INFINITY);
});

describe("the ledger accounts for every tensor, once", () => {
  const random = new Random(77);
  const pick = <T>(items: readonly T[]): T => {
    const item = items[Math.floor(random.next() * items.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  };
  const edits: readonly ConvertOptions[] = [
    {},
    { noTop: true },
    { numClasses: 3 },
    { exclude: ["fc8*"] },
    { include: ["conv*"] },
    { dtype: "float16" },
    { naming: "keep" },
    { naming: "torchvision" },
    { naming: "tfslim", fc: "dense" },
    { map: { "my.kernel": { from: "*conv1_1*weight*" } } },
    { swapRgb: true },
  ];
  const schemes = ["canonical", "tfslim", "torchvision", "paddle-vision", "caffe", "keras-applications", "matconvnet-dagnn"];
  const cases = Array.from({ length: 24 }, (_, k) => ({
    scheme: pick(schemes),
    batchNorm: random.next() < 0.3,
    more: random.next() < 0.5,
    options: edits[k % edits.length] ?? {},
  }));

  test.each(cases)("$scheme, batch norm $batchNorm, more $more, $options", async ({ scheme, batchNorm, more, options }) => {
    const counter = tensorOf("global_step", "int64", [], Float64Array.of(3), { kind: "bookkeeping" });
    const own = tensorOf("my_own", "float32", [2], Float64Array.of(1, 2));
    const { checkpoint } = tinyCheckpoint(scheme, { batchNorm, more: more ? [counter, own] : [] });
    const first = [...checkpoint.tensors.keys()].find((key) => /conv1_1.*(weight|kernel)/.test(key));
    const map = first === undefined ? {} : { map: { "my.kernel": { from: first } } };
    const { plan, ledger } = await run(checkpoint, { ...(options.map === undefined ? options : map), dryRun: true });
    const { sources, targets, missing, totals } = ledger;
    expect(sources.map(({ key }) => key)).toEqual([...checkpoint.tensors.keys()]);
    expect(targets.map(({ key }) => key)).toEqual(plan.moves.map(({ to }) => to));
    expect(new Set(targets.map(({ key }) => key)).size).toBe(targets.length);
    // Both sides tell the same: who fills whom.
    const forth = sources.flatMap(({ key, to }) => to.map((target) => `${key} -> ${target}`));
    const back = targets.flatMap(({ key, from }) => from.map((source) => `${source} -> ${key}`));
    expect(forth.sort()).toEqual(back.sort());
    for (const { use, to, reason } of sources) {
      expect(to.length).toBe(use === "unused" ? 0 : use === "used" ? 1 : Math.max(2, to.length));
      expect((reason ?? "") === "").toBe(use !== "unused");
    }
    expect(totals).toEqual({
      used: sources.filter(({ use }) => use === "used").length,
      unused: sources.filter(({ use }) => use === "unused").length,
      usedTwice: sources.filter(({ use }) => use === "used twice").length,
      filled: targets.length,
      missing: missing.length,
    });
    expect(totals.used + totals.unused + totals.usedTwice).toBe(checkpoint.tensors.size);
  });
});
