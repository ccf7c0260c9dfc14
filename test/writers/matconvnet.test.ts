import { afterAll, describe, expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import type { Network, NetworkLayer } from "../../src/model/network/network.ts";
import type { Role } from "../../src/model/role.ts";
import { openBytes } from "../../src/open.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import type { NumericDType } from "../../src/tensor/dtype.ts";
import { values } from "../../src/tensor/load.ts";
import { isNumeric } from "../../src/tensor/tensor.ts";
import { execute, type TensorSupply } from "../../src/writers/execute.ts";
import type { TensorSpec, WriterInput } from "../../src/writers/layout.ts";
import { writer } from "../../src/writers/matconvnet/writer.ts";
import { specBytes } from "../../src/writers/pieces.ts";
import { memoryOutput } from "../support/memory-output.ts";

const ctx = createContext({ values: true });
afterAll(() => ctx.dispose());

const conv = (name: string, inputs: number, outputs: number, more: object = {}): NetworkLayer => ({
  kind: "conv",
  name,
  inputs,
  outputs,
  kernel: [3, 3],
  pad: [1, 1],
  bias: true,
  ...more,
});
const layers: readonly NetworkLayer[] = [
  conv("conv1_1", 3, 4, { batchNorm: { epsilon: 1e-5 } }),
  conv("conv1_2", 4, 4, { bias: false }),
  { kind: "pool", name: "pool1", ceil: true },
  { kind: "fc", name: "fc6", inputs: 24, outputs: 5, bias: true, activation: "relu" },
  { kind: "fc", name: "fc7", inputs: 5, outputs: 2, bias: true, activation: "softmax" },
];
const network: Network = {
  family: "vgg",
  config: "other",
  name: "VGG",
  batchNorm: true,
  layers,
  widths: [4, 4, 5, 2],
  classes: 2,
  inputChannels: 3,
  inputSize: [4, 6],
  featureShape: [4, 2, 3],
  head: "conv",
  epsilon: 1e-5,
  geometry: "assumed",
  uncomputed: [],
  missing: [],
  complete: true,
};

const spec = (key: string, role: Role, shape: readonly number[], dtype: NumericDType = "float32"): TensorSpec => ({
  key,
  role,
  shape,
  dtype,
});
const tensors: readonly TensorSpec[] = [
  spec("layers{1}.weights{1}", "conv1_1.weight", [3, 3, 3, 4]),
  spec("layers{1}.weights{2}", "conv1_1.bias", [4, 1]),
  spec("layers{2}.weights{2}", "conv1_1.bn.bias", [4, 1]),
  spec("layers{2}.weights{3}", "conv1_1.bn.mean", [4, 2]),
  spec("layers{4}.weights{1}", "conv1_2.weight", [3, 3, 4, 4]),
  spec("layers{7}.weights{1}", "fc6.weight", [2, 3, 4, 5]),
  spec("layers{7}.weights{2}", "fc6.bias", [5, 1]),
  spec("layers{10}.weights{1}", "fc7.weight", [1, 1, 5, 2]),
  spec("layers{10}.weights{2}", "fc7.bias", [2, 1]),
];
const input: WriterInput = {
  name: "net.mat",
  tensors,
  network,
  labels: ["Renée", "ok"],
  metadata: new Map(),
  options: new Map(),
  preprocessing: { channels: "rgb", range: 255, mean: [129.5, 104.25, 93.5], std: [1, 1, 1], source: "read" },
};

/** Column-major values 0, 1, 2 … of every tensor. */
const supply: TensorSupply = {
  async fill(key, file, at, order) {
    expect(order).toBe("column");
    const found = tensors.find((tensor) => tensor.key === key);
    const count = found === undefined ? 0 : specBytes(found) / 4;
    await file.write(at, new Uint8Array(Float32Array.from({ length: count }, (_, k) => k).buffer));
  },
};

async function write(more: Partial<WriterInput> = {}): Promise<Uint8Array> {
  const set = memoryOutput();
  await execute(writer.layout({ ...input, ...more }), supply, set, ctx);
  return set.files.get("net.mat")?.() ?? new Uint8Array(0);
}

async function contents(checkpoint: Checkpoint): Promise<unknown> {
  const found: unknown[] = [];
  for (const tensor of checkpoint.tensors.values()) {
    if (!isNumeric(tensor)) throw new Error("a text");
    found.push([tensor.name, tensor.dtype, tensor.shape, Buffer.from(await values(tensor, ctx)).toString("hex")]);
  }
  return { found, layers: checkpoint.layers, metadata: [...checkpoint.metadata] };
}

describe("simplenn", () => {
  test("layers, attributes, meta", async () => {
    const checkpoint = await openBytes(await write(), "net.mat", ctx);
    expect(checkpoint.format).toBe("matconvnet");
    expect(checkpoint.layers.map(({ type, name }) => `${type} ${name}`)).toEqual([
      "conv conv1_1",
      "bnorm bn1_1",
      "relu relu1_1",
      "conv conv1_2",
      "relu relu1_2",
      "pool pool1",
      "conv fc6",
      "relu relu6",
      "dropout dropout6",
      "conv fc7",
      "softmax prob",
    ]);
    expect(checkpoint.layers[0]?.attributes).toEqual(
      new Map<string, unknown>([
        ["pad", [1, 1, 1, 1]],
        ["stride", [1, 1]],
        ["dilate", [1, 1]],
        ["opts", []],
        ["precious", false],
      ]),
    );
    expect(checkpoint.layers[5]?.attributes.get("pad")).toEqual([0, 1, 0, 1]);
    // Gamma is not among the tensors: ones mean it; a convolution without bias has an empty one.
    expect(checkpoint.layers[1]?.tensors).toEqual(["layers{2}.weights{1}", "layers{2}.weights{2}", "layers{2}.weights{3}"]);
    expect(checkpoint.layers[3]?.tensors).toEqual(["layers{4}.weights{1}"]);
    expect(checkpoint.tensors.get("layers{4}.weights{2}")?.shape).toEqual([0, 0]);
    expect(checkpoint.metadata.get("meta.normalization.averageImage")).toEqual([129.5, 104.25, 93.5]);
    expect(checkpoint.metadata.get("meta.normalization.imageSize")).toEqual([4, 6, 3]);
    expect(checkpoint.metadata.get("meta.classes.description")).toEqual(["Renée", "ok"]);
  });

  test("compressed holds the same; the same input gives the same bytes", async () => {
    const plain = await openBytes(await write(), "net.mat", ctx);
    const bytes = await write({ options: new Map([["compress", "true"]]) });
    const compressed = await openBytes(bytes, "net.mat", ctx);
    expect(compressed.variant).toContain("v7");
    expect(await contents(compressed)).toEqual(await contents(plain));
    expect(await write({ options: new Map([["compress", "true"]]) })).toEqual(bytes);
  });

  test("the length of field names is a small element, as MATLAB writes it and Octave needs it", async () => {
    const bytes = Buffer.from(await write());
    const [small, long] = [
      [0x05, 0, 0x04, 0, 64, 0, 0, 0], // u16 type miINT32, u16 4 bytes, the value
      [0x05, 0, 0, 0, 4, 0, 0, 0, 64, 0, 0, 0], // u32 type, u32 4 bytes, the value
    ].map((sample) => bytes.indexOf(Buffer.from(sample)));
    expect(small).toBeGreaterThan(0);
    expect(long).toBe(-1);
  });

  test("values are column-major", async () => {
    const tensor = (await openBytes(await write(), "net.mat", ctx)).tensors.get("layers{7}.weights{1}");
    if (tensor === undefined || !isNumeric(tensor)) throw new Error("no fc6");
    const bytes = await values(tensor, ctx);
    // Row-major 2x3x4x5: the second element is index (0,0,0,1), which is 24 in column-major order.
    expect(new DataView(bytes.buffer, bytes.byteOffset).getFloat32(4, true)).toBe(24);
  });

  test("a deviation and BGR are kept beside the average", async () => {
    const bytes = await write({ preprocessing: { channels: "bgr", range: 1, mean: [0.5, 0.25, 0.125], std: [0.5, 1, 1], source: "read" } });
    const { metadata } = await openBytes(bytes, "net.mat", ctx);
    expect(metadata.get("meta.normalization.averageImage")).toEqual([127.5, 63.75, 31.875]);
    expect(metadata.get("meta.normalization.divideBy")).toEqual([127.5, 255, 255]);
    expect(metadata.get("meta.normalization.channelOrder")).toBe("bgr");
  });

  test("names that are no places are refused", async () => {
    const renamed = (key: string) => tensors.map((tensor) => (tensor.role === "fc6.bias" ? { ...tensor, key } : tensor));
    await expect(write({ tensors: renamed("fc6.bias") })).rejects.toThrow("a MatConvNet network cannot store fc6.bias");
    await expect(write({ tensors: renamed("layers{8}.weights{2}") })).rejects.toThrow("layers{8}.weights{2} is no place for fc6");
    await expect(write({ tensors: renamed("net.layers{7}.weights{2}") })).rejects.toThrow("is no place for the same network");
  });

  test("dagnn, in a variable of its own", async () => {
    const all = [...tensors.slice(0, 2), spec("", "conv1_1.bn.weight", [4, 1]), ...tensors.slice(2)].map((tensor, k) => ({
      ...tensor,
      key: `net.params(${k + 1}).value`,
    }));
    const set = memoryOutput();
    const zeros: TensorSupply = {
      async fill(_key, file, at) {
        await file.write(at, new Uint8Array(4));
      },
    };
    await execute(writer.layout({ ...input, tensors: all }), zeros, set, ctx);
    const checkpoint = await openBytes(set.files.get("net.mat")?.() ?? new Uint8Array(0), "net.mat", ctx);
    expect([...checkpoint.tensors.keys()]).toEqual(all.map(({ key }) => key));
    expect(checkpoint.layers.map(({ type }) => type.replace("dagnn.", ""))).toEqual([
      "Conv",
      "BatchNorm",
      "ReLU",
      "Conv",
      "ReLU",
      "Pooling",
      "Conv",
      "ReLU",
      "DropOut",
      "Conv",
      "SoftMax",
    ]);
    expect(checkpoint.layers[1]?.tensors).toEqual(["net.params(3).value", "net.params(4).value", "net.params(5).value"]);
  });

  test("a variable of 2 GiB is refused before anything is written", async () => {
    const huge = tensors.map((tensor) => (tensor.role === "fc6.weight" ? { ...tensor, shape: [2, 3, 4, 30_000_000] } : tensor));
    expect(() => writer.layout({ ...input, tensors: huge })).toThrow("hold 2 GiB in one");
  });
});
