import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { read as readWithMatForJs } from "mat-for-js";
import { afterAll, describe, expect, test } from "vitest";
import { isCheckpointError } from "../../src/errors.ts";
import { createContext } from "../../src/io/run.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import type { ByteSource } from "../../src/io/source/source.ts";
import { openBytes } from "../../src/open.ts";
import { decodeChars } from "../../src/readers/mat/elements/chars.ts";
import { readMat } from "../../src/readers/mat/elements/file.ts";
import { sparseArray } from "../../src/readers/mat/elements/sparse.ts";
import { values } from "../../src/tensor/load.ts";
import { isNumeric, type NumericTensor } from "../../src/tensor/tensor.ts";
import { fixtures, real } from "../support/paths.ts";

const ctx = createContext({ values: true, memory: 1 << 16 });
afterAll(() => ctx.dispose());

const bytesOf = (...path: string[]): Uint8Array => new Uint8Array(readFileSync(join(fixtures, "mat", ...path)));

/** Opens, reads all values; the error's code where that fails. Anything but a CheckpointError is thrown. */
async function attempt(bytes: Uint8Array): Promise<string> {
  try {
    const checkpoint = await openBytes(bytes, "fuzzed.mat", ctx);
    for (const tensor of checkpoint.tensors.values()) if (isNumeric(tensor)) await values(tensor, ctx);
    return "read";
  } catch (error) {
    if (!isCheckpointError(error)) throw error;
    return error.code;
  }
}

describe("damage ends in one error or a correct parse", () => {
  test.each([
    ["scipy", "scipy-v5.mat", 397],
    ["scipy", "scipy-v5-compressed.mat", 173],
    ["octave", "octave-v7.mat", 331],
    ["big-endian", "big-endian-v5.mat", 653],
    ["v4", "scipy-v4.mat", 61],
    ["v73", "v73.mat", 6007],
  ])("prefixes of %s/%s", async (folder, file, step) => {
    const bytes = bytesOf(folder, file);
    for (let length = 1; length < bytes.length; length += step) await attempt(bytes.subarray(0, length));
    // The last byte of every one of them matters.
    expect(await attempt(bytes.subarray(0, bytes.length - 1))).not.toBe("read");
    expect(await attempt(bytes)).toBe("read");
  });

  test.each([
    ["scipy", "scipy-v5.mat", 307],
    ["scipy", "scipy-v5-compressed.mat", 211],
    ["octave", "octave-v6.mat", 509],
    ["v4", "scipy-v4.mat", 41],
    ["v73", "v73.mat", 4001],
  ])("flipped bytes of %s/%s", async (folder, file, step) => {
    const bytes = bytesOf(folder, file);
    for (let at = 0; at < bytes.length; at += step) {
      for (const mask of [0x01, 0xff]) {
        const flipped = Uint8Array.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ mask;
        await attempt(flipped);
      }
    }
  });
});

/** What mat-for-js gives for a real matrix of two dimensions, as rows: vectors come flat. */
function rowsOf(theirs: unknown, [rows = 0, columns = 0]: readonly number[]): readonly unknown[][] | undefined {
  if (!Array.isArray(theirs)) return undefined;
  if (rows === 1) return [theirs];
  if (columns === 1) return theirs.map((value) => [value]);
  return theirs.map((row) => (Array.isArray(row) ? row : [row]));
}

async function ours(tensor: NumericTensor): Promise<readonly unknown[][]> {
  const bytes = await values(tensor, ctx);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const get = { float64: 8, float32: 4, int8: 1, uint8: 1, int16: 2, uint16: 2, int32: 4, uint32: 4 } as const;
  const [rows = 0, columns = 0] = tensor.shape;
  const at = (k: number): unknown => {
    switch (tensor.dtype) {
      case "float64":
        return view.getFloat64(k * get.float64, true);
      case "float32":
        return view.getFloat32(k * get.float32, true);
      case "int8":
        return view.getInt8(k);
      case "uint8":
        return view.getUint8(k);
      case "int16":
        return view.getInt16(k * 2, true);
      case "uint16":
        return view.getUint16(k * 2, true);
      case "int32":
        return view.getInt32(k * 4, true);
      default:
        return view.getUint32(k * 4, true);
    }
  };
  return Array.from({ length: rows }, (_, r) => Array.from({ length: columns }, (_, c) => at(r * columns + c)));
}

const comparable = new Set(["float64", "float32", "int8", "uint8", "int16", "uint16", "int32", "uint32"]);

/** undefined where mat-for-js cannot read the file. */
function readTheirs(bytes: Uint8Array): unknown {
  try {
    return readWithMatForJs(bytes.slice().buffer).data;
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** Compares every top-level real matrix that mat-for-js can read; gives their number. */
async function compare(bytes: Uint8Array): Promise<number> {
  const theirs = readTheirs(bytes);
  if (typeof theirs !== "object" || theirs === null) return 0;
  const checkpoint = await openBytes(bytes, "compared.mat", ctx);
  let compared = 0;
  for (const [name, value] of Object.entries(theirs)) {
    const tensor = checkpoint.tensors.get(name);
    if (tensor === undefined || !isNumeric(tensor) || tensor.shape.length !== 2 || tensor.shape.includes(0)) continue;
    const rows = rowsOf(value, tensor.shape);
    if (!comparable.has(tensor.dtype) || tensor.stored?.kind === "sparse" || rows === undefined) continue;
    expect([name, await ours(tensor)]).toEqual([name, rows]);
    compared += 1;
  }
  return compared;
}

describe("the same values as mat-for-js", () => {
  test("narrowed numbers", async () => {
    expect(await compare(bytesOf("narrow", "narrow-v5.mat"))).toBe(4);
    expect(await compare(bytesOf("narrow", "narrow-v5-compressed.mat"))).toBe(4);
  });

  test.skipIf(real === undefined)("real files", async () => {
    const folder = join(real ?? "", "mat");
    const files = readdirSync(folder).filter((file) =>
      /scipy__.*(testdouble|testmatrix|testmulti|3dmatrix|endian)|tbeu.*test(_le|_be)?(_v6)?\.mat$|v7__simple/.test(file),
    );
    let compared = 0;
    for (const file of files) {
      const bytes = new Uint8Array(readFileSync(join(folder, file)));
      if (bytes[126] !== 0x49 && bytes[126] !== 0x4d) continue;
      compared += await compare(bytes);
    }
    expect(compared).toBeGreaterThan(30);
  });
});

describe("char arrays", () => {
  const units = (text: string): Uint8Array => new Uint8Array(Uint16Array.from(text, (char) => char.charCodeAt(0)).buffer);
  test("rows lie column by column", () => {
    expect(decodeChars("utf16", units("adbecf"), [2, 3])).toEqual(["abc", "def"]);
    expect(decodeChars("bytes", new TextEncoder().encode("hlewlo"), [1, 6])).toEqual(["hlewlo"]);
  });
  test("UTF-8 counts bytes, dimensions count units", () => {
    expect(decodeChars("utf8", new TextEncoder().encode("Zoë"), [1, 3])).toEqual(["Zoë"]);
    expect(decodeChars("utf8", new TextEncoder().encode("名🦙é"), [1, 4])).toEqual(["名🦙é"]);
  });
  test("no bytes are blanks, no columns empty rows", () => {
    expect(decodeChars("utf8", new Uint8Array(0), [2, 3])).toEqual(["   ", "   "]);
    expect(decodeChars("utf8", new Uint8Array(0), [2, 0])).toEqual(["", ""]);
  });
  test("a count that does not fit is refused", () => {
    expect(() => decodeChars("utf16", units("abc"), [2, 2])).toThrow("3 characters are kept for a char array of 2x2");
  });
});

/** A level 5 element: type, length, data padded to 8 bytes. */
function element(type: number, ...data: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(data);
  const tag = new Uint8Array(Uint32Array.of(type, content.length).buffer);
  return Buffer.concat([tag, content, new Uint8Array((8 - (content.length % 8)) % 8)]);
}

const int32s = (...numbers: number[]): Uint8Array => new Uint8Array(Int32Array.from(numbers).buffer);
/** miMATRIX: flags and class, dimensions, name, contents. */
const matrix = (flags: number, dims: readonly number[], name: string, ...contents: readonly Uint8Array[]): Uint8Array =>
  element(14, element(6, int32s(flags, 0)), element(5, int32s(...dims)), element(1, Buffer.from(name)), ...contents);

function level5(...variables: readonly Uint8Array[]): Uint8Array {
  const header = Buffer.alloc(128, " ");
  header.write("MATLAB 5.0 MAT-file");
  header.writeUInt16LE(0x0100, 124);
  header.write("IM", 126);
  return Buffer.concat([header, ...variables]);
}

test("a logical array holds zeros and ones, whatever its bytes are", async () => {
  const checkpoint = await openBytes(level5(matrix(0x209, [1, 3], "x", element(2, Uint8Array.of(0, 3, 1)))), "l.mat", ctx);
  const tensor = checkpoint.tensors.get("x");
  if (tensor === undefined || !isNumeric(tensor)) throw new Error("no x");
  expect([tensor.dtype, [...(await values(tensor, ctx))]]).toEqual(["bool", [0, 1, 1]]);
});

test("a cell array that ends before its own end is refused", async () => {
  const number = matrix(9, [1, 1], "", element(2, Uint8Array.of(7)));
  expect(await attempt(level5(matrix(1, [1, 2], "c", number, number)))).toBe("read");
  expect(await attempt(level5(matrix(1, [1, 1], "c", number, number)))).toBe("malformed");
});

test("a field that a struct has twice gets a number, as SciPy gives it another name", async () => {
  const one = matrix(9, [1, 1], "", element(2, Uint8Array.of(1)));
  const two = matrix(9, [1, 1], "", element(2, Uint8Array.of(2)));
  const names = element(1, Buffer.from("a\0b\0a\0"));
  const checkpoint = await openBytes(level5(matrix(2, [1, 1], "s", element(5, int32s(2)), names, one, one, two)), "s.mat", ctx);
  expect([...checkpoint.tensors.keys()]).toEqual(["s.a", "s.b", "s.('a#2')"]);
  expect(checkpoint.notes).toMatchObject([{ code: "assumed", message: "a struct has the field a twice: the second is listed as a#2" }]);
});

test("two entries of a sparse array in one place are refused, rows in any order are not", async () => {
  const stored = (dtype: "int32" | "float64", ...numbers: number[]) => {
    const bytes = new Uint8Array((dtype === "int32" ? Int32Array : Float64Array).from(numbers).buffer);
    return { source: memorySource(bytes, "s"), offset: 0, length: bytes.length, dtype, bigEndian: false };
  };
  const column = async (...rows: number[]): Promise<number[]> => {
    const array = sparseArray(
      { rows: 3, columns: 1, rowIndices: stored("int32", ...rows), starts: stored("int32", 0, 3), real: stored("float64", 1, 2, 3) },
      "float64",
    );
    const [part] = await array.parts();
    return [...new Float64Array((await part?.source.read(0, 24))?.buffer ?? new ArrayBuffer(0))];
  };
  expect(await column(2, 0, 1)).toEqual([2, 3, 1]);
  await expect(column(0, 1, 1)).rejects.toMatchObject({ code: "malformed", message: expect.stringContaining("two entries in one row") });
});

describe("what is read", () => {
  /** 128 bytes of header and one MATRIX of singles whose values are zeros that no array holds. */
  function large(rows: number, columns: number): { readonly source: ByteSource; readonly read: () => number } {
    const data = rows * columns * 4;
    const head = new DataView(new ArrayBuffer(128 + 8 + 16 + 16 + 16 + 8));
    new Uint8Array(head.buffer).set([0, 1, 0x49, 0x4d], 124);
    const words = [14, 48 + 8 + data, 6, 8, 7, 0, 5, 8, rows, columns, 1, 5, 0x61616161, 0x61, 7, data];
    for (const [k, word] of words.entries()) head.setUint32(128 + 4 * k, word, true);
    let total = 0;
    const source: ByteSource = {
      name: "large.mat",
      size: head.byteLength + data,
      access: "random",
      async read(offset, length, into) {
        total += length;
        const out = into?.subarray(0, length) ?? new Uint8Array(length);
        out.fill(0);
        out.set(new Uint8Array(head.buffer).subarray(offset, offset + length));
        return out;
      },
      async close() {},
    };
    return { source, read: () => total };
  }

  test("headers only, however large an array is", async () => {
    const { source, read } = large(100_000, 4_000);
    const { variables } = await readMat(source, "5", createContext(), () => false);
    expect(variables.map(({ name, value }) => [name, value.kind, value.kind === "numeric" ? value.dims : []])).toEqual([
      ["aaaaa", "numeric", [100_000, 4_000]],
    ]);
    expect(read()).toBeLessThan(20_000);
  });

  test("a variable that is there twice is refused", async () => {
    const bytes = bytesOf("narrow", "narrow-v5.mat");
    const twice = Buffer.concat([bytes, bytes.subarray(128)]);
    await expect(readMat(memorySource(twice), "5", ctx, () => false)).rejects.toThrow("is there twice");
  });
});
