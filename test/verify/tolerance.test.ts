import { expect, test } from "vitest";
import { memorySource } from "../../src/io/source/memory.ts";
import { parseAxes } from "../../src/tensor/axes.ts";
import { contiguous } from "../../src/tensor/contiguous.ts";
import type { NumericDType } from "../../src/tensor/dtype.ts";
import type { StoredAs } from "../../src/tensor/stored.ts";
import { toleranceFor } from "../../src/verify/compare/tolerance.ts";

function stored(dtype: NumericDType, as?: StoredAs) {
  const info = { name: "w", dtype, shape: [1], source: memorySource(new Uint8Array(16)) };
  const tensor = contiguous(as === undefined ? info : { ...info, stored: as });
  return {
    checkpoint: { tensors: new Map([["w", tensor]]) },
    identity: { roles: new Map([["conv1_1.weight", { key: "w", axes: parseAxes("o") }]]) },
  };
}

test.each([
  [[stored("float32")], 1e-4],
  [[stored("float64"), stored("float32")], 1e-4],
  [[stored("float32"), stored("float16")], 5e-3],
  [[stored("bfloat16"), stored("float16")], 3e-2],
  [[stored("float32", { kind: "rounded", dtype: "float16" })], 5e-3],
  [[stored("float32", { kind: "quantised", dtype: "uint8", scale: 0.0053, min: -0.79 })], 1e-1],
  [[stored("float32", { kind: "text" })], 1e-4],
  [[stored("float64", { kind: "narrow", dtype: "uint8" })], 1e-4],
])("the coarsest stored type decides (%#)", (subjects, rtol) => {
  expect(toleranceFor(subjects, {})).toMatchObject({ rtol, atol: 0 });
});

test("unless a tolerance is asked for", () => {
  expect(toleranceFor([stored("bfloat16")], { rtol: 1e-6, atol: 1 })).toEqual({ rtol: 1e-6, atol: 1, reason: "as asked for" });
});
