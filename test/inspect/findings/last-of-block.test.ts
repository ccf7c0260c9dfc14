import { describe, expect, test } from "vitest";
import { layersMissing } from "../../../src/inspect/findings/layers-missing.ts";
import { createContext } from "../../../src/io/run.ts";
import { identify } from "../../../src/model/identify.ts";
import { type DescribedFile, describedFile } from "../../support/described-file.ts";

type Entry = DescribedFile["tensors"][number];

async function found(file: DescribedFile): Promise<readonly { severity: string; layers: readonly string[]; message: string }[]> {
  const ctx = createContext();
  const checkpoint = describedFile(file);
  const identity = identify(checkpoint);
  try {
    return await layersMissing.run({ checkpoint, ctx, ...(identity && { identity }) });
  } finally {
    await ctx.dispose();
  }
}

const widths = [8, 16, 32, 64, 64];

/** Kernels h w i o under names by block and place; a block that is shorter chains all the same. */
function named(lengths: readonly number[], name: (block: number, n: number) => string, leaves: readonly [string, string]): Entry[] {
  let inputs = 3;
  return lengths.flatMap((count, block) =>
    Array.from({ length: count }, (_, n): Entry[] => {
      const outputs = widths[block] ?? 64;
      const layer = name(block + 1, n + 1);
      const entries: Entry[] = [
        [`${layer}/${leaves[0]}`, [3, 3, inputs, outputs]],
        [`${layer}/${leaves[1]}`, [outputs]],
      ];
      inputs = outputs;
      return entries;
    }).flat(),
  );
}

const keras = (lengths: readonly number[]): DescribedFile => ({
  format: "keras-h5",
  tensors: named(lengths, (b, n) => `block${b}_conv${n}`, ["kernel:0", "bias:0"]),
});
const slim = (scope: string, lengths: readonly number[]): DescribedFile => ({
  format: "tf-v2",
  tensors: named(lengths, (b, n) => `${scope}/conv${b}/conv${b}_${n}`, ["weights", "biases"]),
});
const slimHead = (scope: string): readonly Entry[] =>
  (
    [
      ["fc6", [7, 7, 64, 96]],
      ["fc7", [1, 1, 96, 96]],
      ["fc8", [1, 1, 96, 1000]],
    ] as const
  ).flatMap(([name, shape]): Entry[] => [
    [`${scope}/${name}/weights`, shape],
    [`${scope}/${name}/biases`, shape.slice(3)],
  ]);

describe("features without a head", () => {
  test("whole ones are complete", async () => {
    for (const lengths of [
      [1, 1, 2, 2, 2],
      [2, 2, 2, 2, 2],
      [2, 2, 3, 3, 3],
      [2, 2, 4, 4, 4],
    ]) {
      expect(await found(keras(lengths))).toEqual([]);
    }
  });

  test.each([
    [[1, 2, 3, 3, 3], "conv1_2", "VGG-16"],
    [[2, 2, 2, 3, 3], "conv3_3", "VGG-16"],
    [[2, 2, 4, 3, 4], "conv4_4", "VGG-19"],
    [[2, 2, 1, 2, 2], "conv3_2", "VGG-13"],
  ])("blocks of %s: %s is probably missing", async (lengths, name, title) => {
    const findings = await found(keras(lengths));
    expect(findings).toMatchObject([{ severity: "warning", layers: [name] }]);
    expect(findings[0]?.message).toContain(`where ${title} has`);
  });

  test("cut in the last block, as feature extractors are: no more than an information", async () => {
    const findings = await found(keras([2, 2, 3, 3, 2]));
    expect(findings).toMatchObject([{ severity: "info", layers: ["conv5_3"] }]);
    expect(findings[0]?.message).toContain("on purpose");
  });

  test.each([
    [
      [2, 2, 4, 1],
      ["conv4_2", "conv4_3", "conv4_4"],
    ],
    [
      [2, 2, 4, 4, 1],
      ["conv5_2", "conv5_3", "conv5_4"],
    ],
  ])("blocks of %s, as style transfer cuts VGG-19: nothing follows that would leave a gap", async (lengths, layers) => {
    const findings = await found(keras(lengths));
    expect(findings).toMatchObject([{ severity: "info", layers }]);
    expect(findings[0]?.message).toContain("on purpose");
  });

  test("a scope that says the depth makes it sure", async () => {
    expect(await found(slim("vgg_16", [2, 2, 2, 3, 3]))).toMatchObject([{ severity: "error", layers: ["conv3_3"] }]);
    expect(await found(slim("vgg_16", [2, 2, 3, 3, 2]))).toMatchObject([{ severity: "info", layers: ["conv5_3"] }]);
  });

  test("networks of one's own may have any depth", async () => {
    const own = named([2, 2, 2, 3, 3], (b, n) => `encoder/stage${b}/${n}`, ["kernel:0", "bias:0"]);
    expect(await found({ format: "keras-h5", tensors: own })).toEqual([]);
    expect(await found(keras([2, 2, 3, 1, 3]))).toEqual([]);
  });
});

describe("VGG-11 short of one convolution", () => {
  /** torchvision's numbers: a pool behind the convolutions 0, 1, 3, 5 and 7. */
  function torchvision(without: number): readonly Entry[] {
    const numbers = [0, 3, 6, 8, 11, 13, 16, 18];
    const outputs = [8, 16, 32, 32, 64, 64, 64, 64];
    const convs = numbers.flatMap((at, k): Entry[] =>
      k === without
        ? []
        : [
            [`features.${at}.weight`, [outputs[k] ?? 0, k === 0 ? 3 : (outputs[k - 1] ?? 0), 3, 3]],
            [`features.${at}.bias`, [outputs[k] ?? 0]],
          ],
    );
    return [
      ...convs,
      ["classifier.0.weight", [96, 3136]],
      ["classifier.0.bias", [96]],
      ["classifier.3.weight", [96, 96]],
      ["classifier.3.bias", [96]],
      ["classifier.6.weight", [10, 96]],
      ["classifier.6.bias", [10]],
    ];
  }

  test("the whole network is complete", async () => {
    expect(await found({ tensors: torchvision(-1) })).toEqual([]);
  });

  test.each([
    [2, "conv3_1", "error"],
    [3, "conv3_2", "error"],
    [4, "conv4_1", "error"],
    [5, "conv4_2", "error"],
    [6, "conv5_1", "error"],
    [7, "conv5_2", "warning"],
  ])("the numbers tell: convolution %i, %s: %s", async (k, name, severity) => {
    expect(await found({ tensors: torchvision(k) })).toMatchObject([{ severity, layers: [name] }]);
  });

  test("names by block, and tf-slim's scope", async () => {
    const lengths = [1, 1, 2, 1, 2];
    const short = { format: "tf-v2", tensors: [...slim("vgg_a", lengths).tensors, ...slimHead("vgg_a")] };
    expect(await found(short)).toMatchObject([{ severity: "error", layers: ["conv4_2"] }]);
    const other = { format: "tf-v2", tensors: [...slim("net", lengths).tensors, ...slimHead("net")] };
    expect(await found(other)).toMatchObject([{ severity: "warning", layers: ["conv4_2"] }]);
  });

  test("without its head the file may have been cut on purpose; other layers beside it change nothing", async () => {
    const all = torchvision(7);
    const features = all.filter(([name]) => name.startsWith("features."));
    expect(await found({ tensors: features })).toMatchObject([{ severity: "info", layers: ["conv5_2"] }]);
    const more = await found({ tensors: [...all, ["extra.weight", [4, 10]], ["extra.bias", [4]]] });
    expect(more).toMatchObject([{ severity: "warning", layers: ["conv5_2"] }]);
  });

  test("seven convolutions without such numbers are another network", async () => {
    const all = torchvision(7);
    const own = all.map(
      ([name, shape]): Entry => [name.replace(/^features\.(\d+)/, (_, at: string) => `c${Number(at) * Number(at)}`), shape],
    );
    expect(await found({ tensors: own })).toEqual([]);
  });
});
