import { expect, test } from "vitest";
import { excludeOptions } from "../../src/text/excluding.ts";

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
