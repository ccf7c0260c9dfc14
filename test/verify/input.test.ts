import { afterAll, describe, expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import { defaultSize, mostSquare } from "../../src/model/geometry/shapes.ts";
import { inputFrom } from "../../src/verify/input/input.ts";
import { generator, photos } from "../../src/verify/input/photo.ts";
import { arrayFile, checkpointOf, tensorOf } from "./subjects.ts";
import { networkOf, randomSet } from "./support.ts";

const ctx = createContext();
afterAll(() => ctx.dispose());

const set = randomSet({ widths: [[2], [2], [2], [2], [4]], channels: 3, kernels: {}, fc: [4, 2, 3] });
const network = networkOf(set);
const counting = (...shape: number[]) =>
  arrayFile(
    shape,
    Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, (_, k) => k),
  );

describe("a batch from a file", () => {
  test("N C H W as it is", async () => {
    const { shape, values } = await inputFrom(counting(1, 3, 2, 4), "x.npy", network, undefined, ctx);
    expect([shape, [...values].slice(0, 4)]).toEqual([
      [1, 3, 2, 4],
      [0, 1, 2, 3],
    ]);
  });

  test("N H W C, recognised by its channels", async () => {
    const { shape, values } = await inputFrom(counting(1, 2, 4, 3), "x.npy", network, undefined, ctx);
    expect([shape, [...values].slice(0, 9)]).toEqual([
      [1, 3, 2, 4],
      [0, 3, 6, 9, 12, 15, 18, 21, 1],
    ]);
  });

  test("a single picture", async () => {
    expect((await inputFrom(counting(3, 2, 4), "x.npy", network, undefined, ctx)).shape).toEqual([1, 3, 2, 4]);
    const { shape, values } = await inputFrom(counting(2, 4, 3), "x.npy", network, undefined, ctx);
    expect([shape, values[1]]).toEqual([[1, 3, 2, 4], 3]);
  });

  test("both ways possible: it has to be said", async () => {
    await expect(inputFrom(counting(1, 3, 2, 3), "x.npy", network, undefined, ctx)).rejects.toMatchObject({
      code: "usage",
      where: { hint: expect.stringContaining("--input-layout") },
    });
    expect((await inputFrom(counting(1, 3, 2, 3), "x.npy", network, "nchw", ctx)).shape).toEqual([1, 3, 2, 3]);
    expect((await inputFrom(counting(1, 3, 2, 3), "x.npy", network, "nhwc", ctx)).shape).toEqual([1, 3, 3, 2]);
  });

  test("by its name where there are several", async () => {
    const one = tensorOf("input", [1, 3, 1, 1], Float32Array.of(1, 2, 3));
    const two = tensorOf("logits", [1], Float32Array.of(0));
    expect(
      (
        await inputFrom(
          checkpointOf(
            "x.npz",
            new Map([
              ["input", one],
              ["logits", two],
            ]),
          ),
          "x.npz",
          network,
          undefined,
          ctx,
        )
      ).shape,
    ).toEqual([1, 3, 1, 1]);
    await expect(
      inputFrom(
        checkpointOf(
          "x.npz",
          new Map([
            ["a", one],
            ["b", two],
          ]),
        ),
        "x.npz",
        network,
        undefined,
        ctx,
      ),
    ).rejects.toMatchObject({ code: "mismatch", message: '2 arrays found, needed one, or one named "input"' });
  });

  test.each([
    ["two axes", [3, 4]],
    ["no channels", [1, 4, 4, 4]],
    ["nothing in it", [0, 3, 4, 4]],
  ])("refused: %s", async (_, shape) => {
    await expect(inputFrom(counting(...shape), "x.npy", network, undefined, ctx)).rejects.toMatchObject({
      code: "mismatch",
      message: `the input has shape [${shape.join(", ")}], needed N C H W or N H W C with 3 channels`,
      where: { file: "x.npy" },
    });
  });

  test("refused: values that are none", async () => {
    const file = arrayFile([1, 3, 1, 1], Float32Array.of(1, Number.NaN, 2));
    await expect(inputFrom(file, "x.npy", network, undefined, ctx)).rejects.toMatchObject({
      message: "the input holds NaN at value 1, needed finite numbers",
    });
  });
});

describe("generated pictures", () => {
  test("are the same every time, differ by seed, and are never zero", () => {
    const both = photos([1, 2], [3, 40, 70]);
    expect(both.shape).toEqual([2, 3, 40, 70]);
    expect(photos([2], [3, 40, 70]).values).toEqual(both.values.subarray(3 * 40 * 70));
    expect([...both.values].every((value) => Number.isFinite(value) && value !== 0)).toBe(true);
    expect(both.values.subarray(0, 8400)).not.toEqual(both.values.subarray(8400));
  });

  test("are smooth as pictures are, and are in the range that the network expects", () => {
    const { values } = photos([1], [3, 64, 96], { channels: "bgr", range: 255, mean: [100, 110, 120], std: [1, 1, 2], source: "read" });
    const plane = (c: number) => values.subarray(c * 64 * 96, (c + 1) * 64 * 96);
    expect(Math.min(...plane(0))).toBeGreaterThanOrEqual(-100);
    expect(Math.max(...plane(0))).toBeLessThanOrEqual(155);
    expect(Math.max(...plane(2))).toBeLessThanOrEqual(67.5);
    const spread = Math.max(...plane(0)) - Math.min(...plane(0));
    expect(spread).toBeGreaterThan(80);
    const steps = plane(0).map((value, k) => Math.abs(value - (plane(0)[k + 1] ?? value)));
    expect(steps.reduce((sum, step) => sum + step, 0) / steps.length).toBeLessThan(spread / 20);
  });

  test("come from numbers that are spread evenly", () => {
    const random = generator(0);
    const drawn = Array.from({ length: 10_000 }, random);
    expect(drawn.every((value) => value > 0 && value < 1)).toBe(true);
    expect(drawn.reduce((sum, value) => sum + value, 0) / drawn.length).toBeCloseTo(0.5, 1);
  });
});

describe("the size that is run when nobody names one", () => {
  test("the file's own, a conv head's kernel, an adaptive pool, the most square, 224", () => {
    expect(defaultSize({ ...network, inputSize: [50, 60] })).toEqual({ height: 50, width: 60 });
    expect(defaultSize(networkOf(set, { head: "conv" }))).toEqual({ height: 64, width: 96 });
    expect(defaultSize(networkOf(set, { adaptive: [7, 5] }))).toMatchObject({
      height: 224,
      width: 160,
      assumed: expect.stringContaining("adaptive pool"),
    });
    expect(defaultSize(networkOf(set, { featureShape: [4, undefined, undefined] }))).toMatchObject({
      height: 64,
      width: 96,
      assumed: expect.stringContaining("2×3 is taken, an input of 64×96"),
    });
    expect(defaultSize(networkOf(set, { head: "none" }))).toMatchObject({ height: 224, width: 224, assumed: expect.any(String) });
  });

  test.each([
    [49, [7, 7]],
    [6, [2, 3]],
    [7, [1, 7]],
    [1, [1, 1]],
    [12, [3, 4]],
  ])("%i positions", (area, sides) => {
    expect(mostSquare(area)).toEqual(sides);
  });
});
