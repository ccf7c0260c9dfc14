import { describe, expect, test } from "vitest";
import { decide } from "../../src/convert/decide.ts";
import type { Like } from "../../src/convert/like/like.ts";
import type { ConvertOptions } from "../../src/convert/options.ts";
import type { Plan } from "../../src/convert/plan/plan-types.ts";
import { conventionsOf } from "../../src/formats.ts";
import { type Assumption, assumptionText } from "../../src/model/assumption.ts";
import { identify } from "../../src/model/identify.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { isNumeric, type NumericTensor } from "../../src/tensor/tensor.ts";
import { tinyCheckpoint } from "../support/tiny.ts";

/** The plan of a conversion with the options of a person, those of recognition included. */
async function planOf(checkpoint: Checkpoint, options: ConvertOptions, other?: Checkpoint): Promise<Plan> {
  const { kernels, moments, flatten, dropoutFactor, bnEpsilon } = options;
  const identity = identify(checkpoint, {
    ...(kernels && { kernels }),
    ...(moments && { moments }),
    ...(flatten && { flatten }),
    ...(dropoutFactor !== undefined && { dropoutFactor }),
    ...(bnEpsilon !== undefined && { bnEpsilon }),
  });
  const like: Like | undefined = other === undefined ? undefined : { checkpoint: other, identity: identify(other) };
  return (await decide({ checkpoint, identity, ...(like && { like }) }, options)).plan;
}

function assumed(plan: Plan, of: Assumption["of"]): Assumption | undefined {
  return plan.assumed.find((one) => one.of === of);
}

function fillOf(plan: Plan, role: string) {
  return plan.moves.flatMap(({ fills }) => fills).find((fill) => fill.role === role);
}

/** A tiny network of a scheme, its tensors under other keys, in another format. */
function renamed(checkpoint: Checkpoint, format: string, key: (name: string) => string): Checkpoint {
  const tensors = [...checkpoint.tensors.values()].filter(isNumeric).map((tensor): NumericTensor => {
    return { ...tensor, name: key(tensor.name), parts: () => tensor.parts() };
  });
  return { ...checkpoint, format, conventions: conventionsOf(format), tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])) };
}

const clas20 = (): Checkpoint =>
  renamed(tinyCheckpoint("paddle-clas", { bias: false }).checkpoint, "paddle", (name) =>
    name
      .replace(/^conv_block_(\d)\.conv(\d)/, "_conv_block_$1._conv_$2")
      .replace(/^fc([12])/, "_fc$1")
      .replace(/^fc3/, "_out"),
  );

/** layer_1/param_0 … as Keras wrote them in 2015: running numbers of all layers, kernels o i h w, matrices i o. */
function keras2015(): Checkpoint {
  const { checkpoint } = tinyCheckpoint("torchvision");
  return renamed(checkpoint, "keras-h5", (name) => {
    const [module = "", number = "", part = ""] = name.split(".");
    return `layer_${(module === "features" ? 1 : 40) + Number(number)}/param_${part === "weight" ? 0 : 1}`;
  });
}

describe("a value that changes without being asked is a line with its grounds and a switch that turns it off", () => {
  test("old Paddle's dropout, under the names of PaddleClas 2.0 and under --like too", async () => {
    for (const plan of [
      await planOf(clas20(), { to: "torch" }),
      await planOf(clas20(), {}, tinyCheckpoint("torchvision").checkpoint),
      await planOf(tinyCheckpoint("paddle-clas", { bias: false }).checkpoint, { to: "torch" }),
    ]) {
      expect(fillOf(plan, "fc7.weight")?.from[0]?.times).toBe(0.5);
      expect(fillOf(plan, "fc6.weight")?.from[0]?.times).toBeUndefined();
      expect(assumed(plan, "dropout")).toMatchObject({
        what: "what enters fc7 and fc8 is multiplied with 0.5",
        grounds: expect.stringContaining("scales at inference (downscale_in_infer)"),
        switch: "--dropout-factor 1",
      });
    }
    const off = await planOf(clas20(), { to: "torch", dropoutFactor: 1 });
    expect([fillOf(off, "fc7.weight")?.from[0]?.times, assumed(off, "dropout")]).toEqual([undefined, undefined]);
  });

  test("kernels of Keras on Theano, also those of 2015 with numbers for names", async () => {
    const plan = await planOf(keras2015(), { to: "torch" });
    expect(fillOf(plan, "conv1_1.weight")?.from[0]?.flip).toEqual(["h", "w"]);
    expect(assumed(plan, "kernels")).toMatchObject({
      what: "convolution kernels are read rotated by 180°",
      grounds: expect.stringContaining("the file itself does not say so"),
      switch: "--kernels as-stored",
    });
    const off = await planOf(keras2015(), { to: "torch", kernels: "as-stored" });
    expect([fillOf(off, "conv1_1.weight")?.from[0]?.flip, assumed(off, "kernels")]).toEqual([undefined, undefined]);
  });

  test("the standard deviations of MatConvNet", async () => {
    const tiny = tinyCheckpoint("matconvnet", { batchNorm: true, head: "conv" }).checkpoint;
    // Mean and deviation are one array of two columns.
    const tensors = [...tiny.tensors].map(([key, tensor]) => {
      return [key, key.endsWith("weights{3}") ? { ...tensor, shape: [tensor.shape[0] ?? 0, 2] } : tensor] as const;
    });
    const checkpoint = { ...tiny, tensors: new Map(tensors) };
    const plan = await planOf(checkpoint, { to: "torch" });
    expect(assumed(plan, "moments")?.switch).toBe("--moments variance");
    const off = await planOf(checkpoint, { to: "torch", moments: "variance" });
    expect([fillOf(off, "conv1_1.bn.var")?.from[0]?.as, assumed(off, "moments")]).toEqual([undefined, undefined]);
  });

  test("epsilon: where it is guessed, and where variances make up for another one", async () => {
    const { checkpoint } = tinyCheckpoint("torchvision", { batchNorm: true });
    expect(assumed(await planOf(checkpoint, { to: "safetensors" }), "epsilon")).toMatchObject({
      what: "epsilon of batch norm is 0.00001",
      switch: "--bn-epsilon E",
    });
    const plan = await planOf(checkpoint, { to: "tfslim", fc: "dense", bnEpsilon: 1e-5 });
    expect(assumed(plan, "epsilon")).toMatchObject({
      what: "variances of batch norm are changed by -0.00099",
      switch: "--bn-epsilon 0.001 leaves them as they are",
    });
    expect(assumed(await planOf(checkpoint, { to: "tfslim", fc: "dense", bnEpsilon: 1e-3 }), "epsilon")).toBeUndefined();
  });

  test("the order of fc6's rows, where a target has another", async () => {
    const { checkpoint } = tinyCheckpoint("torchvision");
    expect(assumed(await planOf(checkpoint, { to: "torch" }), "flatten")).toBeUndefined();
    const plan = await planOf(checkpoint, { to: "tfslim", fc: "dense" });
    expect(assumed(plan, "flatten")).toMatchObject({
      what: "the rows of fc6 are read as channels, height, width",
      switch: "--flatten hwc",
    });
    const off = await planOf(checkpoint, { to: "tfslim", fc: "dense", flatten: "hwc" });
    expect(fillOf(off, "fc6.weight")?.from[0]?.axes.text).toBe("o (h w i)");
    expect(assumed(off, "flatten")).toBeUndefined();
  });

  test("B G R, where only the names say so", async () => {
    const { checkpoint } = tinyCheckpoint("caffe");
    expect(assumed(await planOf(checkpoint, { to: "safetensors" }), "colours")?.what).toBe("pictures are taken as B G R");
  });

  test("one line says all three", async () => {
    expect(assumptionText({ of: "size", what: "a", grounds: "b", switch: "--c" })).toBe("a: b; --c");
    expect(assumptionText({ of: "head", what: "a", grounds: "b", switch: null })).toBe("a: b");
  });
});

describe("zeros mean what is really absent", () => {
  test("a bias that the other layers have, and one lost, is named and not made up", async () => {
    const { checkpoint } = tinyCheckpoint("torchvision");
    const lost = new Map(checkpoint.tensors);
    expect(lost.delete("features.6.bias")).toBe(true);
    const plan = await planOf({ ...checkpoint, tensors: lost }, { to: "paddle" });
    expect(assumed(plan, "stand-in")).toBeUndefined();
    expect(plan.missing).toMatchObject([{ role: "conv3_1.bias", reason: expect.stringContaining("the source lacks it") }]);
    expect(plan.moves.map(({ to }) => to)).not.toContain("features.6.bias");
  });
});
