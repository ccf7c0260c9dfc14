import { describe, expect, test } from "vitest";
import { tester } from "../../src/catalogue/expression/evaluate.ts";
import { parseWhere } from "../../src/catalogue/expression/parse.ts";
import { type CatalogueRow, tablesOf } from "../../src/catalogue/schema.ts";

const { columns } = tablesOf({ hash: false, stats: false }).checkpoints;

const rows: readonly CatalogueRow[] = [
  { source: "/zoo/a.pth", format: "torch", classes: 2622, complete: true, bytes: 553_433_881, findings: [], error: null },
  { source: "/zoo/old/b.mat", format: "matconvnet", classes: 1000, complete: false, bytes: 2 ** 40, findings: [], error: null },
  { source: "/zoo/it's.h5", format: null, classes: null, complete: null, bytes: null, findings: [], error: "the file is empty" },
  { source: "/zoo/50%_off.npz", format: "npz", classes: 10, complete: true, bytes: 9_007_199_254_740_993n, findings: null, error: null },
];

/** The last parts of the sources that answer. */
function answers(where: string): readonly string[] {
  const takes = tester(parseWhere(where, columns));
  return rows.filter(takes).map(({ source }) => String(source).replace(/^.*\//, ""));
}

describe("--where", () => {
  test.each<[where: string, found: readonly string[]]>([
    ["classes = 2622", ["a.pth"]],
    ["classes != 2622", ["b.mat", "50%_off.npz"]],
    ["classes <> 2622 and classes > 10.5", ["b.mat"]],
    ["classes>=10 AND classes<=1e3", ["b.mat", "50%_off.npz"]],
    ["complete = true", ["a.pth", "50%_off.npz"]],
    ["complete != true", ["b.mat"]],
    ["format in ('torch', 'npz')", ["a.pth", "50%_off.npz"]],
    ["format not in ('torch')", ["b.mat", "50%_off.npz"]],
    ["source like '/zoo/old/%'", ["b.mat"]],
    ["source like '%it''s.h_'", ["it's.h5"]],
    ["source not like '/zoo/_.%' and error is null", ["b.mat", "50%_off.npz"]],
    ["error is not null", ["it's.h5"]],
    ["findings is null", ["50%_off.npz"]],
    ["bytes > 9007199254740992", ["50%_off.npz"]],
    ['"classes" = 10 or "format" = \'torch\'', ["a.pth", "50%_off.npz"]],
    ["classes = 10 or classes = 1000 and complete = true", ["50%_off.npz"]],
    ["(classes = 10 or classes = 1000) and complete = false", ["b.mat"]],
    ["format > 'n' and format < 'o'", ["50%_off.npz"]],
  ])("%s", (where, found) => {
    expect(answers(where)).toEqual(found);
  });

  test("what is compared with null is unknown, and so is its contrary", () => {
    expect(answers("not classes = 2622")).toEqual(["b.mat", "50%_off.npz"]);
    expect(answers("not (classes = 2622 or complete = false)")).toEqual(["50%_off.npz"]);
    expect(answers("classes = 1 or error is not null")).toEqual(["it's.h5"]);
    expect(answers("not (classes = 1 and error is null)")).toEqual(["a.pth", "b.mat", "it's.h5", "50%_off.npz"]);
  });

  test.each<[where: string, message: RegExp, hint: RegExp]>([
    ["clases = 5", /there is no column clases, at character 1/, /did you mean classes\?/],
    ["zzz is null", /there is no column zzz/, /^the columns are source, etag/],
    ["classes", /a comparison .* was needed behind classes/, /write it like/],
    ["classes == 5", /a number was needed here/, /write it like/],
    ["classes = 'many'", /a number was needed here, as classes is compared with it/, /write it like/],
    ["format = torch", /a text in single quotes was needed/, /write it like/],
    ["complete > true", /complete is true or false, and has no order/, /write it like/],
    ["classes = null", /nothing is equal to null/, /write: classes is null/],
    ["findings = 'x'", /findings is a list/, /DuckDB/],
    ["classes like '5%'", /like is for texts/, /write it like/],
    ["(classes = 5", /a bracket is not closed/, /write it like/],
    ["classes = 5)", /and, or, or the end was needed/, /write it like/],
    ["classes in (5", /a comma or the closing bracket/, /write it like/],
    ["classes = 5; drop", /this is no part of an expression, at character 12/, /write it like/],
    ["source = 'a", /a quote is not closed/, /write it like/],
    ["", /the name of a column was needed here/, /write it like/],
    [`${"(".repeat(200)}classes = 5`, /more than 100 brackets/, /write it like/],
  ])("refuses %s", (where, message, hint) => {
    const parse = (): unknown => parseWhere(where, columns);
    expect(parse).toThrow(expect.objectContaining({ code: "usage", message: expect.stringMatching(message) }));
    expect(parse).toThrow(expect.objectContaining({ where: { hint: expect.stringMatching(hint) } }));
  });

  test("a pattern of many stars takes no long time", () => {
    const takes = tester(parseWhere(`source like '${"%a".repeat(50)}b'`, columns));
    const started = performance.now();
    expect(takes({ source: "a".repeat(20_000) })).toBe(false);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
