import { describe, expect, test } from "vitest";
import { allZero } from "../../../src/inspect/findings/all-zero.ts";
import type { Check, Finding } from "../../../src/inspect/findings/check.ts";
import { deadFilters } from "../../../src/inspect/findings/dead-filters.ts";
import { layoutSuspect } from "../../../src/inspect/findings/layout-suspect.ts";
import { looksInitial } from "../../../src/inspect/findings/looks-initial.ts";
import { notFinite } from "../../../src/inspect/findings/not-finite.ts";
import { statistics } from "../../../src/inspect/stats.ts";
import { createContext } from "../../../src/io/run.ts";
import { identify } from "../../../src/model/identify.ts";
import type { Checkpoint } from "../../../src/tensor/checkpoint.ts";
import { withInfo } from "../../../src/tensor/tensor.ts";
import { Random } from "../../support/random.ts";
import { normals, type SmallTensor, size, smallVgg, trained, uniforms } from "../../support/vgg.ts";

async function run(check: Check, checkpoint: Checkpoint): Promise<readonly Finding[]> {
  const ctx = createContext();
  const identity = identify(checkpoint);
  if (identity === undefined) throw new Error("the test's network is not recognised");
  return check.run({ checkpoint, identity, ctx, statistics: await statistics(checkpoint, ctx) });
}

/** The trained network with some tensors changed. */
function but(change: (values: Float32Array, tensor: SmallTensor) => void): Checkpoint {
  const fill = trained(new Random(4));
  return smallVgg((tensor) => {
    const values = fill(tensor);
    change(values, tensor);
    return values;
  });
}

const plain = but(() => undefined);

test.each([notFinite, allZero, deadFilters, looksInitial, layoutSuspect])("$code is silent on a sound network", async (check) => {
  expect(await run(check, plain)).toEqual([]);
});

test("not-finite names tensors and counts", async () => {
  const broken = but((values, { layer, part }) => {
    if (layer === "classifier.0" && part === "weight") values.fill(Number.NaN, 5, 17);
    if (layer === "features.3" && part === "bias") values[2] = Number.NEGATIVE_INFINITY;
  });
  const [finding] = await run(notFinite, broken);
  expect(finding).toMatchObject({ severity: "error", layers: ["features.3.bias", "classifier.0.weight"] });
  expect(finding?.message).toContain("classifier.0.weight (12 NaN of 15,360)");
});

test("all-zero looks at weights, not at biases", async () => {
  const empty = but((values, { layer, part }) => {
    if (part === "bias" || layer === "classifier.3") values.fill(0);
  });
  expect(await run(allZero, empty)).toMatchObject([{ severity: "warning", layers: ["classifier.3.weight"] }]);
});

test("dead-filters counts channels, whatever is left of them", async () => {
  const dead = but((values, { layer, part, shape }) => {
    const each = size(shape) / (shape[0] ?? 1);
    if (layer === "features.8" && part === "weight") for (const filter of [0, 7, 11]) values.fill(1e-9, filter * each, (filter + 1) * each);
  });
  const [finding] = await run(deadFilters, dead);
  expect(finding).toMatchObject({ severity: "warning", layers: ["conv3_2"] });
  expect(finding?.message).toContain("3 of 12 in conv3_2");
});

describe("looks-initial", () => {
  test.each<[string, (random: Random, tensor: SmallTensor) => Float32Array, string]>([
    [
      "PyTorch's default, biases included",
      (random, { shape, fanIn }) => uniforms(random, size(shape), Math.sqrt(1 / fanIn)),
      "PyTorch's default",
    ],
    [
      "He by fan-out and 0.01, as torchvision",
      (random, { shape, layer, part, fanOut }) =>
        part === "bias"
          ? new Float32Array(size(shape))
          : normals(random, size(shape), layer.startsWith("features") ? Math.sqrt(2 / fanOut) : 0.01),
      "He normal by fan-out",
    ],
    [
      "Xavier uniform, as Keras",
      (random, { shape, part, fanIn, fanOut }) =>
        part === "bias" ? new Float32Array(size(shape)) : uniforms(random, size(shape), Math.sqrt(6 / (fanIn + fanOut))),
      "Xavier uniform",
    ],
    ["one constant", (_, { shape, part }) => new Float32Array(size(shape)).fill(part === "bias" ? 0 : 0.1), "one constant"],
  ])("tells %s", async (_, fill, title) => {
    const random = new Random(9);
    const [finding] = await run(
      looksInitial,
      smallVgg((tensor) => fill(random, tensor)),
    );
    expect(finding?.message).toContain(title);
    expect(finding?.layers.length).toBeGreaterThanOrEqual(9);
  });

  test("a fresh head on trained convolutions is an info", async () => {
    const random = new Random(10);
    const fresh = but((values, { layer, part, fanIn, fanOut, shape }) => {
      if (!layer.startsWith("classifier")) return;
      values.set(part === "bias" ? new Float32Array(size(shape)) : uniforms(random, size(shape), Math.sqrt(6 / (fanIn + fanOut))));
    });
    expect(await run(looksInitial, fresh)).toMatchObject([{ severity: "info", layers: ["fc6", "fc7", "fc8"] }]);
  });

  test("fresh weights behind biases that moved are taken for trained", async () => {
    const random = new Random(11);
    const moved = smallVgg(({ shape, part, fanIn }) => normals(random, size(shape), part === "bias" ? 0.01 : Math.sqrt(2 / fanIn)));
    expect(await run(looksInitial, moved)).toEqual([]);
  });
});

test("looks-initial: one value beyond the end of the distribution is a sign of training, moved biases behind sharp ends are none", async () => {
  const xavier = (over: number, bias: number) => {
    const random = new Random(13);
    return smallVgg(({ shape, part, fanIn, fanOut }) => {
      if (part === "bias") return normals(random, size(shape), bias);
      const bound = Math.sqrt(6 / (fanIn + fanOut));
      return uniforms(random, size(shape), bound).map((value, k) => (k === 5 ? bound * over : value));
    });
  };
  expect(await run(looksInitial, xavier(1.001, 0))).toEqual([]);
  const [frozen] = await run(looksInitial, xavier(0.9999, 0.01));
  expect(frozen?.layers).toContain("fc6");
});

test("all-zero outside a network asks the name as well", async () => {
  const zeros = but((values, { layer, part }) => {
    if (part === "weight" && layer === "features.0") values.fill(0);
  });
  const ctx = createContext();
  const tensors = new Map([...zeros.tensors].flatMap(([name, tensor]) => (name === "features.0.weight" ? [[name, tensor]] : [])));
  const renamed = new Map([...tensors.values()].map((tensor) => ["initial_state", withInfo(tensor, { name: "initial_state" })]));
  const findings = async (map: Checkpoint["tensors"]): Promise<number> => {
    const checkpoint: Checkpoint = { ...zeros, tensors: map };
    return (await allZero.run({ checkpoint, ctx, statistics: await statistics(checkpoint, ctx) })).length;
  };
  expect(await findings(tensors)).toBe(1);
  expect(await findings(renamed)).toBe(0);
});

describe("layout-suspect", () => {
  /** Weights of fc6 that are smooth over the 4 × 4 places, flattened in one order or the other. */
  function smooth(order: "i h w" | "h w i", values: Float32Array, random: Random): void {
    for (let o = 0; o < 48; o++) {
      for (let i = 0; i < 20; i++) {
        const noise = normals(random, 25, 0.05);
        for (let y = 0; y < 4; y++) {
          for (let x = 0; x < 4; x++) {
            const at = order === "i h w" ? (i * 4 + y) * 4 + x : (y * 4 + x) * 20 + i;
            const near = [y * 5 + x, y * 5 + x + 1, (y + 1) * 5 + x, (y + 1) * 5 + x + 1];
            values[o * 320 + at] = near.reduce((sum, k) => sum + (noise[k] ?? 0), 0);
          }
        }
      }
    }
  }

  test.each(["i h w", "h w i"] as const)("weights smooth in the order %s", async (order) => {
    const random = new Random(12);
    const network = but((values, { layer, part }) => {
      if (layer === "classifier.0" && part === "weight") smooth(order, values, random);
    });
    const findings = await run(layoutSuspect, network);
    if (order === "i h w") expect(findings).toEqual([]);
    else {
      expect(findings).toMatchObject([{ severity: "warning", layers: ["fc6"] }]);
      expect(findings[0]?.message).toContain("in the order (h w i)");
      expect(findings[0]?.message).toContain("nearly certain");
    }
  });
});
