import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { isInShard, sourceName } from "../../src/catalogue/source.ts";

describe("the name of a source", () => {
  test.each([
    ["models/a.pth", resolve("models/a.pth")],
    ["file:///zoo/a%20b.pth", "/zoo/a b.pth"],
    ["hf://org/repo@main/vgg.pth", "hf://org/repo@main/vgg.pth"],
    ["s3://bucket/vgg.pth", "s3://bucket/vgg.pth"],
    ["https://user:secret@host/vgg.pth", "https://host/vgg.pth"],
    ["https://host/vgg.pth?X-Amz-Signature=00&X-Amz-Credential=me", "https://host/vgg.pth"],
    ["https://host/vgg.pth?sv=1&sig=abc#part", "https://host/vgg.pth"],
    ["https://host/get?id=3&token=abc&revision=v2", "https://host/get?id=3&revision=v2"],
  ])("%s is %s", (input, name) => {
    expect(sourceName(input)).toBe(name);
  });

  test("standard input has none", () => {
    expect(() => sourceName("-")).toThrow(expect.objectContaining({ code: "usage" }));
  });
});

test.each([1, 2, 7])("each source is in one of %i shards", (of) => {
  const sources = Array.from({ length: 700 }, (_, k) => `/zoo/${k}.pth`);
  const numbers = Array.from({ length: of }, (_, k) => k + 1);
  const sizes = numbers.map((number) => sources.filter((source) => isInShard(source, { number, of })).length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(700);
  expect(Math.min(...sizes)).toBeGreaterThan(700 / of / 2);
  for (const source of sources) expect(numbers.filter((number) => isInShard(source, { number, of }))).toHaveLength(1);
});

test("a source stays in its shard from version to version", () => {
  expect([1, 2, 3].map((number) => isInShard("/zoo/vgg16.pth", { number, of: 3 }))).toEqual([false, true, false]);
});
