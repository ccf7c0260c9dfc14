import { afterAll, describe, expect, test } from "vitest";
import { openZip } from "../../src/encodings/archive/zip.ts";
import { createContext } from "../../src/io/run.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import type { NumericDType } from "../../src/tensor/dtype.ts";
import { execute, type TensorSupply } from "../../src/writers/execute.ts";
import type { TensorSpec, Writer, WriterInput } from "../../src/writers/layout.ts";
import { writer as npz } from "../../src/writers/numpy/npz.ts";
import { specBytes } from "../../src/writers/pieces.ts";
import { writer as safetensors } from "../../src/writers/safetensors/writer.ts";
import { memoryOutput } from "../support/memory-output.ts";

const ctx = createContext();
afterAll(() => ctx.dispose());

const spec = (key: string, dtype: NumericDType, ...shape: number[]): TensorSpec => ({ key, dtype, shape });
const tensors = [spec("b", "float16", 3), spec("10", "float32", 2, 3), spec("2", "int64", 1), spec("empty", "float32", 0, 4)];
const values = new Map(tensors.map((t, n) => [t.key, Uint8Array.from({ length: specBytes(t) }, (_, k) => 16 * n + k)]));
const supply: TensorSupply = {
  async fill(key, file, at) {
    await file.write(at, values.get(key) ?? new Uint8Array(0));
  },
};

async function write(writer: Writer, name: string, more: Partial<WriterInput> = {}): Promise<Map<string, Uint8Array>> {
  const set = memoryOutput();
  const layouts = writer.layout({ name, tensors, metadata: new Map([["format", "pt"]]), options: new Map(), ...more });
  await execute(layouts, supply, set, ctx);
  return new Map([...set.files].map(([key, bytes]) => [key, bytes()]));
}

function parse(bytes: Uint8Array): { header: unknown; keys: string[]; data: Uint8Array } {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const text = new TextDecoder().decode(bytes.subarray(8, 8 + length));
  return {
    header: JSON.parse(text),
    keys: [...text.matchAll(/"([^"]+)":\{"dtype"/g)].map((m) => m[1] ?? ""),
    data: bytes.subarray(8 + length),
  };
}

describe("safetensors", () => {
  test("one file: wide elements first, offsets without gaps, metadata", async () => {
    const bytes = (await write(safetensors, "a.safetensors")).get("a.safetensors") ?? new Uint8Array(0);
    const { header, keys, data } = parse(bytes);
    expect(keys).toEqual(["2", "10", "empty", "b"]);
    expect(header).toEqual({
      __metadata__: { format: "pt" },
      "2": { dtype: "I64", shape: [1], data_offsets: [0, 8] },
      "10": { dtype: "F32", shape: [2, 3], data_offsets: [8, 32] },
      empty: { dtype: "F32", shape: [0, 4], data_offsets: [32, 32] },
      b: { dtype: "F16", shape: [3], data_offsets: [32, 38] },
    });
    expect((bytes.length - data.length) % 8).toBe(0);
    expect(data.subarray(8, 32)).toEqual(values.get("10"));
  });

  test("shards and their index", async () => {
    const files = await write(safetensors, "a.safetensors", { options: new Map([["max-shard-size", "30"]]) });
    expect([...files.keys()]).toEqual(["a-00001-of-00002.safetensors", "a-00002-of-00002.safetensors", "a.safetensors.index.json"]);
    expect(JSON.parse(new TextDecoder().decode(files.get("a.safetensors.index.json")))).toEqual({
      metadata: { format: "pt", total_size: 38 },
      weight_map: {
        b: "a-00001-of-00002.safetensors",
        "10": "a-00001-of-00002.safetensors",
        "2": "a-00002-of-00002.safetensors",
        empty: "a-00002-of-00002.safetensors",
      },
    });
  });

  test("what it cannot hold is refused by name", async () => {
    await expect(write(safetensors, "a", { tensors: [spec("c", "complex128", 1)] })).rejects.toMatchObject({
      code: "unsupported",
      where: { tensor: "c" },
    });
  });
});

describe("npz", () => {
  test.each(["false", "true"])("members with NumPy headers, compress %s", async (compress) => {
    const bytes = (await write(npz, "a.npz", { options: new Map([["compress", compress]]) })).get("a.npz") ?? new Uint8Array(0);
    const archive = await openZip(memorySource(bytes, "a.npz"));
    expect([...archive.entries.keys()]).toEqual(["b.npy", "10.npy", "2.npy", "empty.npy"]);
    const source = await archive.open("10.npy");
    if (source === undefined) throw new Error("no second member");
    const member = await source.read(0, source.size);
    expect(new TextDecoder("latin1").decode(member.subarray(10, 10 + 60))).toContain(
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
    );
    expect(member.length - 24).toBe(128);
    expect(member.subarray(-24)).toEqual(values.get("10"));
  });

  test("the same input gives the same bytes", async () => {
    expect(await write(npz, "a.npz")).toEqual(await write(npz, "a.npz"));
  });

  test("bfloat16 is refused", async () => {
    await expect(write(npz, "a", { tensors: [spec("c", "bfloat16", 1)] })).rejects.toMatchObject({ code: "unsupported" });
  });
});
