import { describe, expect, test } from "vitest";
import type { Probe } from "../../src/encodings/probe.ts";
import { conventionsOf } from "../../src/formats.ts";
import { createContext } from "../../src/io/run.ts";
import type { ByteSource } from "../../src/io/source/source.ts";
import { identify } from "../../src/model/identify.ts";
import { parseCfg } from "../../src/readers/darknet/cfg.ts";
import { weightLayout } from "../../src/readers/darknet/layout.ts";
import { reader } from "../../src/readers/darknet/reader.ts";
import { values } from "../../src/tensor/load.ts";
import { isNumeric } from "../../src/tensor/tensor.ts";
import { cutEverywhere, type Files, flipEverywhere, memoryProbe, outcome } from "../support/damage.ts";
import { expectedCases } from "../support/golden.ts";
import { listing } from "../support/listing.ts";
import { golden } from "../support/paths.ts";

const cfg = `
[net]
height = 4
width=6   # a comment
channels=2

[convolutional]
batch_normalize=1
filters=3
size=3
pad=1
activation=relu

[maxpool]
size=2
stride=2

; flattened: 2 x 3 x 3
[connected]
output=4
batch_normalize=1

[dropout]
[softmax]
`;
/** conv: biases, scales, mean, variance (3 each), weights 3·2·3·3; connected: biases 4, weights 4·18, then 4 three times. */
const count = 4 * 3 + 54 + 4 + 72 + 12;

function weights(header: readonly number[], elements = count): Uint8Array {
  const body = Float32Array.from({ length: elements }, (_, k) => k);
  return new Uint8Array([...new Uint8Array(Int32Array.from(header).buffer), ...new Uint8Array(body.buffer)]);
}

const set = (bytes: Uint8Array, text = cfg): Files =>
  new Map([
    ["a.weights", bytes],
    ["a.cfg", new TextEncoder().encode(text)],
  ]);

async function first(files: Files, name: string): Promise<number[]> {
  const ctx = createContext({ values: true });
  const checkpoint = await reader.read(memoryProbe(files, "a.weights"), ctx);
  const tensor = checkpoint.tensors.get(name);
  if (tensor === undefined || !isNumeric(tensor)) throw new Error(`${name} is missing`);
  const bytes = await values(tensor, ctx);
  await ctx.dispose();
  return [...new Float32Array(bytes.slice().buffer)].slice(0, 3);
}

describe("the order of a file", () => {
  test("convolution: biases, norm, weights; connected: biases, weights, norm", () => {
    const { arrays, elements, input } = weightLayout(parseCfg(cfg, "a.cfg"), false);
    expect(input).toEqual([4, 6, 2]);
    expect(elements).toBe(count);
    expect(arrays.map(({ name, shape, start }) => `${name} ${shape.join("x")} ${start}`)).toEqual([
      "0.biases 3 0",
      "0.scales 3 3",
      "0.rolling_mean 3 6",
      "0.rolling_variance 3 9",
      "0.weights 3x2x3x3 12",
      "2.biases 4 66",
      "2.weights 4x18 70",
      "2.scales 4 142",
      "2.rolling_mean 4 146",
      "2.rolling_variance 4 150",
    ]);
  });

  test.each([
    ["0.1: images seen in 4 bytes", weights([0, 1, 0, 32013312]), [70, 71, 72]],
    ["0.2: in 8 bytes", weights([0, 2, 0, 32013312, 0]), [70, 71, 72]],
    ["major 1001: connected weights are kept as [in, out]", weights([1001, 0, 0, 5]), [70, 74, 78]],
  ])("version %s", async (_, bytes, wanted) => {
    expect(await first(set(bytes), "2.weights")).toEqual(wanted);
  });
});

describe("what does not fit", () => {
  const good = weights([0, 2, 5, 0, 0]);
  test.each([
    ["a file cut short", set(good.slice(0, -4)), "truncated"],
    ["values left over", set(weights([0, 2, 5, 0, 0], count + 1)), "mismatch"],
    ["no .cfg", new Map([["a.weights", good]]), "not-found"],
    ["a section with weights of another kind", set(good, `${cfg}[lstm]\noutput=3`), "unsupported"],
    ["an option that is no number", set(good, cfg.replace("filters=3", "filters=three")), "malformed"],
    ["a stride of 0", set(good, cfg.replace("stride=2", "stride=0")), "malformed"],
    ["a line of nothing", set(good, `${cfg}\nhello`), "malformed"],
  ])("%s", async (_, files, code) => {
    expect(await outcome(reader, files, "a.weights")).toBe(code);
  });

  test("the .cfg that accounts for every byte is found among others, and leads to the weights", async () => {
    const files: Files = new Map([
      ["a.weights", good],
      ["other.cfg", new TextEncoder().encode(cfg.replace("filters=3", "filters=5"))],
      ["right.cfg", new TextEncoder().encode(cfg)],
    ]);
    expect(await outcome(reader, files, "a.weights")).toEqual(await outcome(reader, files, "right.cfg"));
    expect(await outcome(reader, files, "other.cfg")).toBe("truncated");
  });
});

test("damage ends in a clear error or in a correct parse", async () => {
  const files = set(weights([0, 2, 5, 0, 0]));
  const cuts = await cutEverywhere(reader, files, "a.weights", "a.weights", 80);
  expect([...cuts.keys()]).toEqual(["truncated"]);
  for (const file of files.keys()) {
    const flips = await flipEverywhere(reader, files, "a.weights", file, { dense: 200, sparse: 60 });
    expect(
      [...flips.keys()].filter((key) => !["same", "other", "malformed", "truncated", "mismatch", "unsupported"].includes(key)),
    ).toEqual([]);
  }
});

describe("without a .cfg", () => {
  /** As many zeros as asked for behind a header of version 0.1, made when they are read. */
  const zeros = (count: number): Probe => {
    const source: ByteSource = {
      name: "vgg.weights",
      size: 16 + 4 * count,
      access: "random",
      read: async (offset, length) => {
        const bytes = new Uint8Array(length);
        if (offset <= 4 && offset + length > 4) bytes[4 - offset] = 1;
        return bytes;
      },
      close: async () => {},
    };
    const files: Files = new Map([["vgg.weights", new Uint8Array(64).fill(1, 4, 5)]]);
    return { ...memoryProbe(files, "vgg.weights"), source };
  };

  test.each([
    ["VGG-11 with 1000 classes", 132_863_336, 11],
    ["VGG-13 with 1000 classes", 133_047_848, 13],
    ["VGG-16 with 1000 classes", 138_357_544, 16],
    ["VGG-19 with 1000 classes", 143_667_240, 19],
    ["VGG-16 with 2622 classes", 145_002_878, 16],
    ["VGG-16 without its head", 14_714_688, 13],
  ])("%s is recognised by its number of values, and said to be assumed", async (network, count, layers) => {
    const ctx = createContext();
    const checkpoint = await reader.read(zeros(count), ctx);
    expect(checkpoint.files).toEqual(["vgg.weights"]);
    expect(checkpoint.notes).toMatchObject([{ code: "assumed", message: expect.stringContaining(`exactly as many values as ${network}`) }]);
    expect(checkpoint.tensors.size).toBe(2 * layers);
    expect(identify({ ...checkpoint, conventions: conventionsOf("darknet") })?.network).toMatchObject({
      name: network.slice(0, 6),
      complete: true,
    });
  });

  test("any other number is refused, with what is needed", async () => {
    const ctx = createContext();
    for (const count of [138_357_543, 138_357_545, 7]) {
      await expect(reader.read(zeros(count), ctx)).rejects.toMatchObject({
        code: "not-found",
        message: expect.stringContaining("the .cfg of its network is needed beside it"),
      });
    }
  });
});

describe.skipIf(golden === undefined)("golden cases", () => {
  const all = golden === undefined ? [] : expectedCases(golden);
  test.each(
    all
      .filter((item) => item.arch !== "vgg16-224" && item.name.startsWith("darknet"))
      .map((item) => [`${item.arch}/${item.name}`, item] as const),
  )("%s", async (_, item) => expect((await listing(item.path)).tensors).toEqual(Object.fromEntries(item.tensors)));
});
