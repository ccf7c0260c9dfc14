import { describe, expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import { compare, identical } from "../../src/tensor/compare.ts";
import { contiguous } from "../../src/tensor/contiguous.ts";
import { castValues } from "../../src/tensor/move/cast.ts";
import { inOrder } from "../../src/tensor/move/in-order.ts";
import { scan } from "../../src/tensor/statistics/scan.ts";
import type { NumericTensor } from "../../src/tensor/tensor.ts";
import { plainView, view } from "../../src/tensor/view.ts";
import { Random } from "../support/random.ts";

const tight = () => createContext({ memory: 2048 });

function floats(shape: readonly number[], values: Float32Array): NumericTensor {
  return contiguous({ name: "t", dtype: "float32", shape, source: memorySource(new Uint8Array(values.slice().buffer)) });
}

const shape = [7, 5, 2, 3];
const random = new Random(5);
const weights = Float32Array.from({ length: 210 }, () => random.next() - 0.5);

describe("compare", () => {
  test("the same values in two layouts are equal, by bits, in tiles of 512 bytes", async () => {
    const a = floats(shape, weights);
    const b = await inOrder(a, tight(), "o i h w", "(h w i) o");
    const sizes = new Map([
      ["h", 2],
      ["w", 3],
    ]);
    const [left, right] = [await view(a, "o i h w"), await view(b, "(h w i) o", sizes)];
    expect(await identical(left, right, tight())).toBe(true);
    expect(await compare(left, right, tight())).toEqual({
      count: 210,
      differing: 0,
      equal: true,
      maxAbs: 0,
      maxRel: 0,
      meanAbs: 0,
      cosine: 1,
      factor: 1,
    });
  });

  test("distances are those of a plain loop, whatever the layouts", async () => {
    const changed = weights.map((value, k) => (k % 3 === 0 ? value + (k % 2 === 0 ? 0.25 : -0.125) : value));
    let [maxAbs, sum, aa, ab, bb, maxB] = [0, 0, 0, 0, 0, 0];
    weights.forEach((x, k) => {
      const y = changed[k] ?? 0;
      maxAbs = Math.max(maxAbs, Math.abs(x - y));
      maxB = Math.max(maxB, Math.abs(y));
      sum += Math.abs(x - y);
      aa += x * x;
      ab += x * y;
      bb += y * y;
    });
    const b = await inOrder(floats(shape, changed), tight(), "o i h w", "w (o h) i");
    const right = await view(b, "w (o h) i", new Map([["o", 7]]));
    const difference = await compare(await view(floats(shape, weights), "o i h w"), right, tight());
    expect(difference.differing).toBe(70);
    expect(difference.maxAbs).toBe(maxAbs);
    expect(difference.maxRel).toBe(maxAbs / maxB);
    expect(difference.meanAbs).toBeCloseTo(sum / 210, 14);
    expect(difference.cosine).toBeCloseTo(ab / Math.sqrt(aa * bb), 13);
  });

  test("NaN equals NaN, one-sided NaN and infinity do not; zero signs do not matter", async () => {
    const of = (...values: number[]) => plainView(floats([values.length], Float32Array.from(values)));
    expect((await compare(await of(Number.NaN, 1, 0), await of(Number.NaN, 1, -0), tight())).equal).toBe(true);
    const one = await compare(await of(Number.NaN, 1, 2), await of(0, 1, 2), tight());
    expect(one).toMatchObject({ equal: false, differing: 1, maxAbs: Number.POSITIVE_INFINITY });
    expect(one.cosine).toBeCloseTo(1, 14);
    const infinite = await of(Number.POSITIVE_INFINITY, 1);
    expect((await compare(infinite, infinite, tight())).equal).toBe(true);
    expect((await compare(infinite, await of(Number.NEGATIVE_INFINITY, 1), tight())).differing).toBe(1);
    expect((await compare(await of(0, 0), await of(1, 0), tight())).cosine).toBe(0);
  });

  test("across dtypes: exact widening is equal; rounding on request explains the rest", async () => {
    const half = new Uint8Array(420);
    castValues({ bytes: new Uint8Array(weights.buffer), dtype: "float32" }, { bytes: half, dtype: "float16" }, 210);
    const b = contiguous({ name: "h", dtype: "float16", shape, source: memorySource(half) });
    const [left, right] = [await view(floats(shape, weights), "o i h w"), await view(b, "o i h w")];
    expect((await compare(left, right, tight())).equal).toBe(false);
    expect((await compare(left, right, tight(), { rounded: "float16" })).equal).toBe(true);
    const wide = await compare(right, right, tight(), { rounded: "float64" });
    expect(wide.equal).toBe(true);
  });

  test("factors along an axis", async () => {
    const by = Float64Array.from({ length: 5 }, (_, k) => k + 0.5);
    const scaled = weights.map((value, k) => value * (by[Math.floor(k / 6) % 5] ?? 0));
    const b = await inOrder(floats(shape, scaled), tight(), "o i h w", "h w i o");
    const [left, right] = [await view(floats(shape, weights), "o i h w"), await view(b, "h w i o")];
    const difference = await compare(left, right, tight(), { scale: { axis: "i", by }, rounded: "float32" });
    expect(difference.equal).toBe(true);
  });

  test("sizes that differ are refused", async () => {
    const other = view(floats([5, 7, 2, 3], weights), "o i h w");
    await expect(compare(await view(floats(shape, weights), "o i h w"), await other, tight())).rejects.toMatchObject({ code: "mismatch" });
  });
});

describe("scan", () => {
  test("visits each element once and knows its index along the axis", async () => {
    for (const axes of ["o i h w", "(h w i) o", "w o (i h)"]) {
      const sizes = new Map([
        ["h", 2],
        ["w", 3],
        ["o", 7],
      ]);
      const source = await view(await inOrder(floats(shape, weights), tight(), "o i h w", axes), axes, sizes);
      const sums = new Float64Array(7);
      let seen = 0;
      const visit = ({ bytes, count, first, every, indices }: Parameters<Parameters<typeof scan>[2]>[0]) => {
        const values = new Float32Array(bytes.slice().buffer);
        for (let k = 0; k < count; k++) {
          const index = first + (Math.floor(k / every) % indices);
          sums[index] = (sums[index] ?? 0) + (values[k] ?? 0);
        }
        seen += count;
      };
      await scan(source, createContext({ memory: 256 }), visit, "o");
      expect(seen).toBe(210);
      for (let o = 0; o < 7; o++) {
        expect(sums[o]).toBeCloseTo(
          weights.slice(o * 30, o * 30 + 30).reduce((sum, value) => sum + value, 0),
          6,
        );
      }
    }
  });

  test("an expanded tensor is visited in bounded memory", async () => {
    const tensor: NumericTensor = {
      name: "e",
      dtype: "uint8",
      shape: [1000, 1000],
      parts: async () => [{ source: memorySource(Uint8Array.of(7)), offset: 0, start: [0, 0], shape: [1000, 1000], strides: [0, 0] }],
    };
    let total = 0;
    await scan(await plainView(tensor), tight(), ({ bytes }) => {
      expect(bytes.length).toBeLessThanOrEqual(1024);
      total += bytes.reduce((sum, value) => sum + value, 0);
    });
    expect(total).toBe(7_000_000);
  });
});
