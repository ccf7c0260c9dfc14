import { expect, test } from "vitest";
import { rearranged } from "../../src/verify/explain/kernel-moves.ts";
import { type Kernel, type Place, places, rowsKept, unravel } from "../../src/verify/explain/kernel-relations.ts";

const rows: readonly (readonly [string, Kernel["shape"], Place])[] = [
  ["rotated", [3, 2, 4, 5], places.rotated],
  ["inputs reversed", [3, 2, 4, 5], places.inputsReversed],
  ["transposed", [1, 1, 4, 4], places.transposed],
  ["rows kept as h,w,c and read as c,h,w", [2, 3, 4, 5], rowsKept(["h", "w", "i"], ["i", "h", "w"])],
];

/** h w i o values in the order o i h w. */
function outputsFirst({ shape, values }: Kernel): Float32Array {
  const [height, width, inputs] = shape;
  const out = new Float32Array(values.length);
  values.forEach((value, k) => {
    const [h, w, i, o] = unravel(k, shape);
    out[((o * inputs + i) * height + h) * width + w] = value;
  });
  return out;
}

test.each(rows)("%s: every value comes from its place, in both orders", (_, shape, place) => {
  const count = shape.reduce((product, size) => product * size, 1);
  const values = Float32Array.from({ length: count }, (_value, k) => k);
  const want = values.map((_value, k) => place(shape, ...unravel(k, shape)));
  expect(rearranged({ shape, values }, place, "h w i o")).toEqual(want);
  const turned = rearranged({ shape, values: outputsFirst({ shape, values }) }, place, "o i h w");
  expect(turned).toEqual(outputsFirst({ shape, values: want }));
});
