import { afterAll, describe, expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import type { Role } from "../../src/model/role.ts";
import type { Slot, SlotTemplate } from "../../src/model/scheme.ts";
import { weightsOf } from "../../src/verify/weights.ts";
import { slotFrom } from "../support/tiny.ts";
import { checkpointOf, tensorOf } from "./subjects.ts";
import { networkOf, randomSet } from "./support.ts";

const ctx = createContext();
afterAll(() => ctx.dispose());

// conv1_1 has 2 outputs, 3 inputs, kernel 2×3: no two sizes of a kernel alike; fc6 reads 4 channels of 2×3.
const set = randomSet({ widths: [[2], [2], [2], [2], [4]], channels: 3, kernels: { conv1_1: [2, 5] }, fc: [4, 2, 3] });
const network = networkOf(set, { epsilon: 0.25 });
const count = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);
const counting = (name: string, shape: readonly number[]) =>
  tensorOf(
    name,
    shape,
    Float32Array.from({ length: count(shape) }, (_, k) => k),
  );

async function read(role: Role, slot: SlotTemplate, axes: string, ...tensors: ReturnType<typeof tensorOf>[]): Promise<number[]> {
  const checkpoint = checkpointOf("x", new Map(tensors.map((tensor) => [tensor.name, tensor])));
  return [...(await weightsOf(checkpoint, new Map([[role, slotFrom(slot)]]), network, ctx)(role, axes))];
}

describe("a role is read out of its slot", () => {
  test("axes are reordered", async () => {
    const values = await read("conv1_1.weight", { key: "w", axes: "o i h w" }, "h w i o", counting("w", [2, 3, 2, 5]));
    // h 0, w 0: i 0 o 0, i 0 o 1, i 1 o 0 …
    expect(values.slice(0, 6)).toEqual([0, 30, 10, 40, 20, 50]);
    expect(values[6]).toBe(1);
  });

  test("rows of a dense fc6 come apart, whatever order they are in", async () => {
    const chw = await read("fc6.weight", { key: "w", axes: "(i h w) o" }, "(h w i) o", counting("w", [24, 5]));
    // Row h 0, w 0, i 1 is row 6 of c,h,w order.
    expect(chw.slice(5, 10)).toEqual([30, 31, 32, 33, 34]);
    const same = await read("fc6.weight", { key: "w", axes: "(h w i) o" }, "h w i o", counting("w", [24, 5]));
    expect(same).toEqual(Array.from({ length: 120 }, (_, k) => k));
  });

  test("axes of size 1 come and go", async () => {
    expect(await read("fc7.weight", { key: "w", axes: "h w i o" }, "i o", counting("w", [1, 1, 5, 6]))).toHaveLength(30);
    expect((await read("fc7.weight", { key: "w", axes: "o i" }, "h w i o", counting("w", [6, 5]))).slice(0, 3)).toEqual([0, 5, 10]);
    expect(await read("conv1_1.bias", { key: "b", axes: "1 o" }, "o", counting("b", [1, 2]))).toEqual([0, 1]);
  });

  test("a slice of MatConvNet's moments; sigma becomes a variance with the network's epsilon", async () => {
    const moments = tensorOf("m", [2, 2], Float32Array.of(7, 1, 8, 2));
    const norm = {
      ...network,
      layers: network.layers.map((layer) =>
        layer.name === "conv1_1" && layer.kind === "conv" ? { ...layer, batchNorm: { epsilon: 0.5 } } : layer,
      ),
    };
    const checkpoint = checkpointOf("x", new Map([["m", moments]]));
    const roles = new Map<Role, Slot>([
      ["conv1_1.bn.mean", slotFrom({ key: "m", axes: "o s", take: ["s", 0] })],
      ["conv1_1.bn.var", slotFrom({ key: "m", axes: "o s", take: ["s", 1], as: "sigma" })],
    ]);
    const weights = weightsOf(checkpoint, roles, norm, ctx);
    expect([...(await weights("conv1_1.bn.mean", "o"))]).toEqual([7, 8]);
    expect([...(await weights("conv1_1.bn.var", "o"))]).toEqual([0.5, 3.5]);
  });

  test("Darknet's epsilon outside the root", async () => {
    const [variance = 0] = await read(
      "conv1_1.bn.var",
      { key: "v", axes: "o", as: "darknet" },
      "o",
      tensorOf("v", [2], Float32Array.of(4, 9)),
    );
    expect(Math.sqrt(variance + 0.25)).toBeCloseTo(2 + 1e-6, 7);
  });

  test("Caffe's factor divides; a factor of 0 means zeros", async () => {
    const values = tensorOf("v", [2], Float32Array.of(3, 6));
    expect(await read("conv1_1.bn.mean", { key: "v", axes: "o", over: "f" }, "o", values, tensorOf("f", [1], Float32Array.of(4)))).toEqual([
      0.75, 1.5,
    ]);
    expect(await read("conv1_1.bn.mean", { key: "v", axes: "o", over: "f" }, "o", values, tensorOf("f", [1], Float32Array.of(0)))).toEqual([
      0, 0,
    ]);
  });

  test("times, flip, constants", async () => {
    expect((await read("fc7.weight", { key: "w", axes: "i o", times: 0.5 }, "i o", counting("w", [5, 6]))).slice(0, 3)).toEqual([
      0, 0.5, 1,
    ]);
    const flipped = await read("conv1_1.weight", { key: "w", axes: "o i h w", flip: ["h", "w"] }, "o i h w", counting("w", [2, 3, 2, 5]));
    expect(flipped.slice(0, 10)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    expect(await read("conv1_1.bias", { constant: 1 }, "o")).toEqual([1, 1]);
  });

  test("what is not there, and what is not finite, is refused", async () => {
    await expect(read("conv1_1.bias", { key: "b", axes: "o" }, "o")).rejects.toMatchObject({ code: "not-found", where: { tensor: "b" } });
    await expect(read("conv9_9.bias", { constant: 0 }, "o")).rejects.toMatchObject({
      code: "not-found",
      message: "conv9_9.bias belongs to no layer of the network",
    });
    const infinite = tensorOf("b", [2], Float32Array.of(1, Number.NEGATIVE_INFINITY));
    await expect(read("conv1_1.bias", { key: "b", axes: "o" }, "o", infinite)).rejects.toMatchObject({
      code: "unsupported",
      message: expect.stringContaining("the first is -Infinity"),
    });
    const weights = weightsOf(checkpointOf("x", new Map()), new Map(), network, ctx);
    await expect(weights("conv1_1.bias", "o")).rejects.toMatchObject({
      code: "not-found",
      message: "nothing in the file is conv1_1.bias, and the network needs it",
    });
  });
});
