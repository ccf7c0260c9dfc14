import { describe, expect, test } from "vitest";
import { jsonPieces, toJson } from "../../src/report/json.ts";

describe("a record in pieces", () => {
  test.each([
    ["nothing in it", {}],
    ["an empty list", []],
    ["numbers that JSON has not", { a: [Number.NaN, 1n, 2n ** 60n], b: Number.POSITIVE_INFINITY }],
    ["fields that are absent", { a: undefined, b: { c: undefined, d: [undefined, null] } }],
    [
      "maps, bytes and names of any kind",
      {
        m: new Map<string, unknown>([
          ["b", 1],
          ["7", [2]],
          ["__proto__", {}],
        ]),
        u: Uint8Array.of(1, 2),
      },
    ],
    ["arrays of numbers", new Float64Array([1, 2])],
    ["lists below records below lists", { plan: { moves: [{ to: "\ud800", fills: [{ from: [] }] }, { to: '"' }] }, warnings: [] }],
    ["a word", "text"],
  ])("%s: the same text", (_, record) => {
    expect([...jsonPieces(record)].join("")).toBe(toJson(record));
  });
});
