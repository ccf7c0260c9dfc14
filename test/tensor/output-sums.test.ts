import { expect, test } from "vitest";
import { tensorStatistics } from "../../src/inspect/stats.ts";
import { createContext } from "../../src/io/run.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import { parseAxes } from "../../src/tensor/axes.ts";
import { contiguous } from "../../src/tensor/contiguous.ts";
import type { OutputSums } from "../../src/tensor/statistics/output-sums.ts";

/** Two outputs of six weights each: 1 2 3 4 5 6, and −1 0 0 0 0 7. */
const weights = [
  [1, 2, 3, 4, 5, 6],
  [-1, 0, 0, 0, 0, 7],
] as const;
const valueAt = (o: number, k: number): number => weights[o]?.[k] ?? 0;

async function sums(axes: string, shape: readonly number[], values: readonly number[]): Promise<OutputSums | undefined> {
  const source = memorySource(new Uint8Array(Float32Array.from(values).buffer));
  const tensor = contiguous({ name: "w", dtype: "float32", shape, source });
  const weight = { layer: "conv1_1", kind: "conv", tensor, axes: parseAxes(axes), sizes: new Map(), fanIn: 6, fanOut: 2 } as const;
  return (await tensorStatistics(tensor, createContext(), weight)).outputs;
}

test("energy and largest weight of every output, whichever axis the outputs are", async () => {
  const rows = weights.flat();
  const columns = [0, 1, 2, 3, 4, 5].flatMap((k) => [valueAt(0, k), valueAt(1, k)]);
  const between = [0, 3].flatMap((from) => [0, 1].flatMap((o) => [0, 1, 2].map((k) => valueAt(o, from + k))));
  for (const found of [
    await sums("o i h w", [2, 1, 2, 3], rows),
    await sums("h w i o", [2, 3, 1, 2], columns),
    await sums("h o i", [2, 2, 3], between),
  ]) {
    expect(Array.from(found?.energy ?? [])).toEqual([91, 50]);
    expect(Array.from(found?.largest ?? [])).toEqual([6, 7]);
  }
});

test("an output with a value that is no number has no energy", async () => {
  const found = await sums("o i", [2, 2], [1, Number.NaN, 2, 2]);
  expect(Array.from(found?.energy ?? [])).toEqual([Number.NaN, 8]);
});

test("long runs of a dense layer are summed up with its statistics", async () => {
  const values = Array.from({ length: 2 * 1500 }, (_, k) => (k < 1500 ? 0.5 : 2));
  const source = memorySource(new Uint8Array(Float32Array.from(values).buffer));
  const tensor = contiguous({ name: "w", dtype: "float32", shape: [2, 1500], source });
  const weight = { layer: "fc7", kind: "fc", tensor, axes: parseAxes("o i"), sizes: new Map(), fanIn: 1500, fanOut: 2 } as const;
  const found = await tensorStatistics(tensor, createContext(), weight);
  expect(found.outputs?.energy[0]).toBeCloseTo(375, 9);
  expect(found.outputs?.energy[1]).toBeCloseTo(6000, 9);
  expect([found.min, found.max, found.mean, found.zeros]).toEqual([0.5, 2, 1.25, 0]);
});
