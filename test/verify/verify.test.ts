import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { convert } from "../../src/index.ts";
import { createContext } from "../../src/io/run.ts";
import { verifyCheckpoint } from "../../src/verify/verify.ts";
import { fixtures } from "../support/paths.ts";

const ctx = createContext({ values: true });
const folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await ctx.dispose();
});

const weights = join(fixtures, "verify/vgg16-64x96.npz");
const input = join(fixtures, "verify/input.npy");
const expect16 = join(fixtures, "verify/vgg16-64x96.logits.npy");

describe("files are opened, recognised and run", () => {
  test("against logits that a float64 computation gave", async () => {
    const record = await verifyCheckpoint(weights, { input, expect: expect16 }, ctx);
    expect(record).toMatchObject({ pass: true, file: weights, other: expect16, input: { shape: [1, 3, 64, 96], source: input } });
    expect(record.layers.at(-1)?.maxRel).toBeLessThan(1e-5);
  });

  test("batch norm, with the epsilon that the names' framework uses", async () => {
    const record = await verifyCheckpoint(
      join(fixtures, "verify/vgg16bn-64x96.npz"),
      { input, expect: join(fixtures, "verify/vgg16bn-64x96.logits.npy"), bnEpsilon: 1e-5 },
      ctx,
    );
    expect(record.pass).toBe(true);
  });

  test("--bn-epsilon is for the file that does not say its own, and for no other", async () => {
    const silent = join(fixtures, "verify/vgg16bn-64x96.npz");
    const saying = join(folder, "bn.safetensors");
    await convert(silent, { to: "safetensors", out: saying, bnEpsilon: 1e-5 });
    const agree = await verifyCheckpoint(silent, { other: saying, input, bnEpsilon: 1e-5 }, ctx);
    expect(agree).toMatchObject({ pass: true });
    const differ = await verifyCheckpoint(silent, { other: saying, input, bnEpsilon: 1e-2 }, ctx);
    expect(differ).toMatchObject({ pass: false, firstDivergence: "conv1_1" });
    expect(differ.diagnosis[0]).toMatch(/^batch norm adds 0\.01 to the variance in .* and 0\.00001 in .*all weights of conv1_1 agree/);
    expect(differ.notes).toContain("--bn-epsilon 0.01 is not used for bn.safetensors, which says 0.00001 itself");
  });

  test("two silent files may have two epsilons", async () => {
    const silent = join(fixtures, "verify/vgg16bn-64x96.npz");
    const copy = join(folder, "bn.npz");
    cpSync(silent, copy);
    const options = { other: copy, input, bnEpsilon: 1e-5 };
    expect(await verifyCheckpoint(silent, options, ctx)).toMatchObject({ pass: true });
    expect(await verifyCheckpoint(silent, { ...options, otherBnEpsilon: 1e-3 }, ctx)).toMatchObject({
      pass: false,
      firstDivergence: "conv1_1",
    });
  });

  test("against itself, on generated pictures of two seeds", async () => {
    const copy = join(folder, "copy.npz");
    cpSync(weights, copy);
    const record = await verifyCheckpoint(weights, { other: copy, seeds: [3, 4] }, ctx);
    expect(record).toMatchObject({ pass: true, other: copy, input: { shape: [2, 3, 64, 96], source: "generated, seeds 3, 4" } });
  });

  test("a descriptor", async () => {
    const record = await verifyCheckpoint(weights, { input, descriptor: "fc7", top: 1 }, ctx);
    expect(record.descriptor).toMatchObject({ layer: "fc7", shape: [1, 20] });
    expect(record.descriptor?.values).toHaveLength(20);
    expect(record.top).toHaveLength(1);
  });

  test("outputs are saved, and what was saved can be expected", async () => {
    const output = join(folder, "logits.npy");
    expect((await verifyCheckpoint(weights, { input, output }, ctx)).pass).toBe(true);
    const again = await verifyCheckpoint(weights, { input, expect: output }, ctx);
    expect(again.layers.at(-1)).toMatchObject({ maxAbs: 0, pass: true });
    await expect(verifyCheckpoint(weights, { input, output }, ctx)).rejects.toMatchObject({ code: "usage" });
    expect((await verifyCheckpoint(weights, { input, output, force: true, descriptor: "fc6" }, ctx)).pass).toBe(true);
    await expect(verifyCheckpoint(weights, { input, output: join(folder, "x.txt") }, ctx)).rejects.toMatchObject({
      code: "usage",
      message: "values are saved as .npy",
    });
  });
});

describe("what is impossible says why", () => {
  const text = join(folder, "notes.txt");
  writeFileSync(text, "no numbers\n");
  test.each([
    ["two things to compare with", weights, { other: weights, expect: expect16 }, { code: "usage" }],
    ["a pair and an input", weights, { input, pair: ["a.png", "b.png"] as const }, { code: "usage" }],
    ["an epsilon of no file", weights, { otherBnEpsilon: 1e-3 }, { code: "usage" }],
    ["no pictures at once", weights, { batch: 0 }, { code: "usage" }],
    [
      "no network",
      input,
      {},
      { code: "unsupported", message: "no VGG network was recognised in it, and only those can be run", where: { file: input } },
    ],
    [
      "an input that is none",
      weights,
      { input: text },
      { code: "unsupported", message: expect.stringMatching(/^neither numbers \(\.npy, \.npz\) nor a picture/), where: { file: text } },
    ],
    ["an input that is not there", weights, { input: join(folder, "absent.npy") }, { code: "not-found" }],
    ["expected values of another shape", weights, { input, expect: input }, { code: "mismatch", where: { file: input } }],
    [
      "an unknown layer",
      weights,
      { descriptor: "fc9" },
      { code: "usage", message: expect.stringContaining("fc9 is no layer of the network; these are: conv1_1") },
    ],
    ["too small a picture", weights, { inputSize: [8, 8] as const }, { code: "mismatch" }],
  ])("%s", async (_, path, options, error) => {
    await expect(verifyCheckpoint(path, options, ctx)).rejects.toMatchObject(error);
  });
});
