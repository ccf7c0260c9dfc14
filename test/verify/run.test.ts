import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import { expectedFrom } from "../../src/verify/compare/expected.ts";
import { wasm } from "../../src/verify/engines/wasm.ts";
import { heldBatch } from "../../src/verify/input/batch.ts";
import { photos } from "../../src/verify/input/photo.ts";
import { type ForwardOptions, runVerify } from "../../src/verify/run.ts";
import { fixtures } from "../support/paths.ts";
import { arrayFile, checkpointOf, layouts, subjectOf, tensorOf } from "./subjects.ts";
import { type HandMade, networkOf, npyFile, npzFile, type Recipe, randomSet } from "./support.ts";

const ctx = createContext();
afterAll(() => ctx.dispose());

const recipe = { widths: [[4], [6, 6], [8], [8], [4]], channels: 3, kernels: {}, fc: [4, 2, 3], batchNorm: true } as const satisfies Recipe;
const set = randomSet(recipe);
const network = networkOf(set);
const input = heldBatch(photos([1, 2, 3], [3, 64, 96]), "generated");
const options: ForwardOptions = { engine: wasm, input };
const plain = subjectOf("plain", set, network);

function subject(name: string, changes: Partial<Recipe> = {}, made: HandMade = {}) {
  const other = randomSet({ ...recipe, ...changes });
  return subjectOf(name, other, networkOf(other, made));
}

describe("one checkpoint", () => {
  test("is run, its outputs summed up, its classes ranked", async () => {
    const record = await runVerify(plain, { ...options, top: 2, labels: ["a", "b", "c", "d"] }, ctx);
    expect(record).toMatchObject({
      schema: "vggtool/verify/1",
      pass: true,
      file: "plain",
      other: null,
      tolerance: null,
      firstDivergence: null,
      diagnosis: [],
    });
    expect(record.layers.map((layer) => layer.role)).toEqual(network.layers.map((layer) => layer.name));
    expect(record.layers[0]).toMatchObject({ shape: [3, 4, 64, 96], maxAbs: null, min: 0, notFinite: 0 });
    expect(record.logits).toMatchObject({ layer: "fc8", shape: [3, 4] });
    expect(record.logits.values).toHaveLength(12);
    expect(record.top).toHaveLength(6);
    expect(record.top[0]).toMatchObject({ picture: 0, rank: 1 });
    expect(record.top[0]?.label).toBe(["a", "b", "c", "d"][record.top[0]?.index ?? -1]);
    // The embedded engine reads weights in each layer's turn: there is no second run to time.
    expect(record.seconds.warm).toBeUndefined();
    expect(record.engine).toMatchObject({ name: "wasm", version: "4.22.0", device: "cpu" });
  });

  test("gives the same whatever number of pictures is run at once", async () => {
    const [all, single] = [await runVerify(plain, options, ctx), await runVerify(plain, { ...options, batch: 1 }, ctx)];
    expect(single.logits).toEqual(all.logits);
    expect(single.layers.map(({ max }) => max)).toEqual(all.layers.map(({ max }) => max));
  });

  test("has feature maps for logits and no classes when it has no head", async () => {
    const record = await runVerify(
      subjectOf("body", new Map([...set].filter(([role]) => !role.startsWith("fc"))), networkOf(set, { head: "none" })),
      options,
      ctx,
    );
    expect(record).toMatchObject({ pass: true, logits: { layer: "pool5", shape: [3, 4, 2, 3] }, top: [] });
  });

  test("whose values grow beyond float32 does not pass", async () => {
    const huge = new Map([
      ...set,
      ...["conv1_1.weight", "conv2_1.weight", "conv3_1.weight"].map(
        (role) =>
          [
            role,
            { shape: set.get(role)?.shape ?? [], values: (set.get(role)?.values ?? new Float32Array(0)).map((value) => value * 1e15) },
          ] as const,
      ),
    ]);
    const record = await runVerify(subjectOf("huge", huge, network), options, ctx);
    expect(record).toMatchObject({ pass: false, firstDivergence: "conv3_1" });
    expect(record.layers.find((layer) => layer.role === "conv3_1")?.problem).toMatch(/^\d+ values are not finite$/);
  });

  test("with a NaN among its weights cannot be run", async () => {
    const values = (set.get("conv3_1.weight")?.values ?? new Float32Array(0)).map((value, k) => (k === 5 ? Number.NaN : value));
    const broken = new Map([...set, ["conv3_1.weight", { shape: set.get("conv3_1.weight")?.shape ?? [], values }]]);
    await expect(runVerify(subjectOf("broken", broken, network), options, ctx)).rejects.toMatchObject({
      code: "unsupported",
      message: expect.stringContaining("conv3_1.weight holds 1 value that is not finite (the first is NaN)"),
      where: { file: "broken", tensor: "conv3_1.weight" },
    });
  });
});

describe("two checkpoints of the same network agree in any clothes", () => {
  const pairs = [
    ["torch", "torch"],
    ["torch", "paddle"],
    ["keras", "torch"],
    ["slim", "keras"],
    ["paddle", "slim"],
    ["slim", "slim"],
  ] as const;
  const headOf = (name: string): HandMade => ({ head: name === "slim" ? "conv" : "dense" });
  test.each(pairs)("%s and %s", async (nameA, nameB) => {
    const a = subjectOf("a", set, networkOf(set, headOf(nameA)), layouts[nameA]);
    const b = subjectOf("b", set, networkOf(set, headOf(nameB)), layouts[nameB]);
    const record = await runVerify(a, { ...options, other: b, batch: 2 }, ctx);
    expect(record).toMatchObject({ pass: true, other: "b", firstDivergence: null, tolerance: { rtol: 1e-4, atol: 0 } });
    expect(record.layers.every((layer) => (layer.maxRel ?? 1) < 1e-6 && (layer.cosine ?? 0) > 0.999999)).toBe(true);
  });

  test("a dense head that does not know its height and width takes the input's", async () => {
    const unknown = networkOf(set, { featureShape: [4, undefined, undefined] });
    const a = subjectOf("a", set, unknown, layouts.keras);
    const b = subjectOf("b", set, unknown, layouts.paddle);
    expect((await runVerify(a, { ...options, other: b }, ctx)).pass).toBe(true);
  });
});

describe("two networks that are not the same", () => {
  test("weights of a wrong layer, by the layer", async () => {
    const record = await runVerify(plain, { ...options, other: subject("other", { seed: 5 }) }, ctx);
    expect(record).toMatchObject({ pass: false, firstDivergence: "conv1_1" });
  });

  test("other widths: shapes against each other", async () => {
    const record = await runVerify(plain, { ...options, other: subject("wide", { widths: [[4], [6, 7], [8], [8], [4]] }) }, ctx);
    expect(record).toMatchObject({ pass: false, firstDivergence: "conv2_2" });
    expect(record.layers.find((layer) => layer.role === "conv2_2")).toMatchObject({
      pass: false,
      maxAbs: null,
      problem: "[3, 6, 32, 48] against [3, 7, 32, 48]",
    });
  });

  test("a convolution more", async () => {
    const deep = randomSet({ ...recipe, widths: [[4, 4], [6, 6], [8], [8], [4]] });
    const same = new Map([...deep, ...[...set].filter(([role]) => deep.get(role)?.shape.join() === set.get(role)?.shape.join())]);
    const record = await runVerify(plain, { ...options, other: subjectOf("deep", same, networkOf(same)) }, ctx);
    expect(record.pass).toBe(false);
    expect(record.layers.at(-1)).toMatchObject({ role: "conv1_2", pass: false, problem: "plain has no such layer" });
  });

  test("a head missing on one side is reported, and the rest compared", async () => {
    const body = subjectOf("body", new Map([...set].filter(([role]) => !role.startsWith("fc"))), networkOf(set, { head: "none" }));
    const record = await runVerify(plain, { ...options, other: body }, ctx);
    expect(record.pass).toBe(true);
    expect(record.notes).toContain("body has no fc6, fc7, fc8: not compared");
    expect(record.layers.find((layer) => layer.role === "fc6")).toMatchObject({ maxAbs: null, pass: true });
  });

  test("an input that one of them cannot take is no answer", async () => {
    const small = subject("small", { fc: [4, 1, 1] });
    await expect(runVerify(plain, { ...options, other: small }, ctx)).rejects.toMatchObject({ code: "mismatch", where: { file: "small" } });
  });

  test("the tolerance is what is asked for", async () => {
    const record = await runVerify(plain, { ...options, other: subject("other", { seed: 5 }), rtol: 10, atol: 1 }, ctx);
    expect(record.tolerance).toEqual({ rtol: 10, atol: 1, reason: "as asked for" });
    expect(record.layers[0]?.pass).toBe(true);
  });
});

describe("expected values", () => {
  const weights = npzFile(join(fixtures, "verify/vgg16-64x96.npz"));
  const picture = npyFile(join(fixtures, "verify/input.npy"));
  const logits = npyFile(join(fixtures, "verify/vgg16-64x96.logits.npy"));
  const vgg16 = subjectOf("vgg16", weights, networkOf(weights), layouts.keras);
  const given: ForwardOptions = { engine: wasm, input: heldBatch(picture, "input.npy") };
  const run = (checkpoint: Parameters<typeof expectedFrom>[0]) =>
    runVerify(vgg16, { ...given, expected: expectedFrom(checkpoint, "expected", vgg16.identity.network, ctx) }, ctx);

  test.each([[[1, 7]], [[7]], [[1, 7, 1, 1]], [[1, 1, 1, 7]]])("logits as %j", async (shape) => {
    const record = await run(arrayFile(shape, logits.values));
    expect(record).toMatchObject({ pass: true, other: "expected" });
    expect(record.layers.at(-1)?.maxRel).toBeLessThan(1e-5);
    expect(record.layers[0]?.maxAbs).toBeNull();
  });

  test("logits that are others", async () => {
    const record = await run(
      arrayFile(
        [1, 7],
        logits.values.map((value) => value + 0.01),
      ),
    );
    expect(record).toMatchObject({ pass: false, firstDivergence: "fc8" });
  });

  test("layers by name, in N C H W and in N H W C", async () => {
    const activations = new Map<string, { shape: readonly number[]; values: Float32Array }>();
    const session = await wasm.open(
      vgg16.identity.network,
      async (role, axes) => (await import("./support.ts")).weightsFrom(weights)(role, axes),
      picture,
      ctx,
    );
    await session.run({ layer: "input", ...picture }, async ({ layer, shape, values }) => void activations.set(layer, { shape, values }));
    await session.close();
    const pool5 = activations.get("pool5") ?? { shape: [], values: new Float32Array(0) };
    const [, c = 0, h = 0, w = 0] = pool5.shape;
    const last = pool5.values.map((_, k) => pool5.values[(k % c) * h * w + Math.floor(k / c)] ?? 0);
    const tensors = [
      tensorOf("pool5", [1, h, w, c], last),
      tensorOf("conv5_3", activations.get("conv5_3")?.shape ?? [], activations.get("conv5_3")?.values ?? last),
      tensorOf("logits", [1, 7], logits.values),
    ];
    const record = await run(checkpointOf("acts.npz", new Map(tensors.map((tensor) => [tensor.name, tensor]))));
    expect(record.pass).toBe(true);
    expect(record.layers.filter((layer) => layer.maxAbs !== null).map((layer) => layer.role)).toEqual(["conv5_3", "pool5", "fc8"]);
  });

  test("what cannot be compared is refused", async () => {
    await expect(run(arrayFile([1, 8], new Float32Array(8)))).rejects.toMatchObject({
      code: "mismatch",
      message: "shape [1, 8] does not fit: fc8 gives [1, 7] (batch first, N C H W)",
    });
    await expect(async () =>
      run(
        checkpointOf(
          "x.npz",
          new Map([
            ["fc9", tensorOf("fc9", [1], new Float32Array(1))],
            ["fc8", tensorOf("fc8", [1], new Float32Array(1))],
          ]),
        ),
      ),
    ).rejects.toMatchObject({
      code: "mismatch",
      message: expect.stringMatching(/^"fc9" is no layer of the network; these are: conv1_1, /),
    });
  });
});
