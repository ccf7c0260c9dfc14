import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { CheckpointError } from "../../src/errors.ts";
import { createContext } from "../../src/io/run.ts";
import type { Windows } from "../../src/model/geometry/window.ts";
import type { Network, NetworkLayer } from "../../src/model/network/network.ts";
import type { Activation, Weights } from "../../src/verify/engines/engine.ts";
import { wasm } from "../../src/verify/engines/wasm.ts";
import { fixtures, golden } from "../support/paths.ts";
import { reference } from "./reference.ts";
import { type Array32, arch, maxAbs, maxDifference, networkOf, npyFile, npzFile, randomSet, weightsFrom } from "./support.ts";

const ctx = createContext();
afterAll(() => ctx.dispose());

async function run(network: Network, weights: Weights, input: Array32): Promise<ReadonlyMap<string, Activation>> {
  const session = await wasm.open(network, weights, input, ctx);
  const out = new Map<string, Activation>();
  await session.run({ layer: "input", ...input }, async (activation) => void out.set(activation.layer, activation));
  await session.close();
  return out;
}

/** Largest error of a layer over its largest value. */
function deviation(got: Activation | undefined, want: Float32Array): number {
  return maxDifference(got?.values ?? new Float32Array(0), want) / maxAbs(want);
}

describe("the embedded engine computes the canonical networks", () => {
  const input = npyFile(join(fixtures, "verify/input.npy"));
  for (const name of ["vgg16-64x96", "vgg16bn-64x96"]) {
    const weights = npzFile(join(fixtures, `verify/${name}.npz`));
    const logits = npyFile(join(fixtures, `verify/${name}.logits.npy`));
    test.each(["dense", "conv"] as const)(`${name}, %s head`, async (head) => {
      const got = (await run(networkOf(weights, { head }), weightsFrom(weights), input)).get("fc8");
      expect(got?.shape).toEqual([1, 7]);
      expect(deviation(got, logits.values)).toBeLessThan(1e-5);
    });
  }

  describe.skipIf(golden === undefined)("of the golden collection", () => {
    const folders = readdirSync(golden ?? ".").filter((name) => existsSync(join(golden ?? ".", name, "canonical.npz")));
    test.each(folders)("%s", async (name) => {
      const { weights, input: batch, logits } = arch(join(golden ?? ".", name));
      const got = (await run(networkOf(weights), weightsFrom(weights), batch)).get("fc8");
      expect(got?.shape).toEqual(logits.shape);
      expect(deviation(got, logits.values)).toBeLessThan(1e-5);
    });
  });
});

test("a network that is run once has its weights read in each layer's turn, and gives the same bits", async () => {
  const weights = npzFile(join(fixtures, "verify/vgg16-64x96.npz"));
  const input = npyFile(join(fixtures, "verify/input.npy"));
  const network = networkOf(weights);
  const asked: string[] = [];
  const read = weightsFrom(weights);
  const noted: Weights = (role, axes) => {
    asked.push(role);
    return read(role, axes);
  };
  const session = await wasm.open(network, noted, { shape: input.shape, once: true }, ctx);
  expect(asked).toEqual([]);
  const kept = await run(network, read, input);
  await session.run({ layer: "input", ...input }, async ({ layer, values }) => {
    // Nothing of a layer behind has been asked for.
    if (layer.startsWith("conv") || layer.startsWith("fc")) expect(asked.at(-1)).toBe(`${layer}.bias`);
    expect(values).toEqual(kept.get(layer)?.values);
  });
  await session.close();
  expect(session.readsInTurn).toBe(true);
});

describe("every member of the family, against a float64 reference", () => {
  const body = { widths: [[2], [3], [2, 3], [3], [4]], channels: 3, kernels: {} };
  const rows: readonly [string, Parameters<typeof randomSet>[0], Parameters<typeof networkOf>[1], readonly [number, number]][] = [
    ["one channel", { ...body, channels: 1, fc: [4, 2, 3] }, {}, [64, 96]],
    ["odd sizes, pools rounded down", { ...body, fc: [4, 1, 2] }, {}, [47, 70]],
    ["odd sizes, pools rounded up", { ...body, fc: [4, 2, 3] }, { ceil: true }, [47, 70]],
    ["one row under a rounded-up pool", { ...body, fc: [4, 1, 1] }, { ceil: true }, [3, 5]],
    ["1×1 and 3×5 kernels", { ...body, fc: [4, 2, 3], kernels: { conv3_2: [1, 1], conv2_1: [3, 5] } }, {}, [64, 96]],
    ["adaptive pool, shrinking and growing", { ...body, fc: [4, 2, 3] }, { adaptive: [2, 3] }, [160, 33]],
    ["feature maps without a head", body, { head: "none" }, [40, 72]],
    ["batch norm, a large epsilon", { ...body, fc: [4, 2, 3], batchNorm: true }, { epsilon: 1e-3 }, [64, 96]],
    ["conv head on its own size", { ...body, fc: [4, 2, 3] }, { head: "conv" }, [64, 96]],
    ["conv head on a larger picture: a map of scores", { ...body, fc: [4, 2, 3] }, { head: "conv" }, [96, 160]],
    [
      "dense head that does not say its height and width",
      { ...body, fc: [4, 2, 3] },
      { featureShape: [4, undefined, undefined] },
      [64, 96],
    ],
  ];
  test.each(rows)("%s", async (_, recipe, options, [height, width]) => {
    const set = randomSet(recipe);
    const network = networkOf(set, options);
    const picture = randomSet({ picture: [recipe.channels ?? 3, height, width] }).get("picture");
    if (picture === undefined) throw new Error("no picture");
    const got = await run(network, weightsFrom(set), { shape: [1, ...picture.shape], values: picture.values });
    const want = reference(network, set, picture);
    expect([...got.keys()]).toEqual([...want.keys()]);
    for (const [layer, values] of want) expect(deviation(got.get(layer), Float32Array.from(values)), layer).toBeLessThan(1e-5);
  });

  const at = (
    kernel: number,
    stride: number,
    pad: readonly [number, number],
    more: { dilation?: number; ceil?: boolean } = {},
  ): Windows => {
    const window = { kernel, stride, pad, dilation: more.dilation ?? 1, ceil: more.ceil ?? false };
    return [window, window];
  };
  const slides: readonly [string, Record<string, Windows>, Record<string, object>, readonly [number, number]][] = [
    ["SSD's pool5 and dilated fc6", { pool5: at(3, 1, [1, 1]), fc6: at(3, 1, [6, 6], { dilation: 6 }) }, {}, [96, 128]],
    [
      "pools of 3×3 with stride 2, rounded up",
      { pool1: at(3, 2, [0, 0], { ceil: true }), pool3: at(3, 2, [0, 0], { ceil: true }) },
      {},
      [99, 150],
    ],
    ["a pool that pads before and behind", { pool2: at(3, 2, [1, 0]) }, {}, [97, 161]],
    ["a convolution with steps, and one padded at its end alone", { conv2_1: at(3, 2, [1, 1]), conv3_1: at(3, 1, [0, 2]) }, {}, [224, 256]],
    [
      "averages, and a convolution without ReLU",
      {},
      { pool4: { method: "average", windows: at(3, 2, [0, 0]) }, conv5_1: { linear: true } },
      [160, 224],
    ],
  ];
  test.each(slides)("%s", async (_, windows, more, [height, width]) => {
    const set = randomSet({ ...body, fc: [4, 3, 3] });
    const plain = networkOf(set, { head: "conv" });
    const layers = plain.layers.map((layer): NetworkLayer => {
      const own = windows[layer.name];
      const changed = { ...layer, ...more[layer.name] };
      return own === undefined || changed.kind === "adaptive-pool" ? changed : { ...changed, windows: own };
    });
    const network = { ...plain, layers };
    const picture = randomSet({ picture: [3, height, width] }).get("picture");
    if (picture === undefined) throw new Error("no picture");
    const got = await run(network, weightsFrom(set), { shape: [1, ...picture.shape], values: picture.values });
    const want = reference(network, set, picture);
    for (const [layer, values] of want) {
      expect(got.get(layer)?.values.length, layer).toBe(values.length);
      expect(deviation(got.get(layer), Float32Array.from(values)), layer).toBeLessThan(1e-5);
    }
  });

  test("old Paddle's scale of a layer's input, and no ReLU behind the last layer whatever the file says", async () => {
    const set = randomSet({ ...body, fc: [4, 2, 3] });
    const plain = networkOf(set);
    const layers = plain.layers.map((layer) =>
      layer.kind === "fc" && layer.name !== "fc6" ? { ...layer, inputScale: 0.5, activation: "relu" as const } : layer,
    );
    const network = { ...plain, layers };
    const picture = randomSet({ picture: [3, 64, 96] }).get("picture") ?? { shape: [], values: new Float32Array(0) };
    const got = await run(network, weightsFrom(set), { shape: [1, ...picture.shape], values: picture.values });
    const want = reference(network, set, picture);
    const logits = Float32Array.from(want.get("fc8") ?? []);
    expect(Math.min(...logits)).toBeLessThan(0);
    expect(deviation(got.get("fc8"), logits)).toBeLessThan(1e-5);
  });
});

describe("what cannot be run is refused", () => {
  const set = randomSet({ widths: [[2], [2], [2], [2], [4]], channels: 3, kernels: {}, fc: [4, 2, 3] });
  const network = networkOf(set);
  const zeros = (...shape: number[]): Array32 => ({ shape, values: new Float32Array(shape.reduce((product, size) => product * size, 1)) });
  const rows: readonly [string, Network, Array32, string][] = [
    ["another number of channels", network, zeros(1, 4, 64, 96), "the input has 4 channels, and the network takes 3"],
    ["three axes", network, zeros(3, 64, 96), "the input has shape [3, 64, 96], and N C H W was needed"],
    ["too small", network, zeros(1, 3, 16, 16), "an input of 16×16 is too small: nothing is left at pool5"],
    [
      "turned by 90 degrees",
      network,
      zeros(1, 3, 96, 64),
      "an input of 96×64 gives fc6 features of 4×3×2 (channels, height, width), and its weights take 2×3 positions (24 values)",
    ],
  ];
  test.each(rows)("%s", async (_, net, input, message) => {
    const error = await run(net, weightsFrom(set), input).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error instanceof Error && error.message).toBe(message);
  });

  test("a variance that leaves no positive number under the root", async () => {
    const norm = new Map(randomSet({ widths: [[2], [2], [2], [2], [4]], channels: 3, kernels: {}, fc: [4, 2, 3], batchNorm: true }));
    norm.set("conv2_1.bn.var", { shape: [2], values: Float32Array.of(1, -0.5) });
    await expect(run(networkOf(norm), weightsFrom(norm), zeros(1, 3, 64, 96))).rejects.toThrow(
      "the variance of channel 1 is -0.5, and with epsilon 0.00001 a positive one was needed",
    );
  });
});

test("what does not fit into the engine's heap is refused before it is tried", async () => {
  const set = randomSet({ widths: [[64, 64], [2], [2], [2], [2]], channels: 3, kernels: {} });
  const network = networkOf(set, { head: "none" });
  const session = await wasm.open(network, weightsFrom(set), { shape: [9, 3, 1000, 1000] }, ctx);
  const batch = { layer: "input", shape: [9, 3, 1000, 1000], values: new Float32Array(0) };
  await expect(session.run(batch, async () => {})).rejects.toMatchObject({
    code: "unsupported",
    message: "the embedded engine would need 6.9 GB for 9 × 1000×1000, and has 3.9 GB",
    where: { hint: "use a smaller --batch" },
  });
  await session.close();
  await expect(wasm.open(network, weightsFrom(set), { shape: [1, 3, 3000, 3000] }, ctx)).rejects.toMatchObject({
    code: "unsupported",
    message: "the embedded engine would need 7.2 GB for 1 × 3000×3000, and has 3.9 GB",
  });
});

test("two runs give the same bits, and closing gives all memory back", async () => {
  const tf = await import("@tensorflow/tfjs-core");
  const set = randomSet({ widths: [[2], [2], [2], [2], [4]], channels: 3, kernels: {}, fc: [4, 2, 3] });
  const picture = randomSet({ picture: [3, 64, 96] }).get("picture") ?? { shape: [], values: new Float32Array(0) };
  const input = { shape: [1, ...picture.shape], values: picture.values };
  const before = tf.memory().numTensors;
  const first = (await run(networkOf(set), weightsFrom(set), input)).get("fc8");
  const second = (await run(networkOf(set), weightsFrom(set), input)).get("fc8");
  expect(second?.values).toEqual(first?.values);
  expect(tf.memory().numTensors).toBe(before);
});
