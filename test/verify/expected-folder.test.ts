import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { convert } from "../../src/index.ts";
import { createContext } from "../../src/io/run.ts";
import { plain } from "../../src/report/report.ts";
import { tiny } from "../../src/report/style.ts";
import { verifyText } from "../../src/report/verify.ts";
import { verifyCheckpoint } from "../../src/verify/verify.ts";
import { npyHeader } from "../../src/writers/numpy/npz.ts";
import { fixtures } from "../support/paths.ts";
import { reference } from "./reference.ts";
import { networkOf, npyFile, npzFile } from "./support.ts";

const ctx = createContext({ values: true });
const folder = mkdtempSync(join(tmpdir(), "vggtool-test-"));
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await ctx.dispose();
});

const weights = join(fixtures, "verify/vgg16-64x96.npz");
const input = join(fixtures, "verify/input.npy");
const set = npzFile(weights);
const picture = npyFile(input);
/** Every layer in float64, as another framework would dump it. */
const outputs = reference(networkOf(set), set, { shape: picture.shape.slice(1), values: picture.values });

function dumped(name: string, layers: Readonly<Record<string, readonly number[]>>): string {
  const place = join(folder, name);
  mkdirSync(place);
  for (const [file, values] of Object.entries(layers)) {
    const count = values.length;
    const [h, w] = count % (32 * 48) === 0 ? [32, 48] : [1, 1];
    const shape = file.startsWith("fc") || file === "logits" ? [1, count] : [1, count / h / w, h, w];
    const array = Float32Array.from(values);
    writeFileSync(
      join(place, `${file}.npy`),
      Buffer.concat([npyHeader({ key: file, dtype: "float32", shape }), Buffer.from(array.buffer)]),
    );
  }
  return place;
}
const of = (layer: string): readonly number[] => outputs.get(layer) ?? [];

describe("a folder of dumped activations", () => {
  test("is compared layer by layer, each as closely as its depth allows", async () => {
    const expected = dumped("layers", { conv2_1: of("conv2_1"), fc6: of("fc6"), logits: of("fc8"), notes: [1, 2, 3] });
    const record = await verifyCheckpoint(weights, { input, expect: expected }, ctx);
    expect(record).toMatchObject({ pass: true, other: expected });
    expect(record.layers.filter(({ maxAbs }) => maxAbs !== null).map(({ role }) => role)).toEqual(["conv2_1", "fc6", "fc8"]);
    const tolerance = (layer: string): number => record.layers.find(({ role }) => role === layer)?.tolerance ?? Number.NaN;
    // Three layers of 27, 36 and 36 products: 2^-24 · (16 + 4 √n) each.
    const [conv1, conv2] = [set.get("conv1_2.weight")?.shape[1] ?? 0, set.get("conv2_1.weight")?.shape[1] ?? 0];
    const wanted = [27, 9 * conv1, 9 * conv2].reduce((sum, products) => sum + 2 ** -24 * (16 + 4 * Math.sqrt(products)), 0);
    expect(tolerance("conv2_1")).toBeCloseTo(wanted, 12);
    expect(tolerance("fc8")).toBeGreaterThan(tolerance("fc6"));
    expect(tolerance("fc8")).toBeLessThan(1e-4);
    expect(record.tolerance?.reason).toMatch(/^of each layer what float32 leaves: /);
    // And a person reads it, layer by layer.
    const text = verifyText(record, { width: 120, paint: plain });
    expect(text).toMatch(
      /^tolerance up to \S+ of each layer's largest value: of each layer what float32 leaves: 2\^-24 · \(16 \+ 4 √products\)/m,
    );
    expect(text).toMatch(/^layer +output +max \|a−b\| +of max \|b\| +allowed +mean \|a−b\| +cosine/m);
    expect(text).toContain(tiny(tolerance("conv2_1")));
    expect(record.notes).toContain(`${expected}: no layer's, and not compared: notes`);
  });

  test("under the names of the file's own modules, from before the ReLU", async () => {
    const torch = join(folder, "vgg.safetensors");
    await convert(weights, { to: "safetensors", out: torch, naming: "torchvision" });
    const { layers } = await verifyCheckpoint(torch, { input, until: "conv1_1" }, ctx);
    expect(layers).toHaveLength(1);
    // features.5 is conv2_1 of torchvision; whatever is negative before the ReLU is nothing behind it.
    const before = of("conv2_1").map((value, k) => (value === 0 ? -1 - k : value));
    const expected = dumped("modules", { "features.5": before });
    const record = await verifyCheckpoint(torch, { input, expect: expected }, ctx);
    expect(record).toMatchObject({ pass: true });
    expect(record.notes).toContain("the expected values of conv2_1 are from before its ReLU: they are compared behind it");
  });

  test("a wrong layer is the first that differs", async () => {
    const expected = dumped("wrong", { conv2_1: of("conv2_1"), fc6: of("fc6").map((value, k) => (k === 3 ? value + 0.01 : value)) });
    expect(await verifyCheckpoint(weights, { input, expect: expected }, ctx)).toMatchObject({ pass: false, firstDivergence: "fc6" });
  });

  test("of a GPU that rounds operands to TF32's 11 bits names it", async () => {
    const coarse = (values: Float32Array): Float32Array => {
      const words = new Uint32Array(values.slice().buffer);
      return new Float32Array(words.map((word) => Math.round(word / 2 ** 13) * 2 ** 13).buffer);
    };
    const rounded = new Map([...set].map(([role, { shape, values }]) => [role, { shape, values: coarse(values) }]));
    const theirs = reference(networkOf(set), rounded, { shape: picture.shape.slice(1), values: coarse(picture.values) });
    const expected = dumped("tf32", Object.fromEntries(["conv2_1", "fc6"].map((layer) => [layer, theirs.get(layer) ?? []])));
    const record = await verifyCheckpoint(weights, { input, expect: expected }, ctx);
    expect(record).toMatchObject({ pass: false, firstDivergence: "conv2_1" });
    expect(record.diagnosis).toEqual([
      expect.stringMatching(/^the errors of conv2_1 look like those of operands rounded to 11 bits, as TF32/),
    ]);
  });

  test("what is no layer's at all, and an empty folder, are refused", async () => {
    await expect(verifyCheckpoint(weights, { input, expect: dumped("none", { a: [1], b: [2] }) }, ctx)).rejects.toMatchObject({
      code: "mismatch",
      message: expect.stringMatching(/^none of 2 arrays in the folder is a layer's, needed names as /),
    });
    await expect(verifyCheckpoint(weights, { input, expect: dumped("empty", {}) }, ctx)).rejects.toMatchObject({ code: "not-found" });
  });
});
