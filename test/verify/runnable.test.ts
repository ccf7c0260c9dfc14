import { expect, test } from "vitest";
import type { Network } from "../../src/model/network.ts";
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
