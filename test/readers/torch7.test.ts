import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { isCheckpointError } from "../../src/errors.ts";
import { createContext } from "../../src/io/run.ts";
import { open, openBytes } from "../../src/open.ts";
import { hash } from "../../src/tensor/hash.ts";
import { type GoldenCase, readCase } from "../support/golden.ts";
import { listing } from "../support/listing.ts";
import { fixtures, golden } from "../support/paths.ts";

const expected = (item: GoldenCase): unknown => Object.fromEntries(item.tensors);
const cases = [
  ...readCase("torch7", "sequential", join(fixtures, "torch7", "sequential")),
  ...["torch7-mm", "torch7-ascii"].flatMap((name) =>
    golden === undefined ? [] : readCase("golden", name, join(golden, "vgg16-64x96", name)),
  ),
];

test.each(cases.map((item): [string, GoldenCase] => [item.name, item]))("%s", async (_name, item) => {
  const { checkpoint, tensors } = await listing(item.path);
  expect(checkpoint.format).toBe("torch7");
  expect(tensors).toEqual(expected(item));
  const { layers } = checkpoint;
  expect(layers).toHaveLength(39);
  expect(layers[0]).toMatchObject({ name: "modules.1", inputs: [], tensors: ["modules.1.weight", "modules.1.bias"] });
  expect(layers[1]).toMatchObject({ name: "modules.2", type: "nn.ReLU", inputs: ["modules.1"], tensors: [] });
  expect(layers[0]?.attributes.get("padW")).toBe(1);
  expect(layers.flatMap((layer) => layer.tensors)).toEqual([...checkpoint.tensors.keys()]);
});

const ascii = `4
1
3
V 1
9
nn.Linear
3
2
4
2
4
bias
4
3
3
V 1
18
torch.DoubleTensor
1
2
1
2
4
4
3
V 1
19
torch.DoubleStorage
3
-1 nan 0.25
2
6
weight
4
5
3
V 1
17
torch.FloatTensor
2
3 2
1 3
1
4
6
3
V 1
18
torch.FloatStorage
6
1 0.100000001 -inf
-0 5 3.40282347e+38
2
8
gradBias
4
3
2
5
train
5
0
`;

async function floats(text: string): Promise<Record<string, string>> {
  const ctx = createContext({ values: true });
  const checkpoint = await openBytes(new TextEncoder().encode(text), "linear.t7", ctx);
  const entries: [string, string][] = [];
  for (const tensor of checkpoint.tensors.values())
    entries.push([`${tensor.name} ${tensor.dtype} ${tensor.shape.join("x")}`, await hash(tensor, ctx)]);
  await ctx.dispose();
  return Object.fromEntries(entries);
}

const sha = async (bytes: Uint8Array): Promise<string> => Buffer.from(await crypto.subtle.digest("SHA-256", bytes.slice())).toString("hex");

describe("ASCII", () => {
  test("strides, offsets from 1, odd numbers; a shared tensor is listed once", async () => {
    // weight is 3x2 with strides 1, 3; bias starts at the second element of its storage.
    const weight = new Float32Array([1, -0, Math.fround(0.1), 5, Number.NEGATIVE_INFINITY, 3.4028234663852886e38]);
    expect(await floats(ascii)).toEqual({
      "bias float64 2": await sha(new Uint8Array(new Float64Array([Number.NaN, 0.25]).buffer)),
      "weight float32 3x2": await sha(new Uint8Array(weight.buffer)),
    });
  });

  test("every prefix ends in one error or a correct parse", async () => {
    for (let length = 0; length < ascii.length - 20; length += 7) {
      await floats(ascii.slice(0, length)).then(
        () => expect.unreachable(`a prefix of ${length} bytes was read`),
        (error: unknown) => expect(isCheckpointError(error)).toBe(true),
      );
    }
  });
});

describe("binary", () => {
  const bytes = readFileSync(join(fixtures, "torch7", "sequential", "vgg.t7"));
  const attempt = async (data: Uint8Array): Promise<string> => {
    const ctx = createContext();
    try {
      return String((await openBytes(data, "vgg.t7", ctx)).tensors.size);
    } catch (error) {
      if (!isCheckpointError(error)) throw error;
      return error.code;
    } finally {
      await ctx.dispose();
    }
  };

  test("prefixes are refused, flipped bytes are refused or read", async () => {
    for (let length = 1; length < bytes.length; length += 997)
      expect(Number.isNaN(Number(await attempt(bytes.subarray(0, length))))).toBe(true);
    for (let at = 0; at < 1500; at += 5) {
      const flipped = Uint8Array.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ 0x55;
      await attempt(flipped);
    }
  });

  test.each([
    ["t7-bad-type", "malformed", "object type 77"],
    ["t7-storage-beyond", "truncated", "a storage of 1099511627776 float32 values reaches beyond the file, which has 16 bytes left"],
    ["t7-table-count", "truncated", "4 bytes are needed, 0 are left"],
    ["t7-tensor-outside", "malformed", "a tensor of 400 reaches element 400 of a storage of 4"],
  ])("%s", async (name, code, message) => {
    const ctx = createContext();
    await expect(open(join(fixtures, "torch7", "hostile", `${name}.t7`), ctx)).rejects.toMatchObject({ code, message });
    await ctx.dispose();
  });
});
