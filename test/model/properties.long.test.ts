import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createContext } from "../../src/io/run.ts";
import { identify } from "../../src/model/identify.ts";
import { open } from "../../src/open.ts";
import { expectedCases } from "../support/golden.ts";
import { golden } from "../support/paths.ts";
import { hostFaults } from "../support/recognition/hosts.ts";
import { additions, drops, renames, type Trial } from "../support/recognition/properties.ts";
import { stateOf } from "../support/recognition/statement.ts";

/* Samples of docs/recognition.md's properties; `npm run collections -- recognition` tries them whole. */

async function opened<T>(path: string, use: (checkpoint: Awaited<ReturnType<typeof open>>) => T): Promise<T> {
  const ctx = createContext();
  try {
    const checkpoint = await open(path, ctx);
    const result = use(checkpoint);
    await checkpoint.close();
    return result;
  } finally {
    await ctx.dispose();
  }
}

/** Every so many trials, the first and the last among them. */
function sampled(trials: Iterable<Trial>, every: number): readonly Trial[] {
  const all = [...trials];
  return all.filter((_, i) => i % every === 0 || i === all.length - 1);
}

const falsehoods = (trials: readonly Trial[]): readonly string[] =>
  trials.flatMap(({ what, faults }) => (faults.length === 0 ? [] : [`${what}: ${faults.join("; ")}`]));

/** A case of each way in which files name and describe their layers. */
const cases = [
  "vgg11-64x96/torchvision",
  "vgg16-64x96/tfslim-v2",
  "vgg16-64x96/keras2-h5-weights",
  "vgg16-64x96/keras3-weights",
  "vgg16-64x96/matconvnet-dagnn",
  "vgg16-64x96/onnx-matmul",
  "vgg16-64x96/paddle-inference-pir",
  "vgg16-64x96/npy-dict",
  "vgg16bn-64x96/caffe",
  "vgg16bn-64x96/darknet-bn",
  "vgg16bn-64x96/torchvision",
  "vgg19-64x96/safetensors",
  "vggface-64x96/paddle-seed-vgg_face",
];

describe.skipIf(golden === undefined)("what must hold of recognition", () => {
  const all = golden === undefined ? [] : expectedCases(golden);
  const pathOf = (name: string): string => all.find((item) => `${item.arch}/${item.name}` === name)?.path ?? join(golden ?? "", name);

  test.each(cases)("%s: what is left out is named, and no other role moves", async (name) => {
    const found = await opened(pathOf(name), (checkpoint) => {
      const before = stateOf(checkpoint);
      return before === undefined ? ["nothing is said"] : falsehoods(sampled(drops(checkpoint, before), 7));
    });
    expect(found).toEqual([]);
  });

  test.each(cases)("%s: foreign tensors and other names change no role", async (name) => {
    const found = await opened(pathOf(name), (checkpoint) => {
      const before = stateOf(checkpoint);
      if (before === undefined) return ["nothing is said"];
      return falsehoods([...sampled(additions(checkpoint, before), 5), ...sampled(renames(checkpoint, before), 2)]);
    });
    expect(found).toEqual([]);
  });

  const hosts = all.filter(({ arch }) => arch === "hosts").map((item) => [item.name, item] as const);
  test.each(hosts)("the host %s is what its own code made", async (_, { path, json }) => {
    expect(await opened(path, (checkpoint) => hostFaults(checkpoint, json))).toEqual([]);
  });

  const others = all.filter(({ arch }) => arch === "misc").map((item) => [item.name, item.path] as const);
  test("tensors of all kinds are no VGG", async () => {
    for (const [name, path] of others) expect(await opened(path, (checkpoint) => identify(checkpoint)), name).toBeUndefined();
  });
});
