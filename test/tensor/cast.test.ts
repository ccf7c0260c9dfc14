import { describe, expect, test } from "vitest";
import type { NumericDType } from "../../src/tensor/dtype.ts";
import { castValues, isExact, noLoss } from "../../src/tensor/move/cast.ts";
import { decodingTable, type SmallFloatType } from "../../src/tensor/numbers/small-floats.ts";
import { Random } from "../support/random.ts";

function cast(value: number, to: NumericDType): number {
  const bytes = new Uint8Array(8);
  castValues({ bytes: new Uint8Array(Float64Array.of(value).buffer), dtype: "float64" }, { bytes, dtype: to }, 1);
  return new DataView(bytes.buffer).getUint16(0, true);
}

const small: readonly SmallFloatType[] = ["float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz"];

describe("known bits", () => {
  test.each<[NumericDType, number, number]>([
    ["float16", 1, 0x3c00],
    ["float16", -2.5, 0xc100],
    ["float16", 65504, 0x7bff],
    ["float16", 65519.999, 0x7bff],
    ["float16", 65520, 0x7c00],
    ["float16", 2 ** -24, 0x0001],
    ["float16", 2 ** -25, 0x0000], // halfway to the smallest: to even
    ["float16", 2 ** -25 * 1.0001, 0x0001],
    ["float16", 2049, 0x6800],
    ["float16", 2051, 0x6802],
    ["float16", -0, 0x8000],
    ["float16", 1 + 2 ** -11 + 2 ** -40, 0x3c01], // rounded twice, through float32, it would be a tie
    ["bfloat16", 1, 0x3f80],
    ["bfloat16", 1 + 2 ** -8, 0x3f80],
    ["bfloat16", 1 + 3 * 2 ** -8, 0x3f82],
    ["bfloat16", 3.4e38, 0x7f80],
    ["bfloat16", 1e-40, 0x0001],
    ["float8_e4m3fn", 448, 0x7e],
    ["float8_e4m3fn", 464, 0x7e],
    ["float8_e4m3fn", 465, 0x7f],
    ["float8_e5m2", 57344, 0x7b],
    ["float8_e5m2", 61440, 0x7c],
    ["float8_e4m3fnuz", -0, 0x00],
    ["float8_e4m3fnuz", 240, 0x7f],
    ["float8_e4m3fnuz", Number.POSITIVE_INFINITY, 0x80],
    ["float8_e8m0fnu", 1, 0x7f],
    ["float8_e8m0fnu", 0.25, 0x7d],
  ])("%s of %d", (dtype, value, bits) => {
    expect(cast(value, dtype)).toBe(bits);
  });
});

describe("round to nearest, ties to even", () => {
  test.each(small)("%s: every value comes back, and neighbours decide", (dtype) => {
    const table = decodingTable(dtype);
    const finite = [...new Set([...table].filter((value) => Number.isFinite(value) && value >= 0))].sort((x, y) => x - y);
    const random = new Random(table.length);
    for (let k = 0; k + 1 < finite.length; k++) {
      if (finite.length > 1000 && k > 40 && random.next() > 0.02) continue;
      const [low = 0, high = 0] = finite.slice(k, k + 2);
      const middle = (low + high) / 2;
      expect(table[cast(low, dtype)]).toBe(low);
      expect(table[cast(middle - (high - low) / 1e6, dtype)]).toBe(low);
      expect(table[cast(middle + (high - low) / 1e6, dtype)]).toBe(high);
      expect(cast(middle, dtype) % 2).toBe(0);
    }
  });

  test("a loss report counts what became infinite or zero", () => {
    const values = Float32Array.of(1, 1e6, 1e-9, Number.NaN, Number.POSITIVE_INFINITY, 1.0001);
    const loss = noLoss();
    castValues({ bytes: new Uint8Array(values.buffer), dtype: "float32" }, { bytes: new Uint8Array(12), dtype: "float16" }, 6, { loss });
    expect(loss.overflows).toBe(1);
    expect(loss.underflows).toBe(1);
    expect(loss.maxRel).toBe(1);
    expect(loss.maxAbs).toBeCloseTo(1e-4, 6);
  });

  test("64-bit integers are clamped and rounded to even, unaligned bytes are read", () => {
    const from = new Uint8Array(33);
    from.set(new Uint8Array(Float64Array.of(2 ** 70, -1.5, 2.5, Number.NaN).buffer), 1);
    const to = new BigInt64Array(4);
    castValues({ bytes: from.subarray(1), dtype: "float64" }, { bytes: new Uint8Array(to.buffer), dtype: "int64" }, 4);
    expect([...to]).toEqual([2n ** 63n - 1n, -2n, 2n, 0n]);
  });
});

describe("the fast ways give what the way through float64 gives", () => {
  test.each<[NumericDType, NumericDType]>([
    ["float32", "float16"],
    ["float32", "bfloat16"],
    ["float16", "float32"],
    ["bfloat16", "float32"],
  ])("%s to %s", (from, to) => {
    const random = new Random(31);
    const width = from === "float32" ? 4 : 2;
    const count = width === 4 ? 40_000 : 65_536;
    const bytes = new Uint8Array(count * width);
    const view = new DataView(bytes.buffer);
    for (let k = 0; k < count; k++) {
      if (width === 2) view.setUint16(k * 2, k, true);
      // Many ties: the lower bits are often 0x1000 or 0x8000.
      else
        view.setUint32(
          k * 4,
          random.integer(0, 0xffff) * 0x10000 + random.pick([0, 0x1000, 0x8000, 0x7fff, random.integer(0, 0xffff)]),
          true,
        );
    }
    const outWidth = to === "float32" ? 4 : 2;
    const fast = new Uint8Array(count * outWidth);
    castValues({ bytes, dtype: from }, { bytes: fast, dtype: to }, count);
    // Bytes that are not aligned take the way through float64.
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    const slow = new Uint8Array(count * outWidth);
    castValues({ bytes: shifted.subarray(1), dtype: from }, { bytes: slow, dtype: to }, count);
    const [a, b] = [fast, slow].map((result) => (outWidth === 4 ? new Float32Array(result.buffer) : new Uint16Array(result.buffer)));
    const nan = (bits: number) =>
      to === "float16" ? (bits & 0x7fff) > 0x7c00 : to === "bfloat16" ? (bits & 0x7fff) > 0x7f80 : Number.isNaN(bits);
    let wrong = 0;
    for (let k = 0; k < count; k++) if (a?.[k] !== b?.[k] && !(nan(a?.[k] ?? 0) && nan(b?.[k] ?? 0))) wrong += 1;
    expect(wrong).toBe(0);
  });
});

test("isExact knows which types hold all values of another", () => {
  const exact: [NumericDType, NumericDType][] = [
    ["float16", "float32"],
    ["bfloat16", "float32"],
    ["float8_e5m2", "float16"],
    ["int16", "float32"],
    ["bool", "float16"],
    ["uint8", "int16"],
    ["int32", "float64"],
  ];
  for (const [from, to] of exact) {
    expect(isExact(from, to), `${from} → ${to}`).toBe(true);
    expect(isExact(to, from), `${to} → ${from}`).toBe(false);
  }
  expect(isExact("float16", "bfloat16")).toBe(false);
  expect(isExact("bfloat16", "float16")).toBe(false);
  expect(isExact("int64", "float64")).toBe(false);
  expect(isExact("float32", "complex64")).toBe(false);
});
