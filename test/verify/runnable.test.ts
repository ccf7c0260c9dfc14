import { describe, expect, test } from "vitest";
import type { Network } from "../../src/model/network/network.ts";
import { runnable } from "../../src/verify/runnable.ts";
import { networkOf, randomSet } from "./support.ts";

const network = networkOf(randomSet({ widths: [[2], [2], [2], [2], [4]], channels: 3, kernels: {}, fc: [4, 2, 3] }));
const without = (names: readonly string[], missing: readonly string[] = names): Network => ({
  ...network,
  layers: network.layers.filter((layer) => !names.includes(layer.name)),
  missing,
  complete: false,
});
const names = ({ layers }: Network) => layers.filter((layer) => layer.kind === "fc").map((layer) => layer.name);

test("a whole network is run as it is", () => {
  expect(runnable(network)).toEqual({ network });
});

test.each([
  ["fc8 left out", without(["fc8"]), ["fc6", "fc7"], "fc7"],
  ["fc8 replaced by something else", without(["fc8"], []), ["fc6", "fc7"], "fc7"],
  ["fc7 left out", without(["fc7"]), ["fc6"], "fc6"],
  ["fc6 left out", without(["fc6"]), [], "pool5"],
])("%s: up to there", (_, partial, head, last) => {
  const { network: run, note } = runnable(partial);
  expect(names(run)).toEqual(head);
  expect(run).toMatchObject({ complete: true, missing: [] });
  expect(run.classes).toBeUndefined();
  expect("head" in run).toBe(head.length > 0);
  expect(note).toBe(`the head is not a whole VGG's; the network is run up to ${last}`);
});

test("without convolutions nothing is run, and they are named", () => {
  expect(() => runnable(without(["conv1_1", "conv2_1"]))).toThrow(
    "2 layers missing: conv1_1, conv2_1; a forward pass needs the whole network",
  );
  expect(() => runnable(without(["conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1"], []))).toThrow("no convolutions are in it");
});

describe("up to a layer", () => {
  test("it is the last one that runs, and gives what it gives inside the network", () => {
    const { network: run, note } = runnable(network, "conv4_1");
    expect(run.layers.map(({ name }) => name)).toEqual(["conv1_1", "pool1", "conv2_1", "pool2", "conv3_1", "pool3", "conv4_1"]);
    expect([run.classes, "head" in run, note]).toEqual([undefined, false, undefined]);
    const { network: fc7 } = runnable(network, "fc7");
    expect(fc7.layers.at(-1)).toMatchObject({ name: "fc7", activation: "relu" });
    expect(runnable(network, "fc8")).toEqual({ network });
  });

  test("what is missing behind it does not matter, and what is missing before it does", () => {
    expect(runnable(without(["conv5_1"]), "conv4_1").network.complete).toBe(true);
    expect(() => runnable(without(["conv3_1"]), "conv4_1")).toThrow("1 layer missing: conv3_1");
    expect(() => runnable(without(["conv3_1"]))).toThrow(
      expect.objectContaining({ where: expect.objectContaining({ hint: "--until conv2_1 runs the layers before it" }) }),
    );
  });

  test("what no engine computes is refused with the layer, unless it is behind", () => {
    const strange = { ...network, uncomputed: [{ behind: "conv2_1", what: "norm1 (LRN)" }] };
    expect(() => runnable(strange)).toThrow("the file computes norm1 (LRN) behind conv2_1, which no engine here does");
    expect(runnable(strange, "conv2_1").network.layers.at(-1)?.name).toBe("conv2_1");
    expect(() => runnable(strange, "conv3_1")).toThrow("norm1");
  });

  test("a layer that is not there is answered with those that are", () => {
    expect(() => runnable(network, "conv9_9")).toThrow("--until conv9_9 is no layer of the network; these are: conv1_1, pool1");
  });
});
