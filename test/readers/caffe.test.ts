import { readFileSync } from "node:fs";
import { join } from "node:path";
import protobuf from "protobufjs/minimal.js";
import { describe, expect, test } from "vitest";
import { conventionsOf } from "../../src/formats.ts";
import { openCheckpoint } from "../../src/index.ts";
import { createContext } from "../../src/io/run.ts";
import { identify } from "../../src/model/identify.ts";
import { parsePrototxt } from "../../src/readers/caffe/prototxt.ts";
import { reader } from "../../src/readers/caffe/reader.ts";
import { values } from "../../src/tensor/load.ts";
import { isNumeric } from "../../src/tensor/tensor.ts";
import { cutEverywhere, type Files, filesOf, flipEverywhere, memoryProbe, outcome } from "../support/damage.ts";
import { expectedCases, readCase } from "../support/golden.ts";
import { listing } from "../support/listing.ts";
import { fixtures, golden } from "../support/paths.ts";

test("the oldest form, with V0 layers and four-dimensional biases", async () => {
  const [item] = readCase("fixtures", "caffe", join(fixtures, "caffe/v0"));
  if (item === undefined) throw new Error("no case");
  const { checkpoint, tensors } = await listing(item.path);
  expect(tensors).toEqual(Object.fromEntries(item.tensors));
  expect(checkpoint.files).toEqual(["vgg.caffemodel", "deploy.prototxt"]);
  expect(checkpoint.layers.map(({ name, type }) => `${name} ${type}`).slice(0, 5)).toEqual([
    "conv1_1 conv",
    "relu1_1 relu",
    "conv1_2 conv",
    "relu1_2 relu",
    "pool1 pool",
  ]);
  expect(checkpoint.layers[2]).toMatchObject({ inputs: ["conv1_1"], tensors: ["conv1_2.0", "conv1_2.1"] });
  expect(checkpoint.metadata.get("input_dim")).toEqual([1, 3, 64, 96]);
});

test("without its prototxt a model's own layers are taken", async () => {
  const model = readFileSync(join(fixtures, "caffe/v0/vgg.caffemodel"));
  const checkpoint = await reader.read(
    memoryProbe(new Map([["vgg.caffemodel", new Uint8Array(model)]]), "vgg.caffemodel"),
    createContext(),
  );
  expect(checkpoint.layers[2]).toMatchObject({ name: "conv1_2", type: "conv", inputs: ["conv1_1"], tensors: ["conv1_2.0", "conv1_2.1"] });
  expect(checkpoint.layers[2]?.attributes.get("kernelsize")).toBe(3);
});

/** BlobProto with num, channels, height, width and data; each channel has its own value but for the first element, which has 3 more. */
function meanImage(colours: readonly number[], [height, width]: readonly [number, number]): Uint8Array {
  const plane = height * width;
  const writer = protobuf.Writer.create()
    .uint32(8)
    .int32(1)
    .uint32(16)
    .int32(colours.length)
    .uint32(24)
    .int32(height)
    .uint32(32)
    .int32(width);
  writer.uint32(42).fork();
  for (const colour of colours) for (let k = 0; k < plane; k++) writer.float(k === 0 ? colour + 3 : colour);
  return writer.ldelim().finish();
}

test("a mean image alone has its values", async () => {
  const mean = meanImage([103, 116, 123], [2, 3]);
  const ctx = createContext({ values: true });
  const { tensors } = await reader.read(memoryProbe(new Map([["m.binaryproto", mean]]), "m.binaryproto"), ctx);
  const image = tensors.get("");
  if (image === undefined || !isNumeric(image)) throw new Error("no image");
  expect([image.kind, image.shape]).toEqual(["constant", [1, 3, 2, 3]]);
  const floats = new Float32Array((await values(image, ctx)).buffer);
  expect([...floats]).toEqual([106, 103, 103, 103, 103, 103, 119, 116, 116, 116, 116, 116, 126, 123, 123, 123, 123, 123]);
  await ctx.dispose();
});

test("a mean image with its shape first is no ONNX graph, which has the same field", async () => {
  const writer = protobuf.Writer.create();
  writer.uint32(58).fork().uint32(10).fork();
  for (const size of [1, 3, 1, 1]) writer.int32(size);
  writer.ldelim().ldelim().uint32(42).fork();
  for (const colour of [103, 116, 123]) writer.float(colour);
  const bytes = writer.ldelim().finish();
  await using checkpoint = await openCheckpoint(new File([bytes], "mean.binaryproto"));
  expect(checkpoint.format).toBe("caffe");
  expect([...checkpoint.tensors.values()].map(({ shape }) => shape)).toEqual([[1, 3, 1, 1]]);
});

describe("a mean image beside the model", () => {
  const model = new Uint8Array(readFileSync(join(fixtures, "caffe/v0/vgg.caffemodel")));
  const mean = meanImage([103, 116, 123], [2, 3]);
  const read = (more: Files) => reader.read(memoryProbe(new Map([["vgg.caffemodel", model], ...more]), "vgg.caffemodel"), createContext());

  test("becomes preprocessing, B G R, and says so", async () => {
    const checkpoint = await read(new Map([["mean.binaryproto", mean]]));
    expect(checkpoint.files).toEqual(["vgg.caffemodel", "mean.binaryproto"]);
    expect(checkpoint.bytes).toBe(model.length + mean.length);
    expect(checkpoint.notes).toMatchObject([
      {
        code: "assumed",
        message: "the mean image mean.binaryproto beside the model is taken for its own: 103.50, 116.50, 123.50 (B, G, R)",
      },
    ]);
    expect(identify({ ...checkpoint, conventions: conventionsOf("caffe") })?.preprocessing).toEqual({
      channels: "bgr",
      range: 255,
      mean: [103.5, 116.5, 123.5],
      std: [1, 1, 1],
      source: "read",
    });
  });

  test("one of two, one of a grey image and a damaged one are none", async () => {
    const two: Files = new Map([
      ["a.binaryproto", mean],
      ["b.binaryproto", mean],
    ]);
    for (const files of [two, new Map([["grey.binaryproto", meanImage([120], [2, 3])]])]) {
      const checkpoint = await read(files);
      expect(checkpoint).toMatchObject({ files: ["vgg.caffemodel"], notes: [] });
      expect(checkpoint.metadata.has("mean")).toBe(false);
    }
    const damaged = await read(new Map([["mean.binaryproto", mean.subarray(0, 40)]]));
    expect(damaged.files).toEqual(["vgg.caffemodel"]);
    expect(damaged.notes[0]?.message).toMatch(/^mean\.binaryproto beside the model could not be read \(.*\); its mean is not known$/);
  });
});

describe.skipIf(golden === undefined)("golden cases", () => {
  const cases = golden === undefined ? [] : expectedCases(golden);
  test.each(
    cases
      .filter((item) => item.arch !== "vgg16-224" && item.name.startsWith("caffe"))
      .map((item) => [`${item.arch}/${item.name}`, item] as const),
  )("%s", async (_, item) => expect((await listing(item.path)).tensors).toEqual(Object.fromEntries(item.tensors)));
});

type Fill = (blob: protobuf.Writer) => void;
const floats = [0.5, -1, 2, 3.25, -0, 7];

/** A net of one InnerProduct layer whose blob is written by `fill`. */
function net(fill: Fill, layerName = "fc"): Uint8Array {
  const writer = protobuf.Writer.create().uint32(10).string("net");
  writer.uint32(100 * 8 + 2).fork();
  writer.uint32(10).string(layerName).uint32(18).string("InnerProduct").uint32(26).string("data");
  writer.uint32(7 * 8 + 2).fork();
  fill(writer);
  writer.ldelim();
  writer
    .uint32(117 * 8 + 2)
    .fork()
    .uint32(8)
    .uint32(2)
    .ldelim();
  return writer.ldelim().finish();
}

/** One after the other. */
const all = (...fills: readonly Fill[]): Fill => {
  return (blob) => {
    for (const fill of fills) fill(blob);
  };
};
const tagged = (list: readonly number[]): Fill =>
  all(
    ...list.map(
      (value): Fill =>
        (blob) =>
          void blob.uint32(45).float(value),
    ),
  );
const shape: Fill = (blob) => blob.uint32(58).fork().uint32(10).fork().int64(2).int64(3).ldelim().ldelim();
const packed = (field: number, list: readonly number[]): Fill => {
  return (blob) => {
    blob.uint32(field * 8 + 2).fork();
    for (const value of list) field === 8 ? blob.double(value) : blob.float(value);
    blob.ldelim();
  };
};

async function read(bytes: Uint8Array): Promise<{ dtype: string; shape: readonly number[]; bytes: Uint8Array }> {
  const ctx = createContext({ values: true });
  const checkpoint = await reader.read(memoryProbe(new Map([["m.caffemodel", bytes]]), "m.caffemodel"), ctx);
  const tensor = checkpoint.tensors.get("fc.0");
  if (tensor === undefined || !isNumeric(tensor)) throw new Error("fc.0 is missing");
  const found = { dtype: tensor.dtype, shape: tensor.shape, bytes: await values(tensor, ctx) };
  await ctx.dispose();
  return found;
}

const f32 = (list: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(list).buffer);

describe("values in every form", () => {
  test.each<[string, Fill]>([
    ["packed", packed(5, floats)],
    ["packed in three runs", all(packed(5, floats.slice(0, 1)), packed(5, floats.slice(1, 4)), packed(5, floats.slice(4)))],
    ["a tag before each value", tagged(floats)],
    ["both, with the gradients between them", all(packed(5, floats.slice(0, 2)), packed(6, floats), tagged(floats.slice(2)))],
  ])("float: %s", async (_, fill) => {
    const found = await read(net(all(shape, fill)));
    expect(found).toEqual({ dtype: "float32", shape: [2, 3], bytes: f32(floats) });
  });

  test("double", async () => {
    const found = await read(net(all(packed(8, floats), shape)));
    expect(found).toEqual({ dtype: "float64", shape: [2, 3], bytes: new Uint8Array(Float64Array.from(floats).buffer) });
  });

  test("half, as raw data of type 2", async () => {
    const half = Uint8Array.from([0, 0x38, 0, 0xbc, 0, 0x40, 0x80, 0x42, 0, 0x80, 0, 0x47]);
    const found = await read(net((blob) => void [shape(blob), blob.uint32(80).int32(2).uint32(98).bytes(half)]));
    expect(found).toEqual({ dtype: "float16", shape: [2, 3], bytes: half });
  });

  test("legacy dimensions", async () => {
    const found = await read(
      net((blob) => void [blob.uint32(8).int32(1).uint32(16).int32(1).uint32(24).int32(2).uint32(32).int32(3), packed(5, floats)(blob)]),
    );
    expect(found.shape).toEqual([1, 1, 2, 3]);
  });
});

describe("what is refused", () => {
  test.each<[string, Uint8Array, string]>([
    ["a shape without data, never zeros", net(shape), "has no data"],
    ["more values than the shape", net(all(shape, packed(5, [...floats, 1]))), "needs 6 values, 7 are there"],
    ["a negative dimension", net((blob) => void [blob.uint32(58).fork().uint32(8).int64(-2).ldelim(), packed(5, floats)(blob)]), "-2"],
    ["two layers of one name", concat(net(all(shape, packed(5, floats))), net(all(shape, packed(5, floats)))), "two layers"],
  ])("%s", async (_, bytes, message) => {
    await expect(read(bytes)).rejects.toThrow(message);
  });

  test("a solver state and a prototxt without their model", async () => {
    const prototxt = new Uint8Array(readFileSync(join(fixtures, "caffe/v0/deploy.prototxt")));
    const files: Files = new Map([
      ["a.prototxt", prototxt],
      ["a.solverstate", Uint8Array.of(8, 1)],
    ]);
    await expect(reader.read(memoryProbe(files, "a.prototxt"), createContext())).rejects.toThrow("without weights");
    await expect(reader.read(memoryProbe(files, "a.solverstate"), createContext())).rejects.toThrow("state of a Caffe solver");
  });
});

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

describe("prototxt", () => {
  test("nested blocks, lists, comments and every kind of scalar", () => {
    const text = `name: "a \\"b\\"" 'c' # comment\nlayer { name: "x" type: CONVOLUTION pad: 1 pad: 2 ratio: -1.5e-3f on: true }\nlayer < name: "y" >\ninput_dim: [1, 3, 64]`;
    expect(parsePrototxt(text, "t")).toEqual(
      new Map<string, unknown>([
        ["name", 'a "b"c'],
        [
          "layer",
          [
            new Map<string, unknown>([
              ["name", "x"],
              ["type", "CONVOLUTION"],
              ["pad", [1, 2]],
              ["ratio", -0.0015],
              ["on", true],
            ]),
            new Map([["name", "y"]]),
          ],
        ],
        ["input_dim", [1, 3, 64]],
      ]),
    );
  });

  test.each([
    ["layer {", "inside a block"],
    ["layer }", "needed|is where"],
    ["name: ", "the text ends"],
    ["\n\n  §", "line 3"],
    ["a {".repeat(50), "deeper than 32"],
  ])("refuses %j", (text, message) => {
    expect(() => parsePrototxt(text, "t")).toThrow(new RegExp(message));
  });
});

test("damage ends in a clear error or in a correct parse", async () => {
  const files = filesOf(join(fixtures, "caffe/v0"));
  const cuts = await cutEverywhere(reader, files, "vgg.caffemodel", "vgg.caffemodel", 60);
  expect(cuts.get("same") ?? 0).toBe(0);
  expect(await outcome(reader, files, "vgg.caffemodel")).toBeInstanceOf(Map);
  const flips = await flipEverywhere(reader, files, "vgg.caffemodel", "vgg.caffemodel", { dense: 60, sparse: 60 });
  // Values have no checksum: most changes are other values of the same net.
  expect(
    [...flips.keys()].filter((key) => !["same", "other", "malformed", "truncated", "unsupported", "undetected", "not-found"].includes(key)),
  ).toEqual([]);
  const texts = await flipEverywhere(reader, files, "vgg.caffemodel", "deploy.prototxt", { dense: 60, sparse: 60 });
  expect([...texts.keys()]).toEqual(["same"]);
});
