import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import { reader } from "../../src/readers/mxnet/reader.ts";
import { cutEverywhere, filesOf, flipEverywhere, memoryProbe, outcome } from "../support/damage.ts";
import { expectedCases, readCase } from "../support/golden.ts";
import { listing } from "../support/listing.ts";
import { fixtures, golden } from "../support/paths.ts";

const folder = join(fixtures, "mxnet/types");

test("every dtype that mx.nd.save writes", async () => {
  const [item] = readCase("fixtures", "mxnet", folder);
  if (item === undefined) throw new Error("no case");
  expect((await listing(item.path)).tensors).toEqual(Object.fromEntries(item.tensors));
});

test("a list has numbers for names", async () => {
  const { checkpoint } = await listing(join(folder, "list.params"));
  expect([...checkpoint.tensors.keys()]).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8"]);
});

test("NumPy shapes: a scalar, an empty array", async () => {
  const { tensors } = await listing(join(folder, "numpy.params"));
  expect(Object.entries(tensors).map(([name, { dtype, shape }]) => `${name} ${dtype} ${JSON.stringify(shape)}`)).toEqual([
    "scalar float32 []",
    "empty float32 [0,3]",
    "bool bool [2]",
    "vector float32 [3]",
  ]);
});

test("sparse arrays are reported and left out", async () => {
  const { checkpoint } = await listing(join(folder, "sparse.params"));
  expect([...checkpoint.tensors.keys()]).toEqual(["dense"]);
  expect(checkpoint.notes).toMatchObject([
    { code: "unsupported-tensor", tensor: "csr" },
    { code: "unsupported-tensor", tensor: "rows" },
  ]);
});

describe.skipIf(golden === undefined)("golden cases", () => {
  const all = golden === undefined ? [] : expectedCases(golden);
  test.each(all.filter((item) => item.name.startsWith("mxnet")).map((item) => [`${item.arch}/${item.name}`, item] as const))(
    "%s",
    async (_, item) => expect((await listing(item.path)).tensors).toEqual(Object.fromEntries(item.tensors)),
  );

  test("the symbol beside a checkpoint gives its layers, and leads to it", async () => {
    for (const entry of ["vgg16-0007.params", "vgg16-symbol.json"]) {
      const { checkpoint } = await listing(join(golden ?? "", "vgg16-64x96/mxnet", entry));
      const conv = checkpoint.layers.find((layer) => layer.name === "conv1_2");
      expect(conv).toMatchObject({ type: "Convolution", inputs: ["relu1_1"], tensors: ["arg:conv1_2_weight", "arg:conv1_2_bias"] });
      expect(conv?.attributes.get("kernel")).toEqual([3, 3]);
    }
  });
});

/** One array in the oldest form, u32 ndim and dims, with the name `w`. */
function oldest(dims: readonly number[], names: readonly string[] = ["w"]): Uint8Array {
  const words: number[] = [0x112, 0, 0, 0, 1, 0, dims.length, ...dims, 1, 0, 0];
  const values = dims.reduce((product, size) => product * size, 1);
  for (let k = 0; k < Math.min(values, 100); k++) words.push(0x3f800000 + k);
  words.push(names.length, 0);
  const tail = names.flatMap((name) => [name.length, 0, 0, 0, 0, 0, 0, 0, ...new TextEncoder().encode(name)]);
  return Uint8Array.from([...new Uint8Array(Uint32Array.from(words).buffer), ...tail]);
}

describe("the oldest form", () => {
  test("its number of dimensions is where newer ones have a magic number", async () => {
    const found = await outcome(reader, new Map([["a.params", oldest([2, 3])]]), "a.params");
    expect(typeof found === "string" ? found : [...found.keys()]).toEqual(["w"]);
  });

  test.each([
    ["more values than the file has", oldest([1000, 1000]), "truncated"],
    ["two names for one array", oldest([2], ["a", "b"]), "malformed"],
    ["33 dimensions", oldest(Array<number>(33).fill(1)), "malformed"],
  ])("refuses %s", async (_, bytes, code) => {
    expect(await outcome(reader, new Map([["a.params", bytes]]), "a.params")).toBe(code);
  });
});

test("a symbol without weights asks for them", async () => {
  const files = new Map([["a-symbol.json", new TextEncoder().encode('{"nodes": []}')]]);
  await expect(reader.read(memoryProbe(files, "a-symbol.json"), createContext())).rejects.toThrow("holds no weights");
});

test("damage ends in a clear error or in a correct parse", async () => {
  const files = filesOf(folder);
  for (const file of ["types.params", "sparse.params", "numpy.params"]) {
    const cuts = await cutEverywhere(reader, files, file, file, 60);
    expect([...cuts.keys()].filter((key) => key === "same" || key === "other")).toEqual([]);
    const flips = await flipEverywhere(reader, files, file, file, { dense: 60, sparse: 60 });
    expect(
      [...flips.keys()].filter((key) => !["same", "other", "malformed", "truncated", "unsupported", "undetected"].includes(key)),
    ).toEqual([]);
  }
});
