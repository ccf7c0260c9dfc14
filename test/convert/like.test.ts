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
import { values } from "../../src/tensor/load.ts";
import { isNumeric, type Tensor } from "../../src/tensor/tensor.ts";
import { tensorOf, tinyCheckpoint } from "../support/tiny.ts";

const root = mkdtempSync(join(tmpdir(), "vggtool-like-"));
const ctx = createContext({ values: true, temporaryFolder: root });
afterAll(async () => {
  await ctx.dispose();
  rmSync(root, { recursive: true });
});

const out = join(root, "out.safetensors");

async function run(checkpoint: Checkpoint, other: Checkpoint | undefined, options: ConvertOptions = {}): Promise<ConvertResult> {
  const like = other === undefined ? {} : { like: { checkpoint: other, identity: identify(other) } };
  return convertCheckpoint(
    { checkpoint, identity: identify(checkpoint), ...like },
    { to: "safetensors", out, force: true, ...options },
    ctx,
  );
}

async function contents(checkpoint: Checkpoint): Promise<Map<string, unknown>> {
  const all = new Map<string, unknown>();
  for (const [key, tensor] of checkpoint.tensors) {
    if (isNumeric(tensor))
      all.set(key, { shape: tensor.shape, dtype: tensor.dtype, bytes: Buffer.from(await values(tensor, ctx)).toString("hex") });
  }
  return all;
}

async function written(): Promise<Map<string, unknown>> {
  const checkpoint = await open(out, ctx);
  const all = await contents(checkpoint);
  await checkpoint.close();
  return all;
}

const schemes = ["canonical", "tfslim", "tfslim-dense", "torchvision", "torch-small", "paddle-vision", "paddle-convpool", "frossard"];

describe("by role", () => {
  test.each(schemes.flatMap((a) => schemes.filter((b) => b !== a).map((b) => [a, b])))("%s like %s", async (a = "", b = "") => {
    const other = tinyCheckpoint(b).checkpoint;
    await run(tinyCheckpoint(a).checkpoint, other, { check: false });
    expect(await written()).toEqual(await contents(other));
  });

  test("types are the other's too, and its counters keep their values", async () => {
    const more = [tensorOf("global_step", "int64", [], Float64Array.of(3))];
    const other = tinyCheckpoint("tfslim", { dtype: "float16", more }).checkpoint;
    const { warnings } = await run(tinyCheckpoint("torchvision").checkpoint, other);
    expect((await written()).get("global_step")).toEqual((await contents(other)).get("global_step"));
    expect((await written()).get("vgg_a/fc7/weights")).toEqual((await contents(other)).get("vgg_a/fc7/weights"));
    expect(warnings.join()).toContain("global_step");
  });

  test("averages replace weights and biases alike", async () => {
    const { checkpoint } = tinyCheckpoint("tfslim");
    const averages = [...checkpoint.tensors.values()].map(({ name, shape }, k) =>
      tensorOf(`${name}/ExponentialMovingAverage`, "float32", shape, new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(k)),
    );
    const source = tinyCheckpoint("tfslim", { more: averages }).checkpoint;
    const { ledger } = await run(source, tinyCheckpoint("tfslim").checkpoint, { useAverage: true });
    const wanted = averages.map((tensor) => tensor.name.replace("/ExponentialMovingAverage", ""));
    expect([...(await written()).keys()].sort()).toEqual(wanted.sort());
    expect(new Set(ledger.targets.map(({ from }) => from[0]?.endsWith("/ExponentialMovingAverage")))).toEqual(new Set([true]));
    expect(ledger.sources.find(({ key }) => key === "vgg_a/fc7/biases")?.reason).toBe("its moving average replaces it");
  });

  test("a head of another size is refused by name", async () => {
    const { checkpoint } = tinyCheckpoint("torchvision");
    const tensors = new Map(checkpoint.tensors);
    tensors.set("classifier.6.weight", tensorOf("classifier.6.weight", "float32", [2, 8], new Float64Array(16)));
    tensors.set("classifier.6.bias", tensorOf("classifier.6.bias", "float32", [2], new Float64Array(2)));
    const other = { ...checkpoint, tensors };
    const source = tinyCheckpoint("tfslim").checkpoint;
    await expect(run(source, other)).rejects.toMatchObject({
      code: "mismatch",
      message: expect.stringContaining("fc8.weight is [1, 1, 8, 9]"),
      where: { hint: "a new head: --num-classes 2 --init normal; without it: --exclude 'fc8' --allow-missing" },
    });
    await run(source, other, { numClasses: 2, init: "zeros" });
    expect([...(await written()).keys()]).toContain("classifier.6.weight");
    const { plan, warnings } = await run(source, other, { exclude: ["fc8"], allowMissing: true });
    expect((await written()).get("classifier.6.weight")).toEqual((await contents(other)).get("classifier.6.weight"));
    expect(plan.missing).toContainEqual({
      key: "classifier.6.weight",
      role: "fc8.weight",
      reason: "the source has nothing for it: the other checkpoint's value stays",
    });
    expect(warnings).toContain("kept as in the other checkpoint: classifier.6.weight, classifier.6.bias");
  });

  test("fc6 with a row for each channel: applied to pool5 without flattening, said in one sentence", async () => {
    const { checkpoint } = tinyCheckpoint("tfslim-dense");
    const tensors = new Map(checkpoint.tensors);
    tensors.set("vgg_a/fc6/weights", tensorOf("vgg_a/fc6/weights", "float32", [6, 7], new Float64Array(42)));
    const failure = run(tinyCheckpoint("tfslim").checkpoint, { ...checkpoint, tensors });
    await expect(failure).rejects.toMatchObject({
      code: "mismatch",
      message: expect.stringMatching(/fc6 has 6 rows, one for each channel of pool5.*without flattening.*36 rows/),
    });
  });

  test("a convolution without a bias cannot take one", async () => {
    const other = tinyCheckpoint("paddle-clas", { bias: false }).checkpoint;
    await expect(run(tinyCheckpoint("torchvision").checkpoint, other)).rejects.toMatchObject({ where: { tensor: "features.0.bias" } });
  });
});

describe("by structure", () => {
  const made = (format: string, ...tensors: readonly Tensor[]): Checkpoint => ({
    ...tinyCheckpoint("canonical").checkpoint,
    format,
    conventions: conventionsOf(format),
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
  });
  const numbers = (count: number, from = 0): Float64Array => Float64Array.from({ length: count }, (_, k) => from + k);

  test("names first; a square matrix takes the axes of its framework", async () => {
    const source = made("torch", tensorOf("a.weight", "float32", [2, 2], numbers(4)), tensorOf("a.bias", "float32", [2], numbers(2)));
    const other = made(
      "paddle",
      tensorOf("net.a.weight", "float32", [2, 2], numbers(4)),
      tensorOf("net.a.bias", "float32", [2], numbers(2)),
    );
    const { plan } = await run(source, other);
    expect(plan.moves.map(({ to, move }) => [to, move])).toEqual([
      ["net.a.weight", "transpose"],
      ["net.a.bias", "copy"],
    ]);
    expect((await written()).get("net.a.weight")).toEqual(
      (await contents(made("npz", tensorOf("net.a.weight", "float32", [2, 2], Float64Array.of(0, 2, 1, 3))))).get("net.a.weight"),
    );
  });

  test("a shape that is alone, then order; two candidates are refused and named, and --map decides", async () => {
    const source = made(
      "npz",
      tensorOf("p", "float32", [2, 3], numbers(6)),
      tensorOf("q", "float32", [2, 3], numbers(6, 9)),
      tensorOf("r", "float32", [5], numbers(5)),
    );
    const other = made("npz", tensorOf("z", "float32", [5], numbers(5)), tensorOf("x", "float32", [2, 3], numbers(6)));
    await expect(run(source, other)).rejects.toMatchObject({
      code: "mismatch",
      message: expect.stringContaining("p, q"),
      where: { tensor: "x" },
    });
    const { plan } = await run(source, other, { map: { x: { from: "q" } } });
    expect(plan.moves.map(({ to, fills }) => [to, fills[0]?.from[0]?.key])).toEqual([
      ["z", "r"],
      ["x", "q"],
    ]);
    const inOrder = made(
      "npz",
      tensorOf("one", "float32", [2, 3], numbers(6)),
      tensorOf("two", "float32", [2, 3], numbers(6)),
      tensorOf("three", "float32", [5], numbers(5)),
    );
    expect((await run(source, inOrder)).plan.moves.map(({ fills }) => fills[0]?.from[0]?.key)).toEqual(["p", "q", "r"]);
  });
});

describe("--map", () => {
  test("a move by hand replaces what was found; patterns carry names over", async () => {
    const { checkpoint } = tinyCheckpoint("torchvision");
    const { plan } = await run(checkpoint, undefined, {
      map: {
        "mine.*.w": { from: "classifier.*.weight", axes: "o i -> i o" },
        "conv1_1.weight": { from: "features.0.weight", axes: "o i h w -> h w o i" },
      },
    });
    const keys = plan.moves.map(({ to }) => to);
    expect(keys).toContain("mine.3.w");
    expect(keys).not.toContain("fc7.weight");
    expect(plan.moves.find(({ to }) => to === "conv1_1.weight")?.toShape).toEqual([3, 3, 2, 3]);
  });

  test("a printed plan, edited and fed back", async () => {
    const { checkpoint } = tinyCheckpoint("tfslim");
    const { plan } = await run(checkpoint, undefined, { dryRun: true });
    const edited: unknown = JSON.parse(
      JSON.stringify({ ...plan, moves: plan.moves.slice(0, 2).map((move) => ({ ...move, to: `x/${move.to}` })) }),
    );
    await run(checkpoint, undefined, { map: edited });
    expect([...(await written()).keys()].sort()).toEqual(["x/conv1_1.bias", "x/conv1_1.weight"]);
  });

  test.each([
    [{ a: { from: "nothing" } }, "the source has no nothing"],
    [{ a: { from: "features.0.weight", axes: "o i h w" } }, "a pattern as in"],
    [{ a: 3 }, "needed an object"],
    [{ schema: "vggtool/plan/2" }, 'needed "vggtool/plan/1"'],
    [{ schema: "vggtool/plan/1", format: "safetensors", scheme: "x", moves: [{ to: "a" }], unused: [], missing: [] }, "moves[0].toShape"],
    [
      {
        schema: "vggtool/plan/1",
        format: "safetensors",
        scheme: "x",
        moves: [{ to: "a", toShape: [1], toDtype: "float32", move: "copy", fills: [{ formula: "value", from: [] }] }],
        unused: [],
        missing: [],
      },
      "moves[0].fills[0].from",
    ],
  ])("%j is refused: %s", async (map, message) => {
    await expect(run(tinyCheckpoint("torchvision").checkpoint, undefined, { map })).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining(message),
    });
  });
});
