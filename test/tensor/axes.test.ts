import { describe, expect, test } from "vitest";
import { memorySource } from "../../src/io/source/memory.ts";
import { axesOf, axisSizes, jointSizes, parseAxes, plainAxes, shapeFor } from "../../src/tensor/axes.ts";
import { contiguous } from "../../src/tensor/contiguous.ts";
import { stridesFor, view } from "../../src/tensor/view.ts";

describe("patterns", () => {
  test("are parsed into groups of elementary axes", () => {
    expect(parseAxes("(h w i) o").groups).toEqual([["h", "w", "i"], ["o"]]);
    expect(parseAxes(" o 1 ").groups).toEqual([["o"], []]);
    expect(parseAxes("").groups).toEqual([]);
    expect(parseAxes("(1 i) ()").groups).toEqual([["i"], []]);
    expect(parseAxes("(h w i) o").names).toEqual(["h", "w", "i", "o"]);
  });

  test("are parsed once, and are their text again in sentences and in JSON", () => {
    expect(parseAxes("(h w i) o")).toBe(parseAxes("(h w i) o"));
    for (const text of ["(h w i) o", "o i h w", "1 o", "d0 d1"]) expect(axesOf(parseAxes(text).groups).text).toBe(text);
    expect(JSON.stringify({ axes: parseAxes("o i h w") })).toBe('{"axes":"o i h w"}');
    expect(`${plainAxes(3)}`).toBe("d0 d1 d2");
  });

  test("tell a stored axis from a part of one", () => {
    expect([parseAxes("h w i o").alone("h"), parseAxes("(h w i) o").alone("h")]).toEqual([true, false]);
  });

  test.each(["(h w", "h)", "((h) w)", "h h", "h-w", "2"])("%s is refused", (text) => {
    expect(() => parseAxes(text)).toThrow(expect.objectContaining({ code: "usage" }));
  });
});

describe("sizes", () => {
  test("follow from shape and known sizes", () => {
    const known = new Map([
      ["h", 2],
      ["w", 3],
    ]);
    expect(Object.fromEntries(axisSizes("(h w i) o", [30, 7], known))).toEqual({ h: 2, w: 3, i: 5, o: 7 });
    expect(Object.fromEntries(axisSizes("(a b) 1", [1, 1]))).toEqual({ a: 1, b: 1 });
  });

  test("unknown neighbours stay together", () => {
    const sizes = axisSizes("(h w i) o", [30, 7], new Map([["i", 5]]));
    expect(Object.fromEntries(sizes)).toEqual({ i: 5, o: 7, "h w": 6 });
    expect(shapeFor("o (i h w)", sizes)).toEqual([7, 30]);
    expect(shapeFor("(h w) o 1 i", sizes)).toEqual([6, 7, 1, 5]);
    expect(() => shapeFor("h w i o", sizes)).toThrow(expect.objectContaining({ code: "mismatch" }));
    expect(() => shapeFor("(w h i) o", sizes)).toThrow(expect.objectContaining({ code: "mismatch" }));
  });

  test("the two sides of a move complete each other", () => {
    const dense = { axes: parseAxes("(i h w) o"), shape: [30, 7] };
    const conv = { axes: parseAxes("h w i o"), shape: [2, 3, 5, 7] };
    expect(Object.fromEntries(jointSizes([dense, conv]))).toEqual({ h: 2, w: 3, i: 5, o: 7 });
    const other = { axes: parseAxes("o (h w) i"), shape: [7, 6, 5] };
    expect(Object.fromEntries(jointSizes([dense, other]))).toEqual({ "h w": 6, i: 5, o: 7 });
    expect(() => jointSizes([conv, { axes: parseAxes("o"), shape: [8] }])).toThrow(expect.objectContaining({ code: "mismatch" }));
  });

  test("contradictions are refused", () => {
    expect(() => axisSizes("h w", [2])).toThrow(expect.objectContaining({ code: "mismatch" }));
    expect(() => axisSizes("(h w) o", [7, 3], new Map([["h", 2]]))).toThrow(expect.objectContaining({ code: "mismatch" }));
    expect(() => axisSizes("1 o", [2, 3])).toThrow(expect.objectContaining({ code: "mismatch" }));
    expect(() => axisSizes("o", [-1])).toThrow(expect.objectContaining({ code: "malformed" }));
  });
});

test("target strides: row-major, column-major, wider elements, axes of size 1 that come and go", async () => {
  const tensor = contiguous({ name: "t", dtype: "uint8", shape: [30, 7], source: memorySource(new Uint8Array(210)) });
  const known = new Map([
    ["h", 2],
    ["w", 3],
  ]);
  const source = await view(tensor, "(h w i) o", known);
  expect(source.axes).toEqual(["h", "w", "i", "o"]);
  expect(stridesFor(source, "o i h w")).toEqual([3, 1, 6, 30]);
  expect(stridesFor(source, "o i h w", "row", 4)).toEqual([12, 4, 24, 120]);
  expect(stridesFor(source, "h w i o", "column")).toEqual([1, 2, 6, 30]);
  // Inside a composite axis the last name is the fastest, in column-major arrays too.
  expect(stridesFor(source, "(h w) i o", "column")).toEqual([3, 1, 6, 30]);
  const dense = contiguous({ name: "d", dtype: "uint8", shape: [30, 7], source: memorySource(new Uint8Array(210)) });
  expect(stridesFor(await view(dense, "i o"), "h w i o")).toEqual([7, 1]);
  const conv = contiguous({ name: "c", dtype: "uint8", shape: [1, 1, 30, 7], source: memorySource(new Uint8Array(210)) });
  expect(stridesFor(await view(conv, "h w i o"), "o i")).toEqual([0, 0, 1, 30]);
  await expect(async () => stridesFor(await view(dense, "i o"), "o")).rejects.toMatchObject({ code: "mismatch" });
});
