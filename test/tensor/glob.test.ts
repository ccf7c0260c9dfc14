import { expect, test } from "vitest";
import { glob } from "../../src/tensor/glob.ts";

const table: readonly (readonly [pattern: string, matching: readonly string[], other: readonly string[]])[] = [
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
