import { describe, expect, test } from "vitest";
import { pathPattern } from "../../src/text/path-pattern.ts";
import { isPattern } from "../../src/text/wildcards.ts";
import { Random } from "../support/random.ts";

const answer = (pattern: string, path: string) => pathPattern(pattern).takes(path.split("/"));

describe("a pattern of paths", () => {
  test.each([
    ["*.pth", "a.pth", "taken"],
    ["*.pth", "a.pth.tar", undefined],
    ["*.pth", "sub/a.pth", undefined],
    ["*/*.pth", "sub", "below"],
    ["*/*.pth", "sub/a.pth", "taken"],
    ["**/*.pth", "a.pth", "taken"],
    ["**/*.pth", "a/b/c.pth", "taken"],
    ["a/**", "a/b/c.pth", "taken"],
    ["{a,b}/v[0-9].h5", "b/v7.h5", "taken"],
    // A folder that is taken is taken with all that is in it.
    ["run*", "run7/last/model.h5", "taken"],
    ["*", ".git", undefined],
    ["run*", "run7/.cache/x.h5", undefined],
    [".cache/*", ".cache/x.h5", "taken"],
  ])("%s and %s: %s", (pattern, path, expected) => {
    const { folder, takes } = pathPattern(pattern);
    const inside = folder === "" ? path : path.slice(folder.length + 1);
    expect(takes(inside.split("/"))).toBe(expected);
  });

  test("begins below the folder that it names", () => {
    expect(pathPattern("/data/zoo/*/x.pth").folder).toBe("/data/zoo");
    expect(pathPattern("*.pth").folder).toBe("");
    expect([isPattern("a[1].pth"), isPattern("layers{3}.npy"), isPattern("{a,b}"), isPattern("vgg16.pth")]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  test("takes what the regular expression of the same meaning takes", () => {
    const random = new Random(7);
    const parts = (from: readonly string[]): string => Array.from({ length: random.integer(1, 4) }, () => random.pick(from)).join("/");
    for (let round = 0; round < 2000; round++) {
      const pattern = `*/${parts(["**", "*", "a*", "?b", "ab"])}`; // so that none of it is the plain folder
      const path = `a/${parts(["a", "ab", "bb", "abb"])}`;
      const expression = pattern
        .split("/")
        .map((part) => (part === "**" ? "(?:[^/]+/)*" : `${part.replaceAll("*", "[^/]*").replaceAll("?", "[^/]")}/`));
      const expected = new RegExp(`^${expression.join("")}`).test(`${path}/`);
      expect([pattern, path, answer(pattern, path) === "taken"]).toEqual([pattern, path, expected]);
    }
  });
});
