import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { isCheckpointError } from "../../src/errors.ts";
import { createContext } from "../../src/io/run.ts";
import { open } from "../../src/open.ts";
import type { Inert } from "../../src/tensor/checkpoint.ts";
import { storedText } from "../../src/tensor/stored.ts";
import { expectedCases, type GoldenCase, isRecord, readCase } from "../support/golden.ts";
import { listing } from "../support/listing.ts";
import { fixtures, golden } from "../support/paths.ts";

const json = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));
const expected = (item: GoldenCase): unknown => Object.fromEntries(item.tensors);

/** Level 4 by Octave and the big-endian one hold fewer variables than the file that expected.json describes. */
const fewer = new Set(["octave-v4.mat", "big-endian-v4.mat"]);

describe("MAT-files", () => {
  const folder = join(fixtures, "mat");
  const cases = readdirSync(folder).flatMap((name) => (name === "hostile" ? [] : readCase("mat", name, join(folder, name))));
  for (const item of cases) {
    const files = readdirSync(item.folder).filter((file) => file.endsWith(".mat"));
    test.each(files)(`${item.name}/%s`, async (file) => {
      const { checkpoint, tensors } = await listing(join(item.folder, file));
      expect(checkpoint.format).toBe("mat");
      if (fewer.has(file)) {
        expect(Object.keys(tensors).length).toBeGreaterThan(4);
        // Octave keeps singles as doubles at level 4; all other values are the same ones.
        for (const [name, tensor] of Object.entries(tensors)) {
          const wanted = item.tensors.get(name);
          if (wanted?.dtype === tensor.dtype) expect([name, tensor]).toEqual([name, wanted]);
        }
      } else expect(tensors).toEqual(expected(item));
      if (existsSync(join(item.folder, "texts.json")) && !fewer.has(file))
        expectTexts(checkpoint.metadata, json(join(item.folder, "texts.json")));
    });
  }

  test("objects are named, not listed", async () => {
    const { checkpoint } = await listing(join(folder, "object", "octave-v7.mat"));
    expect(checkpoint.notes.map(({ code, tensor }) => [code, tensor])).toEqual([
      ["unknown-object", "net"],
      ["unknown-object", "f"],
    ]);
  });

  test("whole numbers kept narrow have the class's dtype and say how they are kept", async () => {
    const { checkpoint } = await listing(join(folder, "narrow", "narrow-v5.mat"));
    const kept = [...checkpoint.tensors.values()].map(
      ({ dtype, stored }) => `${dtype} as ${stored === undefined ? "it is" : storedText(stored)}`,
    );
    expect(kept).toContain("float64 as uint8");
    expect(kept).toContain("float64 as int32");
  });
});

/** texts.json has one string a row; cells of texts alone are one list in metadata. */
function expectTexts(metadata: ReadonlyMap<string, Inert>, texts: unknown): void {
  if (!isRecord(texts)) throw new Error("texts.json is no object");
  for (const [path, rows] of Object.entries(texts)) {
    const item = /^(.*)\{(\d+)\}$/.exec(path);
    const list = item === null ? undefined : metadata.get(item[1] ?? "");
    const found = metadata.get(path) ?? (Array.isArray(list) ? list[Number(item?.[2]) - 1] : undefined);
    const texts = Array.isArray(found) ? found : [found];
    // A text without rows and one empty row are the same empty text.
    expect([path, texts]).toEqual([path, Array.isArray(rows) && rows.length === 0 ? [""] : rows]);
  }
}

const networks = join(fixtures, "matconvnet");
const fixtureNetworks = readdirSync(networks).flatMap((name) => readCase("matconvnet", name, join(networks, name)));
const goldenNetworks = golden === undefined ? [] : expectedCases(golden).filter(({ name }) => name.startsWith("matconvnet"));

describe.each([
  ["fixtures", fixtureNetworks],
  ["golden", goldenNetworks],
] as const)("MatConvNet networks of %s", (_, cases) => {
  test.each(cases.map((item): [string, GoldenCase] => [`${item.arch}/${item.name}`, item]))("%s", async (_name, item) => {
    const { checkpoint, tensors } = await listing(item.path);
    expect(checkpoint.format).toBe("matconvnet");
    expect(tensors).toEqual(expected(item));
    expectNetwork(checkpoint, json(join(item.folder, "meta.json")));
  });
  if (cases.length === 0) test.skip("not here", () => {});
});

function expectNetwork(checkpoint: Awaited<ReturnType<typeof open>>, meta: unknown): void {
  if (!isRecord(meta) || !isRecord(meta.classes) || !Array.isArray(meta.averageImage)) throw new Error("meta.json is not as documented");
  const { layers, metadata } = checkpoint;
  expect(layers.map(({ name, type }) => [name, simple(type)])).toEqual(meta.layers);
  expect(metadata.get("meta.classes.name")).toEqual(meta.classes.name);
  const names = metadata.get("meta.classes.description");
  const wanted = meta.classes.description;
  if (!Array.isArray(names) || !Array.isArray(wanted)) throw new Error("no class names");
  // Octave cuts what it saves of characters beyond ASCII: the texts in its files are beginnings of the ones in meta.json.
  expect(names.map((name, k) => String(wanted[k]).startsWith(String(name)))).not.toContain(false);
  expect(names).toHaveLength(wanted.length);
  const average = metadata.get("meta.normalization.averageImage");
  if (Array.isArray(meta.averageImage[1])) expect(average).toEqual(meta.averageImage[1]);
  else if (average instanceof Map) expect(average.get("mean")).toHaveLength(3);
  else throw new Error("no colour average");
  // Every tensor belongs to one layer; each convolution has its two, in the layer's order.
  expect(layers.flatMap(({ tensors }) => tensors).sort()).toEqual([...checkpoint.tensors.keys()].sort());
  for (const layer of layers) {
    if (simple(layer.type) === "conv") {
      expect(layer.tensors.map((key) => checkpoint.tensors.get(key)?.shape.length)[0]).toBeGreaterThan(1);
      expect(layer.attributes.get("pad")).toHaveLength(4);
    }
    if (simple(layer.type) === "pool") expect(layer.attributes.get("method")).toBe("max");
    if (simple(layer.type) === "dropout") expect(layer.attributes.get("rate")).toBe(0.5);
  }
  for (const [k, layer] of layers.entries()) if (k > 0) expect(layer.inputs).toEqual([layers[k - 1]?.name]);
}

/** dagnn.Conv is simplenn's conv. */
function simple(type: string): string {
  const known = new Map([
    ["Conv", "conv"],
    ["ReLU", "relu"],
    ["Pooling", "pool"],
    ["DropOut", "dropout"],
    ["SoftMax", "softmax"],
    ["BatchNorm", "bnorm"],
  ]);
  return known.get(type.replace("dagnn.", "")) ?? type;
}

describe("damaged MAT-files", () => {
  const outcomes: readonly (readonly [string, string])[] = [
    ["mat-bad-class", "malformed: array class 99"],
    ["mat-data-beyond", "malformed: an element of 4000008 bytes reaches beyond its array, which has 40 left"],
    ["mat-dims-lie", "malformed: 1073741824x1073741824 are more than 2^53 elements, 4 are present"],
    ["mat-dims-negative", "malformed: a dimension of -2"],
    ["mat-size-beyond", "truncated: the variable weights takes 2147483640 bytes, the file has 88 more"],
    ["mat-zlib-corrupt", "malformed: in the compressed element: the compressed data is damaged (invalid distance code)"],
    ["mat-v4-lie", "truncated: 1073741824x1073741824 float64 values need more than 2^53 bytes, 64 are left"],
    ["octave-function-handle", "truncated: the variable takes 4294967295 bytes, the file has 8 more"],
    ["octave-v4-int8", "truncated: 20 bytes are needed, 14 are left"],
    ["mat-v73-header-only", "truncated: a MAT-file v7.3 without the HDF5 signature at byte 512"],
    ["mat-v73-cycle", "malformed: a cell or struct that contains itself"],
    ["octave-char-2x2", "x: c counts 4 bytes too many, as Octave's small char arrays do"],
    ["octave-sparse-logical", "x: s is a sparse logical array that Octave wrote as a full one"],
  ];
  test.each(outcomes)("%s", async (name, outcome) => {
    for (const values of [false, true]) {
      const ctx = createContext({ values });
      try {
        const checkpoint = await open(join(fixtures, "mat", "hostile", `${name}.mat`), ctx);
        expect(`${[...checkpoint.tensors.keys()]}: ${checkpoint.notes.map(({ message }) => message)}`).toBe(outcome);
      } catch (error) {
        if (!isCheckpointError(error)) throw error;
        expect(`${error.code}: ${error.message}`).toBe(outcome);
        expect(error.where.offset).toBeTypeOf("number");
      } finally {
        await ctx.dispose();
      }
    }
  });
});
