import { afterAll, expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import { dequantised, vectorNumbers } from "../../src/tensor/dequantised.ts";
import { values } from "../../src/tensor/load.ts";
import type { NumericTensor } from "../../src/tensor/tensor.ts";

const ctx = createContext({ values: true });
afterAll(() => ctx.dispose());

/** Whole numbers 0, 1, 2 … of a type, seen through strides in elements. */
function counting(dtype: "int8" | "uint8" | "int32", count: number, shape: readonly number[], strides: readonly number[]): NumericTensor {
  const numbers = Array.from({ length: count }, (_, k) => k);
  const bytes = new Uint8Array((dtype === "int32" ? Int32Array : Uint8Array).from(numbers).buffer);
  const width = bytes.length / count;
  const part = {
    source: memorySource(bytes, "q"),
    offset: 0,
    start: shape.map(() => 0),
    shape,
    strides: strides.map((step) => step * width),
  };
  return { name: "q", dtype, shape, parts: async () => [part] };
}

async function real(tensor: NumericTensor, axis: number | undefined, scales: readonly number[], zeroPoints: readonly number[]) {
  const made = dequantised(tensor, { axis, read: async () => ({ scales, zeroPoints }) });
  return made === undefined ? undefined : [...new Float32Array((await values(made, ctx)).buffer)];
}

test("one scale and one zero point", async () => {
  expect(await real(counting("uint8", 6, [2, 3], [3, 1]), undefined, [0.5], [2])).toEqual([-1, -0.5, 0, 0.5, 1, 1.5]);
  expect(await real(counting("int32", 3, [3], [1]), undefined, [10], [0])).toEqual([0, 10, 20]);
});

test("a scale for each index of an axis: first, last, and of a tensor whose axes are in another order", async () => {
  const scales = [1, 10];
  expect(await real(counting("int8", 4, [2, 2], [2, 1]), 0, scales, [0, 1])).toEqual([0, 1, 10, 20]);
  expect(await real(counting("int8", 4, [2, 2], [2, 1]), 1, scales, [0, 1])).toEqual([0, 0, 2, 20]);
  // Column-major: element (i, j) is 2 j + i.
  expect(await real(counting("int8", 4, [2, 2], [1, 2]), 0, scales, [0, 0])).toEqual([0, 2, 10, 30]);
});

test("an axis whose elements lie among those of the others", async () => {
  // (i, j) is 2 i + 3 j: no place tells i. 0 3 | 2 5 | 4 7
  expect(await real(counting("uint8", 8, [3, 2], [2, 3]), 0, [1, 10, 100], [0, 0, 0])).toEqual([0, 3, 20, 50, 400, 700]);
});

test("differences and products are rounded to float32 once each", async () => {
  const [value] = (await real(counting("int32", 1, [1], [1]), undefined, [0.1], [2 ** 24 + 1])) ?? [];
  expect(value).toBe(Math.fround(-(2 ** 24) * Math.fround(0.1)));
});

test("types that are no whole numbers have none behind them", async () => {
  const float: NumericTensor = { name: "f", dtype: "float32", shape: [1], parts: async () => [] };
  expect(dequantised(float, { axis: undefined, read: async () => ({ scales: [1], zeroPoints: [0] }) })).toBeUndefined();
});

test("a vector of scales is read in any type and stride", async () => {
  expect([...(await vectorNumbers(counting("int32", 6, [3], [2])))]).toEqual([0, 2, 4]);
});
