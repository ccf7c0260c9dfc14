import { describe, expect, test } from "vitest";
import { tensorStatistics } from "../../src/inspect/stats.ts";
import { createContext } from "../../src/io/run.ts";
import { inflated } from "../../src/io/source/decoded.ts";
import { byteSwapped } from "../../src/io/source/mapped.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import type { ByteSource } from "../../src/io/source/source.ts";
import { window } from "../../src/io/source/window.ts";
import { guardAmplified } from "../../src/tensor/amplified.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { contiguous, strided, wholePart } from "../../src/tensor/contiguous.ts";
import type { NumericDType } from "../../src/tensor/dtype.ts";
import { hash } from "../../src/tensor/hash.ts";
import { denseStrides } from "../../src/tensor/shape.ts";
import type { NumericTensor, Tensor } from "../../src/tensor/tensor.ts";

const MiB = 1 << 20;

function checkpointOf(tensors: readonly Tensor[], bytes: number): Checkpoint {
  return {
    format: "npz",
    conventions: { kernel: "o i h w", matrix: "o i", flatten: "i h w", epsilon: 1e-5 },
    variant: "",
    files: [],
    bytes,
    tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])),
    layers: [],
    metadata: new Map(),
    notes: [],
    close: async () => {},
  };
}

/** Of any size, and nobody reads it. */
const unread = (size: number): ByteSource => ({
  name: "file",
  size,
  access: "random",
  read: () => Promise.reject(new Error("read")),
  close: async () => {},
});

function expanded(name: string, shape: readonly number[], strides: readonly number[], source = unread(4096)): NumericTensor {
  return strided({ name, dtype: "float32", shape, source, offset: 0, strides });
}

/** Name, elements' bytes and stored bytes of what is amplified. */
async function amplifiedIn(tensors: readonly Tensor[], bytes: number): Promise<unknown> {
  const { amplified = new Map() } = await guardAmplified(checkpointOf(tensors, bytes), false);
  return [...amplified].map(([name, { bytes: elements, stored }]) => [name, elements, stored]);
}

describe("a tensor is amplified above 64 MiB and above 2,000 times what is stored of it", () => {
  test.each<[what: string, tensor: NumericTensor, stored: number | undefined]>([
    ["one value for all", expanded("t", [1 << 25], [0]), 4],
    ["a row for all rows", expanded("t", [1 << 15, 1024], [0, 4]), 4096],
    ["a row for 1,999 rows more", expanded("t", [2000, 16 << 10], [0, 4], unread(64 << 10)), undefined],
    ["… and for 2,001", expanded("t", [2001, 16 << 10], [0, 4], unread(64 << 10)), 64 << 10],
    ["exactly 64 MiB", expanded("t", [16 * MiB], [0]), undefined],
    ["windows that overlap: 2 MiB as 1 TiB", expanded("t", [1 << 19, 1 << 19], [4, 4], unread(4 * MiB)), 4 * MiB - 4],
    ["all of a large file", contiguous({ name: "t", dtype: "float32", shape: [1 << 28], source: unread(2 ** 30) }), undefined],
    ["a window of a swapped window", expanded("t", [1 << 25], [0], byteSwapped(window(unread(100), 4, 8), 4)), 4],
  ])("%s", async (_, tensor, stored) => {
    const bytes = 4 * tensor.shape.reduce((product, size) => product * size, 1);
    expect(await amplifiedIn([tensor], 10 * 2 ** 40)).toEqual(stored === undefined ? [] : [["t", bytes, stored]]);
  });

  test("what is inflated counts as it is stored: 100 MB out of 10 kB", async () => {
    const source = inflated(unread(10_000), 100e6, "zlib");
    expect(await amplifiedIn([contiguous({ name: "t", dtype: "float32", shape: [25e6], source })], 1e6)).toEqual([["t", 1e8, 10_000]]);
    const better = inflated(unread(100_000), 100e6, "zlib");
    expect(await amplifiedIn([contiguous({ name: "t", dtype: "float32", shape: [25e6], source: better })], 1e6)).toEqual([]);
  });

  test("parts that all come of the same stored bytes count once", async () => {
    const file = unread(1000);
    const chunk = (row: number) => ({
      ...wholePart({ ...unread(4 * MiB), stored: [{ source: file, offset: 100, length: 50 }] }, 0, [1, MiB], denseStrides([1, MiB], 4)),
      start: [row, 0],
    });
    const parts = Array.from({ length: 100 }, (_, row) => chunk(row));
    const tensor: NumericTensor = { name: "t", dtype: "float32", shape: [100, MiB], parts: async () => parts };
    expect(await amplifiedIn([tensor], 1000)).toEqual([["t", 400 * MiB, 50]]);
  });

  test("many names of one storage are amplified together, and so are many small ones", async () => {
    const file = unread(MiB);
    const views = Array.from({ length: 3000 }, (_, k) => expanded(`t${k}`, [1 << 18], [4], file));
    expect(await amplifiedIn(views, MiB)).toHaveLength(3000);
    expect(await amplifiedIn(views.slice(0, 1900), MiB)).toEqual([]);
    const small = Array.from({ length: 1000 }, (_, k) => expanded(`t${k}`, [1 << 18], [0], file));
    expect(await amplifiedIn(small, 1000)).toHaveLength(1000);
    // A few that were never written are nothing to speak of, beside a large one.
    expect(await amplifiedIn([...small.slice(0, 9), expanded("large", [1 << 30], [0], file)], 1000)).toEqual([["large", 2 ** 32, 4]]);
  });

  test("strings are measured against the whole file", async () => {
    const strings: Tensor = {
      name: "s",
      dtype: "string",
      shape: [1e9],
      elements: () => {
        throw new Error("read");
      },
    };
    expect(await amplifiedIn([strings], 100)).toEqual([["s", 8e9, 100]]);
    const { tensors } = await guardAmplified(checkpointOf([strings], 100), false);
    const guarded = tensors.get("s");
    if (guarded === undefined) throw new Error("no tensor");
    await expect(hash(guarded, createContext())).rejects.toMatchObject({ code: "unsafe" });
  });
});

test("its values are refused with the option that reads them, and everything else can be asked", async () => {
  const tensor = expanded("fc6.weight", [1 << 25], [0], memorySource(new Uint8Array(4)));
  const guarded = (await guardAmplified(checkpointOf([tensor], 1000), false)).tensors.get("fc6.weight");
  if (guarded?.dtype !== "float32") throw new Error("no tensor");
  expect((await guarded.parts()).map(({ shape, strides }) => [shape, strides])).toEqual([[[1 << 25], [0]]]);
  await expect(hash(guarded, createContext())).rejects.toMatchObject({
    code: "unsafe",
    message: "134.2 MB of values come from 4 B of the file, and reading them all may take hours",
    where: { tensor: "fc6.weight", hint: "--amplified reads them all the same" },
  });
  const allowed = await guardAmplified(checkpointOf([tensor], 1000), true);
  expect(allowed.tensors.get("fc6.weight")).toBe(tensor);
  expect(allowed.amplified?.get("fc6.weight")).toEqual({ bytes: 2 ** 27, stored: 4, guarded: false });
});

describe("statistics of what a stride of 0 repeats", () => {
  const values = Float32Array.of(1.5, -0, 0, Number.NaN, Number.POSITIVE_INFINITY, -3.25, 1e-40, 7);
  const source = memorySource(new Uint8Array(values.buffer));

  test.each([30, 20_000])("%i times: the same as of the array written out", async (times) => {
    const written = new Float32Array(times * values.length);
    for (let k = 0; k < times; k++) written.set(values, k * values.length);
    const shape = [times, values.length];
    const dense = contiguous({ name: "t", dtype: "float32", shape, source: memorySource(new Uint8Array(written.buffer)) });
    const once = strided({ name: "t", dtype: "float32", shape, source, offset: 0, strides: [0, 4] });
    const [a, b] = [await tensorStatistics(dense, createContext()), await tensorStatistics(once, createContext())];
    expect({ ...b, mean: 0, std: 0 }).toEqual({ ...a, mean: 0, std: 0 });
    expect(b.mean).toBeCloseTo(a.mean ?? 0, 12);
    expect(b.std).toBeCloseTo(a.std ?? 0, 12);
  });

  test.each<[NumericDType, Uint8Array, number | bigint]>([
    ["int64", new Uint8Array(BigInt64Array.of(2n ** 60n + 1n).buffer), 2n ** 60n + 1n],
    ["complex64", new Uint8Array(Float32Array.of(3, -4).buffer), 5],
    ["float16", Uint8Array.of(0x00, 0x3e), 1.5],
  ])("a trillion times one %s", async (dtype, bytes, value) => {
    const tensor = strided({ name: "t", dtype, shape: [1e6, 1e6], source: memorySource(bytes), offset: 0, strides: [0, 0] });
    const found = await tensorStatistics(tensor, createContext());
    expect(found).toMatchObject({ count: 1e12, min: value, max: value, std: 0, zeros: 0 });
    expect(found.mean).toBe(Number(value));
    expect(found.percentiles.get(50)).toBe(Number(value));
    expect(found.histogram?.counts).toEqual([1e12]);
  });
});
