import { describe, expect, test } from "vitest";
import { statsRecord, tensorStatistics } from "../../src/inspect/stats.ts";
import { createContext } from "../../src/io/run.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import { contiguous } from "../../src/tensor/contiguous.ts";
import type { NumericDType } from "../../src/tensor/dtype.ts";
import type { Statistics } from "../../src/tensor/statistics/statistics.ts";
import { Random } from "../support/random.ts";

type Values = Float32Array | Float64Array | BigInt64Array | Int16Array | Uint8Array | Uint16Array;

async function statisticsOf(values: Values, dtype: NumericDType): Promise<Statistics> {
  const source = memorySource(new Uint8Array(values.buffer));
  return tensorStatistics(contiguous({ name: "t", dtype, shape: [values.length], source }), createContext());
}

/** Sums without rounding errors to speak of: sorted by magnitude, in two parts. */
function reference(values: readonly number[]): { mean: number; std: number } {
  const sum = (terms: readonly number[]) => {
    let [high, low] = [0, 0];
    for (const term of terms) {
      const next = high + term;
      low += Math.abs(high) >= Math.abs(term) ? high - next + term : term - next + high;
      high = next;
    }
    return high + low;
  };
  const mean = sum(values) / values.length;
  return { mean, std: Math.sqrt(sum(values.map((value) => (value - mean) ** 2)) / values.length) };
}

function percentile(sorted: readonly number[], q: number): number {
  const rank = (q / 100) * (sorted.length - 1);
  const low = sorted[Math.floor(rank)] ?? 0;
  const high = sorted[Math.ceil(rank)] ?? 0;
  return low + (high - low) * (rank - Math.floor(rank));
}

describe("statistics", () => {
  test("a small tensor: all exact", async () => {
    const values = Float32Array.of(3, -0, 0, -1.5, 2.25, 0.5);
    const found = await statisticsOf(values, "float32");
    expect(found).toMatchObject({ count: 6, min: -1.5, max: 3, zeros: 2, nan: 0, inf: 0, accuracy: 0 });
    expect(found.mean).toBeCloseTo(4.25 / 6, 15);
    expect(found.percentiles.get(50)).toBe(0.25);
    expect(found.histogram).toEqual({ from: -1.5, to: 3, counts: [1, 3, 2] });
    expect(found.quantiles).toHaveLength(33);
  });

  test.each([
    ["centred", 0],
    ["with a mean of 10,000 deviations", 100],
  ])("a large tensor %s: counts and extremes exact, sums to 1e-13, percentiles as stated", async (_, mean) => {
    const random = new Random(11);
    const normal = () => (random.next() + random.next() + random.next() + random.next() - 2) * 0.02 + mean;
    const values = Float32Array.from({ length: 100_003 }, normal);
    values[70_001] = 0;
    const found = await statisticsOf(values, "float32");
    const plain = [...values];
    const sorted = plain.toSorted((x, y) => x - y);
    const wanted = reference(plain);
    expect(found).toMatchObject({ count: 100_003, min: sorted[0], max: sorted.at(-1), zeros: 1 });
    expect(Math.abs((found.mean ?? 0) - wanted.mean)).toBeLessThan(1e-13 * Math.max(wanted.std, Math.abs(wanted.mean)));
    expect(Math.abs((found.std ?? 0) / wanted.std - 1)).toBeLessThan(1e-12);
    for (const [q, value] of found.percentiles) {
      const exact = percentile(sorted, q);
      expect(Math.abs(value - exact)).toBeLessThanOrEqual(found.accuracy * Math.abs(exact) * 1.0001);
    }
    expect(found.accuracy).toBe(2 ** -11);
    expect(found.histogram?.counts.reduce((sum, count) => sum + count, 0)).toBe(100_003);
  });

  test("zeros of both signs in a large tensor are 0, not the smallest bucket", async () => {
    const values = new Float32Array(70_000);
    values.fill(-0, 0, 10_000);
    values[69_999] = 5;
    values[69_998] = -(2 ** -149);
    const found = await statisticsOf(values, "float32");
    expect(found).toMatchObject({ zeros: 69_998, min: -(2 ** -149), max: 5 });
    expect(found.percentiles.get(50)).toBe(0);
    expect(found.percentiles.get(1)).toBe(0);
  });

  test("NaN and infinities are counted and left out of the rest", async () => {
    const few = await statisticsOf(Float32Array.of(1, Number.NaN, Number.NEGATIVE_INFINITY, 3, Number.NaN), "float32");
    expect(few).toMatchObject({ min: Number.NEGATIVE_INFINITY, max: 3, mean: 2, std: 1, nan: 2, inf: 1 });
    expect(few.histogram).toMatchObject({ from: 1, to: 3 });
    const none = await statisticsOf(Float32Array.of(Number.NaN), "float32");
    expect(none).toMatchObject({ min: undefined, max: undefined, mean: undefined, nan: 1, quantiles: [], histogram: undefined });
    const empty = statsRecord(await statisticsOf(new Float32Array(), "float32"));
    expect(empty).toMatchObject({ min: null, mean: null, percentiles: {}, histogram: null });
    const many = new Float32Array(80_000).fill(2);
    many[5] = Number.POSITIVE_INFINITY;
    many[79_999] = Number.NaN;
    expect(await statisticsOf(many, "float32")).toMatchObject({ min: 2, max: Number.POSITIVE_INFINITY, mean: 2, std: 0, nan: 1, inf: 1 });
  });

  test("other types: float16, integers, 64-bit integers beyond 2^53, booleans, huge and tiny float64", async () => {
    expect(await statisticsOf(Uint16Array.of(0x3c00, 0xc000, 0x7e00), "float16")).toMatchObject({ min: -2, max: 1, mean: -0.5, nan: 1 });
    expect(await statisticsOf(Int16Array.of(-3, 4, 5), "int16")).toMatchObject({ min: -3, max: 5, mean: 2 });
    const big = await statisticsOf(BigInt64Array.of(1n, 2n ** 53n + 1n, -5n), "int64");
    expect(big).toMatchObject({ min: -5, max: 2n ** 53n + 1n });
    expect(await statisticsOf(Uint8Array.of(0, 1, 1, 0), "bool")).toMatchObject({ mean: 0.5, zeros: 2 });
    const wide = Float64Array.from({ length: 70_000 }, (_, k) => (k % 2 === 0 ? 1e-300 : -1e300));
    const found = await statisticsOf(wide, "float64");
    expect(found).toMatchObject({ min: -1e300, max: 1e-300, zeros: 0 });
    expect(found.percentiles.get(99)).toBeLessThan(1e-37);
  });
});
