import { describe, expect, test } from "vitest";
import { type Column, table } from "../../src/report/table.ts";

const columns: readonly Column[] = [{ title: "name" }, { title: "shape", align: "right" }, { title: "role" }];
const bold = (text: string): string => `<${text}>`;

describe("a table", () => {
  test("aligns columns under their titles, without trailing spaces", () => {
    const rows = [
      ["features.0.weight", "64 × 3 × 3 × 3", "conv1_1.weight"],
      ["b", "64", ""],
    ];
    expect(table(columns, rows, (text) => text).split("\n")).toEqual([
      "name                        shape  role",
      "features.0.weight  64 × 3 × 3 × 3  conv1_1.weight",
      "b                              64",
    ]);
  });

  test("counts columns of the terminal: wide characters take two, and colours none", () => {
    const rows = [
      ["conv1_1", "3 × 3", "weight"],
      ["größer", "7", "bias"],
    ];
    const wide = ["层", "1", "x"];
    const both = table(columns, [...rows, wide], (text) => text).split("\n");
    expect(both.slice(0, 3)).toEqual(table(columns, rows, (text) => text).split("\n"));
    expect(both[3]).toBe("层           1  x");
    const painted = table(columns, [["\u001b[31mred\u001b[39m", "1", "x"]], (text) => text).split("\n");
    expect(painted).toEqual(["name  shape  role", "\u001b[31mred\u001b[39m       1  x"]);
  });

  test("gives a cell of several lines as many lines", () => {
    expect(table(columns, [["a", "1\n22", "x"]], (text) => text).split("\n")).toEqual([
      "name  shape  role",
      "a         1  x",
      "         22",
    ]);
  });

  test("paints titles without moving columns", () => {
    const [head = "", row = ""] = table(columns, [["a", "1", "b"]], bold).split("\n");
    expect(head).toBe("<name>  <shape>  <role>");
    expect(row).toBe("a         1  b");
  });

  test("of no rows is its titles", () => {
    expect(table(columns, [], (text) => text)).toBe("name  shape  role");
  });
});
