import { expect, test } from "vitest";
import { glob, globStars } from "../../src/text/glob.ts";

const table: readonly (readonly [pattern: string, matching: readonly string[], other: readonly string[]])[] = [
  ["vgg_16/fc8", ["vgg_16/fc8/weights", "vgg_16/fc8", "vgg_16/fc8.x"], ["vgg_16/fc80", "x/vgg_16/fc8"]],
  ["keras3-e*", ["keras3-export"], ["keras3_e"]],
  ["[a-c]-[]^-]", ["b-^", "b--"], ["b-a"]],
  ["fc8*", ["fc8", "fc8.weight"], ["vgg_16/fc8", "fc7"]],
  ["*fc?*", ["vgg_16/fc8/weights", "fc6"], ["vgg_16/fc"]],
  ["conv[12]_1.*", ["conv1_1.bias", "conv2_1.weight"], ["conv3_1.bias"]],
  ["conv[!12]_1.*", ["conv3_1.bias"], ["conv1_1.bias"]],
  ["conv[1-3]_1", ["conv2_1"], ["conv4_1", "conv-_1"]],
  ["*.{weight,bias}", ["a.weight", "b.bias"], ["a.mean"]],
  ["net.layers{3?}.*", ["net.layers{32}.weights{1}"], ["net.layers{3}.weights{1}", "net.layers32.x"]],
  ["a\\*b", ["a*b"], ["axb"]],
  ["a.b(c)|d+^$", ["a.b(c)|d+^$"], ["aXb(c)"]],
  ["[", ["["], ["x"]],
  ["*", ["", "anything\nat all"], []],
];

test.each(table)("%s", (pattern, matching, other) => {
  const matches = glob(pattern);
  expect(matching.filter((name) => !matches(name))).toEqual([]);
  expect(other.filter(matches)).toEqual([]);
});

test("a range that goes downwards is refused", () => {
  expect(() => glob("conv[3-1]_*")).toThrow(/'conv\[3-1\]_\*' is no pattern/);
});

test("what the stars of a pattern stand for", () => {
  expect(globStars("features.*.{weight,bias}")("features.12.bias")).toEqual(["12"]);
  expect(globStars("*/conv*_1")("vgg_16/conv1/conv1_1")).toEqual(["vgg_16", "1/conv1"]);
  expect(globStars("fc8")("fc8.weight")).toBeUndefined();
});
