import { describe, expect, test } from "vitest";
import { parseJson } from "../../src/encodings/json/json.ts";
import { npyTensor, readNpyHeader } from "../../src/encodings/npy/npy.ts";
import { parseLiteral } from "../../src/encodings/npy/python-literal.ts";
import { memorySource } from "../../src/io/source/memory.ts";
import { readSafetensorsHeader } from "../../src/readers/safetensors/header.ts";

describe("JSON", () => {
  test("objects are Maps, large integers bigints, order is kept", () => {
    const value = parseJson('{"__proto__": [1, -2.5e3, true, null], "1": "\\u00e9\\n", "0": 9007199254740993}', "x");
    expect(value).toEqual(
      new Map<string, unknown>([
        ["__proto__", [1, -2500, true, null]],
        ["1", "é\n"],
        ["0", 9007199254740993n],
      ]),
    );
  });

  test.each(['{"a":1,"a":2}', "[1,]", "{}x", '"\n"', "01", "[NaN]", '"\\x41"', "", "[", '{"a"}'])("refuses %s", (text) => {
    expect(() => parseJson(text, "x")).toThrow(expect.objectContaining({ code: "malformed" }));
  });

  test("NaN where Python wrote it, and no endless depth", () => {
    expect(parseJson("[NaN, -Infinity]", "x", { python: true })).toEqual([Number.NaN, Number.NEGATIVE_INFINITY]);
    expect(() => parseJson("[".repeat(200), "x")).toThrow(expect.objectContaining({ code: "unsafe" }));
  });
});

describe("Python literals", () => {
  test.each([
    [
      "{'a': (3L, 4), \"b\": [True, None], }",
      new Map<string, unknown>([
        ["a", [3n, 4n]],
        ["b", [true, null]],
      ]),
    ],
    ["(3)", 3n],
    ["(3,)", [3n]],
    ["()", []],
    ["u'\\x41'", "A"],
  ])("%s", (text, value) => {
    expect(parseLiteral(text, "x")).toEqual(value);
  });

  test.each(["exit()", "{'a': open('x')}", "1+1", "{'a': 1, 'a': 2}", "(1", "{1: 2}", "'a' 'b'"])("refuses %s", (text) => {
    expect(() => parseLiteral(text, "x")).toThrow(expect.objectContaining({ code: "malformed" }));
  });
});

function npy(header: string, data = 0, version = 1): Uint8Array {
  const start = version === 1 ? 10 : 12;
  const bytes = new Uint8Array(start + header.length + data);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, header.length, true);
  else view.setUint32(8, header.length, true);
  bytes.set(new TextEncoder().encode(header), start);
  return bytes;
}

describe("npy", () => {
  const of = (descr: string, shape = "(2, 3)", order = "False"): string =>
    `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }\n`;

  test.each([
    ["'<f4'", { kind: "numeric", dtype: "float32", bigEndian: false }],
    ["'>i8'", { kind: "numeric", dtype: "int64", bigEndian: true }],
    ["'|b1'", { kind: "numeric", dtype: "bool", bigEndian: false }],
    ["'<c16'", { kind: "numeric", dtype: "complex128", bigEndian: false }],
    ["'d'", { kind: "numeric", dtype: "float64", bigEndian: false }],
    ["'float32'", { kind: "numeric", dtype: "float32", bigEndian: false }],
    ["'complex64'", { kind: "numeric", dtype: "complex64", bigEndian: false }],
    ["'float'", { kind: "numeric", dtype: "float64", bigEndian: false }],
    ["'intc'", { kind: "numeric", dtype: "int32", bigEndian: false }],
    ["'bool'", { kind: "numeric", dtype: "bool", bigEndian: false }],
    ["'object'", { kind: "object" }],
    ["'datetime64[s]'", { kind: "other", descr: "datetime64[s]", width: 8 }],
    ["'3f4'", { kind: "other", descr: "3f4", width: undefined }],
    ["'f4,i2'", { kind: "other", descr: "f4,i2", width: undefined }],
    ["'<U5'", { kind: "unicode", width: 20, bigEndian: false }],
    ["'|S3'", { kind: "bytes", width: 3, bigEndian: false }],
    ["'|O'", { kind: "object" }],
    ["'<f16'", { kind: "numeric", dtype: "float128", bigEndian: false }],
    ["'<c32'", { kind: "other", descr: "<c32", width: 32 }],
    ["'<M8[ns]'", { kind: "other", descr: "<M8[ns]", width: 8 }],
    ["[('x', '<f4'), ('y', '|O')]", { kind: "object" }],
    ["[('x', '<f4')]", { kind: "other", descr: "structured type", width: undefined }],
  ])("descr %s", async (descr, element) => {
    expect((await readNpyHeader(memorySource(npy(of(descr)), "x"))).element).toEqual(element);
  });

  test.each([1, 2, 3])("version %i", async (version) => {
    const header = await readNpyHeader(memorySource(npy(of("'<f4'", "(2L, 3L)", "True"), 24, version), "x"));
    expect(header).toMatchObject({
      version,
      shape: [2, 3],
      fortranOrder: true,
      dataOffset: (version === 1 ? 10 : 12) + of("'<f4'", "(2L, 3L)", "True").length,
    });
  });

  test.each([
    ["a negative dimension", of("'<f4'", "(-2, 3)"), "malformed"],
    ["a dimension beyond 2^53", of("'<f4'", "(9007199254740993, 0)"), "malformed"],
    ["code", of("'<f4'", "exit()"), "malformed"],
    ["a missing key", "{'descr': '<f4', 'shape': ()}", "malformed"],
    ["an unknown descr", of("'<q9x'"), "malformed"],
    ["a name with a byte order, which NumPy refuses too", of("'<float32'"), "malformed"],
    ["a number of bits that no type has", of("'int128'"), "malformed"],
    ["a header of 10,001 bytes", of("'<f4'").padEnd(10_001), "unsafe"],
  ])("refuses %s", async (_, header, code) => {
    await expect(readNpyHeader(memorySource(npy(header), "x"))).rejects.toMatchObject({ code });
  });

  test("elements that are not there are reported, nothing is allocated", async () => {
    const source = memorySource(npy(of("'<f4'", "(1048576, 1048576)"), 64), "x");
    const header = await readNpyHeader(source);
    expect(() => npyTensor("x", source, header)).toThrow(expect.objectContaining({ code: "truncated" }));
  });

  test("texts lose their padding, column-major ones are given row-major", async () => {
    const bytes = npy(of("'|S2'", "(2, 2)", "True"), 8);
    bytes.set(new TextEncoder().encode("a\0b\0c\0d\0"), bytes.length - 8);
    const source = memorySource(bytes, "x");
    const tensor = npyTensor("x", source, await readNpyHeader(source));
    const texts: string[] = [];
    if (tensor?.dtype === "string") for await (const element of tensor.elements()) texts.push(new TextDecoder().decode(element));
    expect(texts).toEqual(["a", "c", "b", "d"]);
  });
});

function safetensors(header: string, data: number): Uint8Array {
  const bytes = new Uint8Array(8 + header.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(new TextEncoder().encode(header), 8);
  return bytes;
}

describe("safetensors", () => {
  const tensor = (dtype: string, shape: string, from: number, to: number): string =>
    `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${from},${to}]}`;

  test.each([
    [
      "two tensors and one of no elements",
      `{"b":${tensor("F32", "[2]", 4, 12)},"a":${tensor("I8", "[4]", 0, 4)},"e":${tensor("F64", "[0,3]", 4, 4)}}`,
      12,
      ["a", "e", "b"],
    ],
    ["blanks around the object", ` {"a":${tensor("BOOL", "[]", 0, 1)}}  `, 1, ["a"]],
    ["no tensors", "{}", 0, []],
    ["an ordinary name", `{"__proto__":${tensor("BF16", "[1]", 0, 2)}}`, 2, ["__proto__"]],
    ["elements of less than a byte", `{"a":${tensor("F4", "[4]", 0, 2)}}`, 2, ["a"]],
  ])("accepts %s", async (_, header, data, names) => {
    const { tensors, small } = await readSafetensorsHeader(memorySource(safetensors(header, data), "x"));
    expect([...tensors.keys(), ...small.map(({ name }) => name)]).toEqual(names);
  });

  test.each([
    ["a gap", `{"a":${tensor("I8", "[1]", 0, 1)},"b":${tensor("I8", "[1]", 2, 3)}}`, 3, "malformed"],
    ["an overlap", `{"a":${tensor("I8", "[2]", 0, 2)},"b":${tensor("I8", "[2]", 1, 3)}}`, 3, "malformed"],
    ["a shared range", `{"a":${tensor("I8", "[2]", 0, 2)},"b":${tensor("I8", "[2]", 0, 2)}}`, 2, "malformed"],
    ["trailing bytes", `{"a":${tensor("I8", "[2]", 0, 2)}}`, 3, "malformed"],
    ["missing bytes", `{"a":${tensor("I8", "[2]", 0, 2)}}`, 1, "truncated"],
    ["a wrong size", `{"a":${tensor("F32", "[2]", 0, 4)}}`, 4, "malformed"],
    ["an odd number of half bytes", `{"a":${tensor("F4", "[3]", 0, 2)}}`, 2, "malformed"],
    ["an unknown dtype", `{"a":${tensor("F31", "[1]", 0, 4)}}`, 4, "malformed"],
    ["a null entry", '{"a":null}', 0, "malformed"],
    ["metadata that is no text", '{"__metadata__":{"a":3}}', 0, "malformed"],
    ["an array", "[]", 0, "malformed"],
    ["a name that occurs twice", `{"a":${tensor("I8", "[1]", 0, 1)},"a":${tensor("I8", "[1]", 1, 2)}}`, 2, "malformed"],
    ["metadata twice", '{"__metadata__":{},"__metadata__":{}}', 0, "malformed"],
    ["an overflow", `{"a":${tensor("F32", "[4294967296,4294967296,4294967296]", 0, 0)}}`, 0, "malformed"],
  ])("refuses %s", async (_, header, data, code) => {
    await expect(readSafetensorsHeader(memorySource(safetensors(header, data), "x"))).rejects.toMatchObject({ code });
  });
});
