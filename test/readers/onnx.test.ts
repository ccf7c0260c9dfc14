import { readFileSync } from "node:fs";
import { join } from "node:path";
import protobuf from "protobufjs/minimal.js";
import { describe, expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import { open } from "../../src/open.ts";
import { reader } from "../../src/readers/onnx/reader.ts";
import { hash } from "../../src/tensor/hash.ts";
import { values } from "../../src/tensor/load.ts";
import { isNumeric } from "../../src/tensor/tensor.ts";
import { cutEverywhere, type Files, filesOf, flipEverywhere, memoryProbe, outcome } from "../support/damage.ts";
import { expectedCases, isRecord, readCase } from "../support/golden.ts";
import { listing } from "../support/listing.ts";
import { fixtures, golden } from "../support/paths.ts";

test("every type, raw and in its typed field", async () => {
  const [item] = readCase("fixtures", "onnx", join(fixtures, "onnx/types"));
  if (item === undefined) throw new Error("no case");
  const { tensors } = await listing(item.path);
  expect(tensors).toEqual(Object.fromEntries(item.tensors));
});

/** Quantised by ONNX Runtime 1.23.2; the hashes are of NumPy's (stored − zero point) · scale in float32. */
describe("quantised by ONNX Runtime", () => {
  const folder = join(fixtures, "onnx/quantised");
  const expected: unknown = JSON.parse(readFileSync(join(folder, "dequantised.json"), "utf8"));

  test.each(["operators", "dequantize-linear", "dynamic", "product"])("%s", async (name) => {
    const ctx = createContext({ values: true });
    const checkpoint = await open(join(folder, `${name}.onnx`), ctx);
    const found: Record<string, unknown> = {};
    for (const [key, tensor] of checkpoint.tensors) {
      if (tensor.stored?.kind === "scaled") found[key] = { shape: tensor.shape, sha256: await hash(tensor, ctx) };
    }
    expect(found).toEqual(isRecord(expected) ? expected[name] : undefined);
    expect(checkpoint.notes.map(({ code }) => code)).toEqual(["quantised"]);
    const layers = new Map(
      checkpoint.layers.filter(({ type, tensors }) => tensors.length > 0 && type !== "Reshape").map((layer) => [layer.type, layer.tensors]),
    );
    const suffix = name === "dynamic" ? "" : "_quantized";
    expect([...layers.values()]).toEqual(["conv", "fc"].map((layer) => [`${layer}.weight_quantized`, `${layer}.bias${suffix}`]));
    for (const [key, tensor] of checkpoint.tensors) if (/_(scale|zero_point)$/.test(key)) expect(tensor.kind).toBe("bookkeeping");
    await checkpoint.close();
    await ctx.dispose();
  });
});

describe.skipIf(golden === undefined)("golden cases", () => {
  const cases = golden === undefined ? [] : expectedCases(golden);
  test.each(
    cases
      .filter((item) => item.arch !== "vgg16-224" && item.name.startsWith("onnx"))
      .map((item) => [`${item.arch}/${item.name}`, item] as const),
  )("%s", async (_, item) => expect((await listing(item.path)).tensors).toEqual(Object.fromEntries(item.tensors)));

  test("a data file leads to its model", async () => {
    const folder = join(golden ?? "", "vgg16-64x96/onnx-external");
    for (const file of ["weights.bin", "many/features.0.weight"]) {
      const { checkpoint } = await listing(join(folder, file));
      expect([checkpoint.format, checkpoint.tensors.size, checkpoint.files[0]]).toEqual(["onnx", 32, "model.onnx"]);
    }
  });
});

type Fill = (tensor: protobuf.Writer) => void;

const f32 = new Uint8Array(Float32Array.of(1.5, -2, 0.25, 8).buffer);
const named = (name: string, dims: readonly number[], type: number): Fill => {
  return (tensor) => {
    for (const dim of dims) tensor.uint32(8).int64(dim);
    tensor.uint32(16).int32(type).uint32(66).string(name);
  };
};
const raw = (bytes: Uint8Array): Fill => {
  return (tensor) => void tensor.uint32(74).bytes(bytes);
};
const external = (entries: Readonly<Record<string, string>>): Fill => {
  return (tensor) => {
    for (const [key, value] of Object.entries(entries)) tensor.uint32(106).fork().uint32(10).string(key).uint32(18).string(value).ldelim();
    tensor.uint32(112).int32(1);
  };
};
const all = (...fills: readonly Fill[]): Fill => {
  return (tensor) => {
    for (const fill of fills) fill(tensor);
  };
};

/** A model of one Gemm node with these initializers. */
function model(...tensors: readonly Fill[]): Uint8Array {
  const writer = protobuf.Writer.create().uint32(8).int64(7).uint32(18).string("test");
  writer.uint32(58).fork();
  writer.uint32(10).fork().uint32(10).string("x").uint32(10).string("w").uint32(18).string("y").uint32(34).string("Gemm");
  writer.uint32(42).fork().uint32(10).string("transB").uint32(24).int64(1).uint32(160).int32(2).ldelim();
  writer.uint32(42).fork().uint32(10).string("pads").uint32(66).fork().int64(1).int64(-1).ldelim().ldelim();
  writer.ldelim();
  for (const fill of tensors) {
    writer.uint32(42).fork();
    fill(writer);
    writer.ldelim();
  }
  writer.uint32(90).fork().uint32(10).string("x").uint32(18).fork().uint32(10).fork().uint32(18).fork();
  writer.uint32(10).fork().uint32(18).string("N").ldelim().uint32(10).fork().uint32(8).int64(4).ldelim();
  writer.ldelim().ldelim().ldelim().ldelim();
  return writer.ldelim().finish();
}

const set = (bytes: Uint8Array, others: Readonly<Record<string, Uint8Array>> = {}): Files =>
  new Map([["m.onnx", bytes], ...Object.entries(others)]);

test("nodes are layers, with their attributes; the input's shape is reported", async () => {
  const checkpoint = await reader.read(memoryProbe(set(model(all(named("w", [2, 2], 1), raw(f32)))), "m.onnx"), createContext());
  expect(checkpoint.layers).toEqual([
    {
      name: "y",
      type: "Gemm",
      inputs: ["x"],
      outputs: ["y"],
      tensors: ["w"],
      attributes: new Map<string, unknown>([
        ["transB", 1],
        ["pads", [1, -1]],
      ]),
    },
  ]);
  expect(checkpoint.metadata.get("input_shape")).toEqual([null, 4]);
});

describe("external data", () => {
  const at = (entries: Readonly<Record<string, string>>): Uint8Array => model(all(named("w", [4], 1), external(entries)));
  const data = Uint8Array.of(9, 9, ...f32, 9);

  test("at an offset that is no multiple of anything", async () => {
    const ctx = createContext();
    const files = set(at({ location: "d.bin", offset: "2", length: "16" }), { "d.bin": data });
    const checkpoint = await reader.read(memoryProbe(files, "m.onnx"), ctx);
    const tensor = checkpoint.tensors.get("w");
    if (tensor === undefined || !isNumeric(tensor)) throw new Error("w is missing");
    expect(await values(tensor, ctx)).toEqual(f32);
    expect(checkpoint.files).toEqual(["m.onnx", "d.bin"]);
  });

  test.each([
    ["outside the folder", { location: "../d.bin" }, "unsafe"],
    ["an absolute path", { location: "/d.bin" }, "unsafe"],
    ["a file that is missing", { location: "e.bin" }, "not-found"],
    ["beyond the end", { location: "d.bin", offset: "4" }, "truncated"],
    ["another length than the shape's", { location: "d.bin", length: "12" }, "malformed"],
    ["an offset that is no number", { location: "d.bin", offset: "-2" }, "malformed"],
    ["no location", { offset: "2" }, "malformed"],
  ])("refuses %s", async (_, entries, code) => {
    expect(await outcome(reader, set(at(Object.fromEntries(Object.entries(entries))), { "d.bin": data }), "m.onnx")).toBe(code);
  });
});

describe("what is refused, and what is reported", () => {
  test.each([
    ["too few raw bytes", model(all(named("w", [5], 1), raw(f32))), "malformed"],
    ["typed values that cannot be there", model(named("w", [2 ** 40], 6)), "malformed"],
    ["a negative dimension", model(all(named("w", [-4], 1), raw(f32))), "malformed"],
    ["one name twice", model(all(named("w", [4], 1), raw(f32)), all(named("w", [4], 1), raw(f32))), "malformed"],
  ])("%s", async (_, bytes, code) => {
    expect(await outcome(reader, set(bytes), "m.onnx")).toBe(code);
  });

  test.each([
    ["a type of four bits", model(all(named("w", [4], 22), raw(Uint8Array.of(1, 2)))), "int4"],
    ["values that were stripped", model(all(named("w", [4], 1), raw(new Uint8Array(0)))), "left out"],
  ])("%s is a note", async (_, bytes, message) => {
    const checkpoint = await reader.read(memoryProbe(set(bytes), "m.onnx"), createContext());
    expect(checkpoint.tensors.size).toBe(0);
    expect(checkpoint.notes).toMatchObject([{ code: "unsupported-tensor", tensor: "w", message: expect.stringContaining(message) }]);
  });
});

test("damage ends in a clear error or in a correct parse", async () => {
  const files = filesOf(join(fixtures, "onnx/types"));
  const cuts = await cutEverywhere(reader, files, "types.onnx", "types.onnx", 60);
  expect([...cuts.keys()].filter((key) => key === "same" || key === "other")).toEqual([]);
  const flips = await flipEverywhere(reader, files, "types.onnx", "types.onnx", { dense: 60, sparse: 60 });
  expect(
    [...flips.keys()].filter((key) => !["same", "other", "malformed", "truncated", "unsupported", "undetected", "not-found"].includes(key)),
  ).toEqual([]);
});
