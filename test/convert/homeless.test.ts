import { expect, test } from "vitest";
import { patternsFor } from "../../src/convert/plan/homeless.ts";
import { glob } from "../../src/text/glob.ts";

test.each([
  ["names that begin alike are one", ["aux.a.weight", "aux.b"], ["auxiliary.w", "conv.weight"], ["aux"]],
  ["as far down as others are beside them", ["net.aux.w", "net.aux.b"], ["net.conv.w"], ["net.aux"]],
  ["or each by itself", ["conv1.scale", "conv2.scale"], ["conv1.weight", "conv2.weight"], ["conv1.scale", "conv2.scale"]],
  ["signs of patterns stand for themselves", ["a*b"], ["axb"], ["a\\*b"]],
])("patterns that take all homeless tensors and no other: %s", (_title, names, others, patterns) => {
  expect(patternsFor(names, others)).toEqual(patterns);
  const takes = patterns.map(glob);
  expect(names.every((name) => takes.some((matches) => matches(name)))).toBe(true);
  expect(others.some((name) => takes.some((matches) => matches(name)))).toBe(false);
});
