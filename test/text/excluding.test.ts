import { expect, test } from "vitest";
import { excludePatterns } from "../../src/text/excluding.ts";
import { glob } from "../../src/text/glob.ts";
import { optionsText } from "../../src/text/refusal.ts";

const excludeOptions = (unwanted: readonly string[], wanted: readonly string[]): string =>
  optionsText({ exclude: excludePatterns(unwanted, wanted) });

test("a whole branch is left out by its name where nothing wanted is in it", () => {
  const wanted = ["backbone.conv1.weight", "backbone.fc.weight"];
  expect(excludeOptions(["rpn.head.weight", "rpn.head.bias", "backbone.extra.weight"], wanted)).toBe(
    "--exclude 'rpn' --exclude 'backbone.extra'",
  );
});

test("a name that is a part of a wanted one is written out", () => {
  expect(excludeOptions(["head.weight"], ["head"])).toBe("--exclude 'head.weight'");
  expect(excludeOptions(["fc1.weight"], ["fc10.weight"])).toBe("--exclude 'fc1'");
});

test("what means something in a pattern or a shell is taken as it is", () => {
  expect(excludeOptions(["net.layers{3}", "it's"], ["net.a"])).toBe("--exclude 'net.layers\\{3\\}' --exclude 'it'\\''s'");
});

test.each([
  ["names that begin alike are one", ["aux.a.weight", "aux.b"], ["auxiliary.w", "conv.weight"], ["aux"]],
  ["as far down as others are beside them", ["net.aux.w", "net.aux.b"], ["net.conv.w"], ["net.aux"]],
  ["or each by itself", ["conv1.scale", "conv2.scale"], ["conv1.weight", "conv2.weight"], ["conv1.scale", "conv2.scale"]],
  ["signs of patterns are themselves", ["a*b"], ["axb"], ["a\\*b"]],
])("patterns that take all unwanted names and no other: %s", (_title, names, others, patterns) => {
  expect(excludeOptions(names, others)).toBe(patterns.map((pattern) => `--exclude '${pattern}'`).join(" "));
  const takes = patterns.map(glob);
  expect(names.every((name) => takes.some((matches) => matches(name)))).toBe(true);
  expect(others.some((name) => takes.some((matches) => matches(name)))).toBe(false);
});
