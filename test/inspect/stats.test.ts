import { expect, test } from "vitest";
import { statsRecord, tensorStatistics } from "../../src/inspect/stats.ts";
import { createContext } from "../../src/io/run.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import { contiguous } from "../../src/tensor/contiguous.ts";

test.each(["complex64", "complex128"] as const)("statistics of %s are those of the magnitudes, as of numpy.abs", async (dtype) => {
  const parts = [3, 4, 0, 0, -5, 12, Number.NaN, 1, Number.NEGATIVE_INFINITY, 0, -0, 0];
  const values = dtype === "complex64" ? Float32Array.from(parts) : Float64Array.from(parts);
  const source = memorySource(new Uint8Array(values.buffer), "x");
  const ctx = createContext();
  const found = await tensorStatistics(contiguous({ name: "x", dtype, shape: [2, 3], source }), ctx);
  await ctx.dispose();
  expect(statsRecord(found, dtype)).toMatchObject({
    of: "magnitude",
    min: 0,
    max: Number.POSITIVE_INFINITY,
    // Of the finite ones: 5, 0, 13, 0.
    mean: 4.5,
    std: Math.sqrt((25 + 169) / 4 - 4.5 ** 2),
    zeros: 2,
    nan: 1,
    inf: 1,
  });
});

test("statistics of real numbers do not say of what they are", async () => {
  const ctx = createContext();
  const source = memorySource(new Uint8Array(Float32Array.of(1, 2).buffer), "x");
  const found = await tensorStatistics(contiguous({ name: "x", dtype: "float32", shape: [2], source }), ctx);
  await ctx.dispose();
  expect(Object.keys(statsRecord(found, "float32"))).not.toContain("of");
});
