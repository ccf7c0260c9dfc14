import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type InspectRecord, inspect } from "../../src/index.ts";
import { inspectText } from "../../src/report/inspect.ts";
import { plain, type Style } from "../../src/report/style.ts";
import { fixtures } from "../support/paths.ts";

const at = (width: number): Style => ({ width, paint: plain });
const long = (text: string): readonly string[] => text.split("\n").filter((line) => Array.from(line).length > 80);

let keras: InspectRecord;
let mat: InspectRecord;
let question: InspectRecord;
beforeAll(async () => {
  [keras, mat, question] = await Promise.all([
    inspect(join(fixtures, "cases", "keras-convlstm-2049.h5.gz"), { layers: true }),
    inspect(join(fixtures, "demo", "vgg_face.mat"), { layers: true, stats: true }),
    inspect(join(fixtures, "demo", "vgg_face_question.pdparams")),
  ]);
});

const linesWith = (text: string, part: string): readonly string[] => text.split("\n").filter((line) => line.includes(part));

describe("at 80 columns", () => {
  test("nothing is wider, names are shortened in the middle and columns that can be done without are left out", () => {
    const text = inspectText(keras, at(80));
    expect(long(text)).toEqual([]);
    expect(linesWith(text, "dtype")).toEqual(["name                                   dtype                  shape       values"]);
    expect(linesWith(text, "102,760,448")).toEqual(["model_weights/time…ibuted_18/kernel:0  float32   7 × 7 × 512 × 4096  102,760,448"]);
    expect(linesWith(text, "layer ")[0]).toBe("layer                type                                    output   parameters");
    expect(linesWith(text, "time_distributed_17  ")).toEqual(["time_distributed_17  TimeDistribu…axPooling2D)      7 × 7 × 7 × 512"]);
  });

  test("statistics keep their numbers", () => {
    const text = inspectText(mat, at(80));
    expect(long(text)).toEqual([]);
    const lines = text.split("\n");
    const top = lines.findIndex((line) => line.startsWith("name "));
    const [head = "", first = ""] = lines.slice(top, top + 2);
    expect(head).toMatch(/^name +role +spread +min +max +mean +std +zeros$/);
    // What all names begin with goes first, and the role tells the rows apart.
    expect(first).toMatch(/^…1\}.*ts\{1\} +conv1_1\.weight +[ ▁-█]{8} +-\d\.\d+ +\d\.\d+ +-?\d\.\d+(e-\d)? +\d\.\d+ +0$/);
    const rows = lines.slice(top + 1, top + 33);
    expect(new Set(rows.map((row) => row.slice(0, head.indexOf("spread")))).size).toBe(32);
  });

  test("findings are broken at spaces, their fix below them", () => {
    const text = inspectText(question, at(80));
    expect(long(text)).toEqual([]);
    expect(text).toMatch(/\nerror layers-missing: nothing in the file produces the .*\n {4}.*\n/);
    expect(text).toMatch(/\n {4}fix: save the whole network: register every layer/);
  });
});

test("a column for NaN and infinities is there where there are any", () => {
  const text = (nan: number): string => {
    const tensors = mat.tensors.map((tensor) => (tensor.stats === undefined ? tensor : { ...tensor, stats: { ...tensor.stats, nan } }));
    return inspectText({ ...mat, tensors }, at(200));
  };
  expect(text(0)).not.toContain("NaN, inf");
  expect(text(3)).toMatch(/zeros +NaN, inf\n.* 3\n/);
});

describe("at 200 columns", () => {
  test("every column is there, and every name whole", () => {
    const text = inspectText({ ...keras, findings: [] }, at(200));
    expect(text).not.toContain("…");
    expect(linesWith(text, "102,760,448")[0]).toMatch(
      /^model_weights\/time_distributed_18\/time_distributed_18\/kernel:0 +float32 +7 × 7 × 512 × 4096 +102,760,448 +fc6\.weight +fc6\/kernel$/,
    );
    expect(linesWith(text, "layer ")[0]).toMatch(/^layer +type +window +output +parameters +bytes +activation +multiply-adds$/);
  });

  test("numbers end where their title ends", () => {
    const lines = inspectText(mat, at(200)).split("\n");
    const start = lines.findIndex((line) => line.startsWith("layer "));
    const end = (lines[start] ?? "").indexOf("parameters") + "parameters".length;
    const rows = lines.slice(start + 1, start + 40).filter((line) => /^(conv|fc)/.test(line));
    expect(rows).toHaveLength(16);
    for (const row of rows) expect(row.slice(end - 6, end)).toMatch(/\d$/);
  });
});

test("without a width nothing is shortened, however long", () => {
  const name = `layers.${"deep.".repeat(80)}weight`;
  const tensors = keras.tensors.slice(0, 1).map((tensor) => ({ ...tensor, name }));
  const text = inspectText({ ...keras, tensors }, at(Number.POSITIVE_INFINITY));
  expect(text).toContain(`${name}  float32`);
  expect(inspectText({ ...keras, tensors }, at(80))).not.toContain(name);
});

test("grouping by depth adds up", () => {
  const text = inspectText(mat, at(80), { depth: 1 });
  expect(long(text)).toEqual([]);
  expect(linesWith(text, ".…")).toHaveLength(16);
  expect(linesWith(text, "fc6.…")).toEqual(["fc6.…            2   1,460  5.8 kB"]);
});

test("a hostile name cannot move the cursor, nor leave its line", () => {
  const tensors = keras.tensors.slice(0, 1).map((tensor) => ({ ...tensor, name: "a\x1b[2Jb\nc\u202ed" }));
  const text = inspectText({ ...keras, tensors }, at(200));
  expect(text).toContain("a\\x1b[2Jb\\x0ac\\u{202e}d");
  expect(text).not.toContain("\x1b");
});

test("another head is named as such, and missing layers are counted", () => {
  expect(inspectText(keras, at(200)).split("\n")[1]).toBe(
    "VGG-16: no head, input 224 × 224 × 3, keras-caffe names, up to fc7, with other layers behind",
  );
  expect(inspectText(question, at(200)).split("\n")[1]).toContain("13 layers missing");
});
