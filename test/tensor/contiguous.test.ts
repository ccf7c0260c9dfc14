import { describe, expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import { checkPart, contiguous, strided, wholePart } from "../../src/tensor/contiguous.ts";
import { hash } from "../../src/tensor/hash.ts";
import { load, loadFloat64, values } from "../../src/tensor/load.ts";
import { inOrder } from "../../src/tensor/move/in-order.ts";
import type { StringTensor } from "../../src/tensor/tensor.ts";

const source = memorySource(Uint8Array.from({ length: 24 }, (_, k) => k));

describe("tensors stay within their source", () => {
  test("a dense tensor that fits to the byte, and one that does not", async () => {
    const info = { name: "w", dtype: "float32" as const, source };
    expect(await contiguous({ ...info, shape: [2, 3] }).parts()).toEqual([
      { source, offset: 0, start: [0, 0], shape: [2, 3], strides: [12, 4] },
    ]);
    expect(await contiguous({ ...info, shape: [2, 2], offset: 8, order: "column" }).parts()).toEqual([
      { source, offset: 8, start: [0, 0], shape: [2, 2], strides: [4, 8] },
    ]);
    expect(() => contiguous({ ...info, shape: [2, 3], offset: 1 })).toThrow(
      expect.objectContaining({ code: "truncated", where: { file: "memory", offset: 1, tensor: "w" } }),
    );
    expect(() => contiguous({ ...info, shape: [2], offset: -4 })).toThrow(expect.objectContaining({ code: "malformed" }));
    expect(() => contiguous({ ...info, shape: [-2] })).toThrow(expect.objectContaining({ code: "malformed" }));
    expect(() => contiguous({ ...info, shape: [2 ** 30, 2 ** 30] })).toThrow(expect.objectContaining({ code: "unsupported" }));
    expect(() => contiguous({ ...info, shape: [2 ** 40] })).toThrow(expect.objectContaining({ code: "truncated" }));
  });

  test("an empty tensor may be anywhere and has no parts", async () => {
    expect(await contiguous({ name: "e", dtype: "float32", shape: [0, 2 ** 40, 2 ** 40], source, offset: 400 }).parts()).toEqual([]);
  });

  test("strided parts, with negative and zero strides", () => {
    expect(() => checkPart(wholePart(source, 20, [6], [-4]), 4)).not.toThrow();
    expect(() => checkPart(wholePart(source, 20, [7], [-4]), 4)).toThrow(expect.objectContaining({ code: "malformed" }));
    expect(() => checkPart(wholePart(source, 21, [6], [-4]), 4)).toThrow(expect.objectContaining({ code: "truncated" }));
    expect(() => checkPart(wholePart(source, 0, [2 ** 31, 6], [0, 4]), 4)).not.toThrow();
    expect(() => checkPart(wholePart(source, 0, [2 ** 30, 2 ** 30], [2 ** 40, 4]), 4)).toThrow();
    expect(() => checkPart({ ...wholePart(source, 0, [2], [4]), start: [] }, 4)).toThrow(expect.objectContaining({ code: "malformed" }));
    expect(() => strided({ name: "v", dtype: "int16", shape: [4], source, offset: 18, strides: [2] })).toThrow(
      expect.objectContaining({ where: expect.objectContaining({ tensor: "v" }) }),
    );
  });
});

describe("values of whole tensors", () => {
  const ctx = createContext();
  const column = contiguous({ name: "m", dtype: "uint16", shape: [3, 4], source, order: "column" });

  test("row-major bytes, float32 along axes, float64", async () => {
    const rows = Uint16Array.from([0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11], (k) => 2 * k + 256 * (2 * k + 1));
    expect(await values(column, ctx)).toEqual(new Uint8Array(rows.buffer));
    expect(await loadFloat64(column, ctx)).toEqual(Float64Array.from(rows));
    const flat = Float32Array.from({ length: 12 }, (_, k) => 2 * k + 256 * (2 * k + 1));
    expect(await load(column, "h w", "w h", new Map(), ctx)).toEqual(flat);
  });

  test("a tensor in order is itself; another becomes one dense part", async () => {
    const row = contiguous({ name: "r", dtype: "uint16", shape: [3, 4], source });
    expect(await inOrder(row, ctx)).toBe(row);
    expect((await inOrder(column, ctx)).shape).toEqual([3, 4]);
    // Its transpose is in order already: no copy.
    const [part] = await (await inOrder(column, ctx, "h w", "w h")).parts();
    expect(part?.source).toBe(source);
    expect(part?.shape).toEqual([4, 3]);
  });

  test("sha256 of row-major bytes, of nothing, of strings", async () => {
    // printf '\x00\x01…\x17' | sha256sum.
    expect(await hash(contiguous({ name: "r", dtype: "uint16", shape: [12], source }), ctx)).toBe(
      "1d64add2a6388367c9bc2d1f1b384b069a6ef382cdaaa89771dd103e28613a25",
    );
    expect(await hash(contiguous({ name: "e", dtype: "int8", shape: [0], source }), ctx)).toBe(
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
    const strings: StringTensor = {
      name: "s",
      dtype: "string",
      shape: [2],
      async *elements() {
        yield new TextEncoder().encode("ab");
        yield new Uint8Array();
      },
    };
    expect(await hash(strings, ctx)).toBe("e38fddf799dfc9884ea023573aeb35487342dc2b75837ecc5b72fd9386050ccb");
  });
});
