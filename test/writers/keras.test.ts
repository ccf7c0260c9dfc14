import { describe, expect, test } from "vitest";
import { openHdf5 } from "../../src/encodings/hdf5/file.ts";
import { walkDatasets } from "../../src/encodings/hdf5/walk.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import { itemsize, type NumericDType } from "../../src/tensor/dtype.ts";
import { hdf5Group, hdf5Pieces, putDataset } from "../../src/writers/hdf5/hdf5-pieces.ts";
import { writer as h5Writer } from "../../src/writers/keras/keras-h5.ts";
import { writer as v3Writer } from "../../src/writers/keras/keras-v3.ts";
import type { Piece, TensorSpec, WriterInput } from "../../src/writers/layout.ts";

/** The pieces as bytes; every byte of the n-th tensor is n. */
function assembled(pieces: readonly Piece[]): Uint8Array {
  let count = 0;
  return Buffer.concat(
    pieces.map((piece) => {
      if (piece.kind === "bytes") return piece.bytes;
      if (piece.kind !== "tensor") throw new Error(`no ${piece.kind} expected`);
      return Buffer.alloc(piece.byteLength, ++count);
    }),
  );
}

const dtypes: readonly NumericDType[] = ["float32", "float16", "float64", "int8", "uint16", "int64", "bool", "complex64", "bfloat16"];

describe("HDF5", () => {
  test("700 tensors of all kinds in a tree of two levels come back", async () => {
    const root = hdf5Group();
    const specs = Array.from(
      { length: 700 },
      (_, k): TensorSpec => ({ key: `t${k}`, dtype: dtypes[k % dtypes.length] ?? "int8", shape: k % 50 === 0 ? [0, 2] : [(k % 3) + 1, 2] }),
    );
    for (const spec of specs) putDataset(root, `g/${spec.key}`, { tensor: spec });
    root.attributes.set("text", { kind: "text", text: "é".repeat(5000) });
    root.attributes.set("texts", { kind: "fixed", texts: ["a", "bé"] });
    root.attributes.set("none", { kind: "fixed", texts: [] });
    const file = await openHdf5(memorySource(assembled(hdf5Pieces(root)), "x"));
    const found = new Map<string, readonly [unknown, number, number]>();
    for await (const { path, dataset } of walkDatasets(file)) {
      const bytes = await dataset.bytes();
      expect(new Set(bytes).size).toBeLessThan(2);
      found.set(path, [dataset.shape, dataset.type.size, bytes.length]);
    }
    expect(found.size).toBe(700);
    for (const { key, shape, dtype } of specs) {
      expect(found.get(`g/${key}`)).toEqual([shape, itemsize(dtype), shape.reduce((a, b) => a * b, itemsize(dtype))]);
    }
    expect(await file.root.attribute("text")).toEqual(["é".repeat(5000)]);
    expect(await file.root.attribute("texts")).toEqual(["a", "bé"]);
    expect(await file.root.attribute("none")).toEqual([]);
  });

  test("refuses two things at one path", () => {
    const root = hdf5Group();
    const tensor: TensorSpec = { key: "a", dtype: "int8", shape: [1] };
    putDataset(root, "a/b", { tensor });
    expect(() => putDataset(root, "a/b", { tensor })).toThrow(expect.objectContaining({ code: "mismatch" }));
    expect(() => putDataset(root, "a/b/c", { tensor })).toThrow(expect.objectContaining({ code: "mismatch" }));
  });
});

describe("weights files", () => {
  const tensors: readonly TensorSpec[] = [
    { key: "block1_conv1/bias", dtype: "float32", shape: [5] },
    { key: "block1_conv1/kernel", dtype: "float32", shape: [3, 2, 3, 5] },
    { key: "fc1/kernel", dtype: "bfloat16", shape: [4, 6] },
  ];
  const input: WriterInput = { name: "x.weights.h5", tensors, metadata: new Map(), options: new Map([["kind", "weights"]]) };

  test("Keras 3: groups by class, kernel first, names and bfloat16 as attributes", async () => {
    const [layout] = v3Writer.layout(input);
    const file = await openHdf5(memorySource(assembled(layout?.pieces ?? []), "x"));
    const kernel = await file.find("layers/conv2d/vars/0");
    expect(kernel?.kind === "dataset" && kernel.shape).toEqual([3, 2, 3, 5]);
    expect(await (await file.find("layers/conv2d/vars"))?.attribute("name")).toEqual(["block1_conv1"]);
    expect(await (await file.find("layers/dense/vars/0"))?.attribute("dtype")).toEqual(["bfloat16"]);
    expect((await file.find("vars"))?.kind).toBe("group");
  });

  test("legacy: layer_names and weight_names in order", async () => {
    const [layout] = h5Writer.layout({ ...input, tensors: tensors.slice(0, 2) });
    const file = await openHdf5(memorySource(assembled(layout?.pieces ?? []), "x"));
    expect(await file.root.attribute("layer_names")).toEqual(["block1_conv1"]);
    expect(await (await file.find("block1_conv1"))?.attribute("weight_names")).toEqual(["block1_conv1/kernel:0", "block1_conv1/bias:0"]);
    expect((await file.find("block1_conv1/block1_conv1/bias:0"))?.kind).toBe("dataset");
  });

  test("refuses names that are no layer/variable", () => {
    const odd = { ...input, tensors: [{ key: "conv1_1.weight", dtype: "float32" as const, shape: [1] }] };
    expect(() => v3Writer.layout(odd)).toThrow(expect.objectContaining({ code: "unsupported" }));
  });

  test("the name of an index of shards is refused: Keras would read it as JSON", () => {
    const input: WriterInput = { name: "m.weights.json", tensors: [], metadata: new Map(), options: new Map([["kind", "weights"]]) };
    expect(() => v3Writer.layout(input)).toThrow("this is the name of an index of shards");
  });
});
