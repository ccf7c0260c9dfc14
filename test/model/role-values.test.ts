import { expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import { keptOf, loadChannels, normEffect, powerOf, requirePositive, roleValues, storedView } from "../../src/model/role-values.ts";
import type { SlotTemplate } from "../../src/model/scheme.ts";
import type { TensorMap } from "../../src/tensor/tensor.ts";
import { slotFrom, storedSlot, tensorOf } from "../support/tiny.ts";

const ctx = createContext();
const tensors: TensorMap = new Map(
  [
    tensorOf("bn.0", "float32", [2], Float64Array.of(3, 6)),
    tensorOf("bn.2", "float32", [1], Float64Array.of(1.5)),
    tensorOf("zero", "float32", [1], Float64Array.of(0)),
    tensorOf("none", "float32", [0], Float64Array.of()),
    tensorOf("two", "float32", [2], Float64Array.of(2, 4)),
    tensorOf("moments", "float32", [2, 2], Float64Array.of(5, 0.5, 6, 0.25)),
    tensorOf("rotated", "float32", [1, 1, 1, 3], Float64Array.of(1, 2, 3)),
    tensorOf("fc7", "float32", [1, 2], Float64Array.of(8, 4)),
  ].map((tensor) => [tensor.name, tensor]),
);

async function valuesOf(slot: SlotTemplate, epsilon = 0): Promise<readonly number[]> {
  const { view, times } = await roleValues(tensors, slotFrom(slot), { sizes: new Map([["o", 2]]), epsilon }, ctx);
  return [...(await loadChannels(view, ctx))].map((value) => value * times);
}

test("Caffe's mean and variance are divided by their factor", async () => {
  expect(await valuesOf({ key: "bn.0", axes: "o", over: "bn.2" })).toEqual([2, 4]);
});

test("a factor of 0 means that nothing was gathered: zeros", async () => {
  expect(await valuesOf({ key: "bn.0", axes: "o", over: "zero" })).toEqual([0, 0]);
});

test.each(["none", "two"])("a factor that is not one number is refused (%s)", async (over) => {
  await expect(valuesOf({ key: "bn.0", axes: "o", over })).rejects.toMatchObject({ code: "malformed", where: { tensor: over } });
});

test("MatConvNet's moments: the mean as it is, sigma as a variance less epsilon", async () => {
  expect(await valuesOf({ key: "moments", axes: "o s", take: ["s", 0] })).toEqual([5, 6]);
  expect(await valuesOf({ key: "moments", axes: "o s", take: ["s", 1], as: "sigma" }, 1 / 16)).toEqual([0.1875, 0]);
});

test("Darknet adds 0.000001 to the deviation, not to the variance", async () => {
  const [first] = await valuesOf({ key: "bn.0", axes: "o", as: "darknet" }, 1e-5);
  expect(first).toBe((Math.sqrt(3) + 1e-6) ** 2 - 1e-5);
});

test("constants, Theano's rotation, and a factor of dropout that is left to whoever uses the view", async () => {
  expect(await valuesOf({ constant: 1 })).toEqual([1, 1]);
  const sizes = new Map([["o", 1]]);
  const kernel = storedSlot({ key: "rotated", axes: "o i h w", flip: ["h", "w"] });
  expect([...(await loadChannels(await storedView(tensors, kernel, sizes), ctx))]).toEqual([3, 2, 1]);
  expect((await roleValues(tensors, slotFrom({ key: "fc7", axes: "o i", times: 0.5 }), { sizes, epsilon: 0 }, ctx)).times).toBe(0.5);
});

test("a variance is kept and read back the same way", () => {
  for (const as of ["sigma", "darknet", undefined] as const) {
    expect(powerOf(keptOf(0.7, as, 1e-3), as, 1e-3)).toBeCloseTo(0.7, 14);
  }
});

test("a batch norm is a factor and an offset for each channel", () => {
  const { scale, shift } = normEffect({ power: [4, 0.25], gamma: [3, 1], beta: [0.5, 0], mean: [2, 1], bias: [4, 0] });
  expect([...scale]).toEqual([1.5, 2]);
  expect([...shift]).toEqual([3.5, -2]);
  expect([...normEffect({ power: [4] }).shift]).toEqual([0]);
  expect(() => requirePositive([1, -0.5], 0, "bn.var")).toThrow("the variance of channel 1 is -0.5, and with epsilon 0 a positive one");
});
