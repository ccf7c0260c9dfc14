import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { inspect, openCheckpoint, type TensorData } from "../../src/index.ts";
import { fixtures } from "../support/paths.ts";

interface Stored {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** A safetensors file (its format: 8 bytes of length, a JSON header, then the values). */
function safetensors(tensors: Readonly<Record<string, Stored>>): Uint8Array {
  let end = 0;
  const header = Object.fromEntries(
    Object.entries(tensors).map(([name, { dtype, shape, bytes }]) => {
      const start = end;
      end += bytes.length;
      return [name, { dtype, shape, data_offsets: [start, end] }];
    }),
  );
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...Object.values(tensors).map(({ bytes }) => bytes)]);
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

const grid = Float32Array.from({ length: 24 }, (_, k) => k);
const file = safetensors({
  long: { dtype: "I64", shape: [2], bytes: bytesOf(new BigInt64Array([-5n, 2n ** 60n])) },
  unsigned: { dtype: "U64", shape: [1], bytes: bytesOf(new BigUint64Array([2n ** 63n])) },
  yes: { dtype: "BOOL", shape: [3], bytes: new Uint8Array([1, 0, 1]) },
  half: { dtype: "F16", shape: [2], bytes: bytesOf(new Uint16Array([0x3c00, 0xc000])) },
  brain: { dtype: "BF16", shape: [2], bytes: bytesOf(new Uint16Array([0x3f80, 0x4040])) },
  small: { dtype: "I8", shape: [2], bytes: bytesOf(new Int8Array([-1, 7])) },
  double: { dtype: "F64", shape: [1], bytes: bytesOf(new Float64Array([0.1])) },
  grid: { dtype: "F32", shape: [2, 3, 4], bytes: bytesOf(grid) },
});

describe("read, by key", () => {
  test.each([
    ["long", "int64", new BigInt64Array([-5n, 2n ** 60n])],
    ["unsigned", "uint64", new BigUint64Array([2n ** 63n])],
    ["yes", "bool", new Uint8Array([1, 0, 1])],
    ["half", "float16", new Uint16Array([0x3c00, 0xc000])],
    ["brain", "bfloat16", new Uint16Array([0x3f80, 0x4040])],
    ["small", "int8", new Int8Array([-1, 7])],
    ["double", "float64", new Float64Array([0.1])],
    ["grid", "float32", grid],
  ])("%s is a typed array of %s", async (name, dtype, data) => {
    await using checkpoint = await openCheckpoint(file);
    expect(await checkpoint.read(name)).toEqual({ shape: name === "grid" ? [2, 3, 4] : [data.length], dtype, axes: null, data });
  });

  test("as numbers of another type", async () => {
    await using checkpoint = await openCheckpoint(file);
    expect((await checkpoint.read("half", { as: "float32" })).data).toEqual(new Float32Array([1, -2]));
    expect((await checkpoint.read("brain", { as: "float32" })).data).toEqual(new Float32Array([1, 3]));
    expect(await checkpoint.read("long", { as: "float64" })).toMatchObject({ dtype: "float64", data: new Float64Array([-5, 2 ** 60]) });
  });

  test("a slice has from and to of each axis, null for all of it", async () => {
    await using checkpoint = await openCheckpoint(file);
    expect(await checkpoint.read("grid", { slice: [[1, 2], null, [1, 3]] })).toEqual({
      shape: [1, 3, 2],
      dtype: "float32",
      axes: null,
      data: new Float32Array([13, 14, 17, 18, 21, 22]),
    });
    await expect(checkpoint.read("grid", { slice: [[0, 3]] })).rejects.toMatchObject({ code: "mismatch" });
    await expect(checkpoint.read("grid", { slice: [null, null, null, null] })).rejects.toMatchObject({ code: "usage" });
  });

  test("a stream gives the same in blocks", async () => {
    await using checkpoint = await openCheckpoint(file);
    const blocks = [];
    for await (const block of checkpoint.stream("grid", { slice: [[1, 2]] })) blocks.push(block);
    expect(blocks).toEqual([{ from: 1, shape: [1, 3, 4], dtype: "float32", axes: null, data: grid.slice(12) }]);
  });

  test("a name that is none, and axes that nobody knows, are errors that say what to do", async () => {
    await using checkpoint = await openCheckpoint(file);
    await expect(checkpoint.read("gridd")).rejects.toThrow(
      "bytes: no tensor of the file has the key or the role gridd\n  did you mean grid?",
    );
    await expect(checkpoint.read("grid", { axes: "o i h" })).rejects.toMatchObject({ code: "usage" });
  });
});

describe("of files of many formats", () => {
  /** The bytes of a typed array; a text has none of its own. */
  const sha256 = (data: TensorData): string | undefined => {
    if (!ArrayBuffer.isView(data)) return undefined;
    return createHash("sha256")
      .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
      .digest("hex");
  };
  const files = ["tf-v2/dtypes", "tf-v1/dtypes", "hdf5/types"].flatMap((folder) =>
    readdirSync(join(fixtures, folder))
      .filter((name) => /\.(?:index|ckpt|h5)$/.test(name))
      .map((name) => join(folder, name)),
  );

  test.each(files)("%s: every tensor is read with the bytes that inspect takes the hash of", async (name) => {
    const record = await inspect(join(fixtures, name), { hash: true });
    await using checkpoint = await openCheckpoint(join(fixtures, name));
    for (const { name: key, dtype, sha256: expected } of record.tensors) {
      const { data } = await checkpoint.read(key);
      if (dtype === "string") expect(data).toEqual(expect.arrayContaining([expect.any(Uint8Array)]));
      else expect({ key, hash: sha256(data) }).toEqual({ key, hash: expected });
    }
    expect(record.tensors.length).toBeGreaterThan(0);
  });
});

describe("read, by role", () => {
  test("gives the same values whatever the layout of the file", async () => {
    await using torch = await openCheckpoint(join(fixtures, "interop", "vgg16.pth"));
    await using mat = await openCheckpoint(join(fixtures, "demo", "vgg_face.mat"));
    for (const [checkpoint, key] of [
      [torch, "features.0.weight"],
      [mat, undefined],
    ] as const) {
      const plain = await checkpoint.read("conv1_1.weight", { axes: "o i h w", as: "float32" });
      const turned = await checkpoint.read("conv1_1.weight", { axes: "h w i o", as: "float32" });
      const [outputs = 0, inputs = 0, height = 0, width = 0] = plain.shape;
      expect(turned.shape).toEqual([height, width, inputs, outputs]);
      expect(turned.data[1]).toBe(plain.data[inputs * height * width]);
      if (key !== undefined) expect((await checkpoint.read(key)).data).toEqual(plain.data);
    }
  });

  test("fc6 of a file that keeps it as a convolution becomes a matrix", async () => {
    await using mat = await openCheckpoint(join(fixtures, "demo", "vgg_face.mat"));
    const stored = await mat.read("fc6.weight", { axes: "o i h w", as: "float32" });
    const [outputs = 0, ...inputs] = stored.shape;
    const matrix = await mat.read("fc6.weight", { axes: "o (i h w)", as: "float32" });
    expect(matrix).toEqual({ ...stored, axes: "o (i h w)", shape: [outputs, inputs.reduce((product, size) => product * size, 1)] });
    await expect(mat.read("fc6.weight", { axes: "(i h w) o", slice: [[0, 1]] })).rejects.toMatchObject({ code: "usage" });
    const row = await mat.read("fc6.weight", { axes: "o (i h w)", as: "float32", slice: [[1, 2]] });
    expect(row.data).toEqual(matrix.data.slice(row.data.length, 2 * row.data.length));
  });
});
