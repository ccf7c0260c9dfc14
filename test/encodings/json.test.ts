import { describe, expect, test } from "vitest";
import { type Json, parseJson, parseJsonBytes } from "../../src/encodings/json/json.ts";
import { eachJsonEntry } from "../../src/encodings/json/json-entries.ts";
import { CheckpointError } from "../../src/errors.ts";
import { memorySource } from "../../src/io/source/memory.ts";

const bytes = (text: string): Uint8Array => Buffer.from(text);

/** Maps as plain objects, to compare with JSON.parse. */
function plain(value: Json): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, of]) => [key, plain(of)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

describe("JSON", () => {
  test.each([
    '{"a": [1, -2.5e3, true, false, null], "b": {"": "x"}}',
    '["\\u00e9\\n\\"\\\\\\/", "é層𝄞", "\\ud834\\udd1e"]',
    " [ ] ",
    '{"deep": [[[[{"x": [0, 1e-7]}]]]]}',
    '"plain"',
    "12345678901",
  ])("%s is what JSON.parse makes of it", (text) => {
    expect(plain(parseJson(text, "f"))).toEqual(JSON.parse(text));
  });

  test("integers beyond 2^53 stay exact, and Python's words need leave", () => {
    expect(parseJson("[9007199254740993]", "f")).toEqual([9007199254740993n]);
    expect(parseJson("[NaN, -Infinity]", "f", { python: true })).toEqual([Number.NaN, Number.NEGATIVE_INFINITY]);
    expect(() => parseJson("[NaN]", "f")).toThrow(CheckpointError);
  });

  test("a byte order mark in front is passed over", () => {
    expect(parseJsonBytes(Uint8Array.from([0xef, 0xbb, 0xbf, 0x31]), "f")).toBe(1);
  });

  test.each(['{"a":1,"a":2}', "[1,]", '{"a"}', '"\\x"', '"\n"', "[1] 2", "", "{", '"open', "01", "1.", "tru"])("%j is refused", (text) => {
    expect(() => parseJson(text, "f")).toThrow(expect.objectContaining({ code: "malformed" }));
  });

  test("bytes that are no UTF-8 are refused, in strings and beside them", () => {
    expect(() => parseJsonBytes(Uint8Array.from([0x22, 0xff, 0x22]), "f")).toThrow(/no UTF-8/);
    expect(() => parseJsonBytes(Uint8Array.from([0x5b, 0xff, 0x5d]), "f")).toThrow(expect.objectContaining({ code: "malformed" }));
  });

  test("nesting has an end", () => {
    expect(() => parseJson("[".repeat(100_000), "f")).toThrow(expect.objectContaining({ code: "unsafe" }));
  });

  async function entriesOf(text: string): Promise<readonly (readonly [string, Json])[]> {
    const source = memorySource(bytes(text), "f");
    const seen: (readonly [string, Json])[] = [];
    await eachJsonEntry(source, 0, source.size, (key, value) => seen.push([key, value]));
    return seen;
  }

  test("entries come one at a time and in their order", async () => {
    expect(await entriesOf('{"b": [1], "a": "x"}')).toEqual([
      ["b", [1]],
      ["a", "x"],
    ]);
    expect(await entriesOf(" {} ")).toEqual([]);
    await expect(entriesOf("[1]")).rejects.toThrow(/an object expected/);
    await expect(entriesOf('{"a": 1,}')).rejects.toThrow(/a string expected at byte 8/);
  });

  test("entries may be longer than what is read at a time, and anything may be at its end", async () => {
    const long = "é".repeat(35_000);
    for (let blanks = 0; blanks < 6; blanks += 1) {
      const text = `{"a": ${" ".repeat(65_524 + blanks)}"\u00e9${long}", "b": [1, 20, 300], "c": true}${" ".repeat(200_000)}`;
      expect(await entriesOf(text)).toEqual([
        ["a", `é${long}`],
        ["b", [1, 20, 300]],
        ["c", true],
      ]);
    }
    const many = Array.from({ length: 9000 }, (_, k) => [`name ${k}`, [k, "é"]] as const);
    expect(await entriesOf(JSON.stringify(Object.fromEntries(many)))).toEqual(many);
    await expect(entriesOf(`{"a": 1, "b" 2, "c": ${" ".repeat(200_000)}3}`)).rejects.toThrow(/a colon expected at byte 13/);
    await expect(entriesOf(`{"a": 1}${" ".repeat(200_000)}x`)).rejects.toThrow(/the end expected at byte 200008/);
  });
});
