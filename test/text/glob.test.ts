import { expect, test } from "vitest";
import { glob, globStars } from "../../src/text/glob.ts";
import { Random } from "../support/random.ts";

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

test("what the stars of a pattern mean", () => {
  expect(globStars("features.*.{weight,bias}")("features.12.bias")).toEqual(["12"]);
  expect(globStars("*/conv*_1")("vgg_16/conv1/conv1_1")).toEqual(["vgg_16", "1/conv1"]);
  expect(globStars("fc8")("fc8.weight")).toBeUndefined();
});

test("a brace that is not closed, and a pattern longer than any name, are refused", () => {
  expect(() => glob("{a,{b,c}")).toThrow(/is no pattern/);
  expect(() => glob(`{${"a,".repeat(600)}b}`)).toThrow(/^'\{a,a,[a,]*…[a,]*b\}' is no pattern$/);
});

test.each([
  ["*a*a*a*a*a*weight", "a".repeat(100_000), "weight"],
  [`${"{*,*a}".repeat(150)}z`, "a".repeat(3000), "z"],
  [`${"*a".repeat(400)}b`, "a".repeat(10_000), "b.x"],
])("no name makes a pattern slow: %#", (pattern, name, end) => {
  expect(glob(pattern)(name)).toBe(false);
  expect(glob(pattern)(name + end)).toBe(true);
  expect(globStars(pattern)(name.slice(0, 300))).toBeUndefined();
});

/** The pattern as a regular expression: what it means, said in another way. */
function expression(pattern: string, any: string): string {
  const escaped = (char: string): string => char.replace(/[\\^$.*+?()[\]{}|/]/u, "\\$&");
  let [out, braces] = ["", 0];
  const chars = [...pattern];
  for (let k = 0; k < chars.length; k++) {
    const char = chars[k] ?? "";
    if (char === "*") out += any;
    else if (char === "?") out += ".";
    else if (char === "\\" && k + 1 < chars.length) out += escaped(chars[++k] ?? "");
    else if (char === "{" && chars.slice(k, chars.indexOf("}", k) + 1).includes(",")) [out, braces] = [`${out}(?:`, braces + 1];
    else if (char === "}" && braces > 0) [out, braces] = [`${out})`, braces - 1];
    else out += char === "," && braces > 0 ? "|" : escaped(char);
  }
  return out;
}

test("patterns drawn at random mean what the regular expression means that says the same", () => {
  const random = new Random(11);
  const drawn = (letters: string, most: number): string =>
    Array.from({ length: random.integer(0, most) }, () => random.pick([...letters])).join("");
  for (let round = 0; round < 20_000; round++) {
    const [pattern, name] = [drawn("aab.*?*{,}/\\", 9), drawn("aab./", 9)];
    let whole: RegExp;
    try {
      whole = new RegExp(`^(?:${expression(pattern, "(.*?)")})$`, "su");
    } catch {
      expect(() => glob(pattern)).toThrow("is no pattern");
      continue;
    }
    const below = new RegExp(`^(?:${expression(pattern, ".*")})(?:[/.].*)?$`, "su");
    const stars = whole.exec(name)?.slice(1);
    expect([pattern, name, glob(pattern)(name)]).toEqual([pattern, name, below.test(name)]);
    expect([pattern, name, globStars(pattern)(name)?.join()]).toEqual([pattern, name, stars?.map((text) => text ?? "").join()]);
  }
});
