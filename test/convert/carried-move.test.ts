import { expect, test } from "vitest";
import { CarriedMove } from "../../src/convert/plan/carried-move.ts";
import type { StoredAs } from "../../src/tensor/stored.ts";

function moveOf(stored: StoredAs, to: "float32" | "float64" = "float32"): string {
  return new CarriedMove({ name: "w", shape: [2], dtype: "float32", stored }, to).move;
}

test("whole numbers that TensorFlow.js rounded to are dequantised", () => {
  expect(moveOf({ kind: "quantised", dtype: "uint8", scale: 0.1, min: -1 })).toBe("dequantise");
});

test("what a MAT-file keeps in fewer bytes is copied: nothing was rounded", () => {
  expect(moveOf({ kind: "narrow", dtype: "uint8" })).toBe("copy");
  expect(moveOf({ kind: "narrow", dtype: "int16" }, "float64")).toBe("cast");
});
