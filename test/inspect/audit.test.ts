import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { audit } from "../../src/inspect/audit.ts";
import type { Finding } from "../../src/inspect/findings/check.ts";
import { createContext } from "../../src/io/run.ts";
import { identify } from "../../src/model/identify.ts";
import { open } from "../../src/open.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { type DescribedFile, describedFile } from "../support/described-file.ts";
import { golden } from "../support/paths.ts";

async function findingsOf(checkpoint: Checkpoint): Promise<readonly Finding[]> {
  const ctx = createContext();
  const identity = identify(checkpoint);
  try {
    return await audit({ checkpoint, ctx, ...(identity && { identity }) });
  } finally {
    await ctx.dispose();
  }
}

async function found(file: DescribedFile, code: string): Promise<Finding | undefined> {
  return (await findingsOf(describedFile(file))).find((finding) => finding.code === code);
}

type Entry = DescribedFile["tensors"][number];

/** torchvision's indices with narrow widths; fc6 over 7×7 places. */
function vgg16(batchNorm = false): readonly Entry[] {
  const entries: Entry[] = [];
  let at = 0;
  let inputs = 3;
  for (const [block, count] of [2, 2, 3, 3, 3].entries()) {
    for (let n = 0; n < count; n++) {
      const outputs = 4 + 2 * block;
      entries.push([`features.${at}.weight`, [outputs, inputs, 3, 3]], [`features.${at}.bias`, [outputs]]);
      if (batchNorm) entries.push([`features.${at + 1}.weight`, [outputs]], [`features.${at + 1}.bias`, [outputs]]);
      inputs = outputs;
      at += batchNorm ? 3 : 2;
    }
    at++;
  }
  entries.push(["classifier.0.weight", [24, 588]], ["classifier.0.bias", [24]]);
  entries.push(["classifier.3.weight", [24, 24]], ["classifier.3.bias", [24]]);
  entries.push(["classifier.6.weight", [1000, 24]], ["classifier.6.bias", [1000]]);
  return entries;
}

const question: readonly Entry[] = [
  ["fc1.weight", [25088, 4096], "float32", { kind: "text" }],
  ["fc1.bias", [4096], "float32", { kind: "text" }],
  ["fc2.weight", [4096, 1024], "float32", { kind: "text" }],
  ["fc2.bias", [1024], "float32", { kind: "text" }],
  ["fc3.weight", [1024, 128], "float32", { kind: "text" }],
  ["fc3.bias", [128], "float32", { kind: "text" }],
];

describe("audit of headers", () => {
  test("a complete network with 1000 classes gives nothing but what was assumed", async () => {
    const findings = await findingsOf(describedFile({ tensors: vgg16() }));
    expect(findings.map(({ code }) => code)).toEqual(["assumed"]);
    expect(findings[0]?.message).toContain("7 × 7");
  });

  test("features random every time: thirteen convolutions by name, the cause and the arithmetic", async () => {
    const file: DescribedFile = { format: "paddle", bytes: 628_676_894, tensors: question };
    const missing = await found(file, "layers-missing");
    const all = "conv1_1 conv1_2 conv2_1 conv2_2 conv3_1 conv3_2 conv3_3 conv4_1 conv4_2 conv4_3 conv5_1 conv5_2 conv5_3".split(" ");
    expect(missing).toMatchObject({ severity: "error", layers: all });
    expect(missing?.message).toContain("25,088 = 512 × 7 × 7");
    const cause = await found(file, "layers-unregistered");
    expect(cause?.message).toContain("plain Python list");
    expect(cause?.fix).toContain("LayerList");
    const text = await found(file, "text-encoded-pickle");
    expect(text?.message).toContain("107,091,072 values are 428,364,288 bytes (408.5 MiB)");
    expect(text?.message).toContain("628,676,894 bytes (599.6 MiB), 1.47 times");
  });

  test("a matrix of handwriting is no VGG without convolutions", async () => {
    const mlp: readonly Entry[] = [
      ["fc1.weight", [512, 784]],
      ["fc1.bias", [512]],
      ["fc2.weight", [512, 512]],
      ["fc2.bias", [512]],
      ["fc3.weight", [10, 512]],
      ["fc3.bias", [10]],
    ];
    expect(await findingsOf(describedFile({ tensors: mlp }))).toEqual([]);
  });

  test("a gap in the numbering is an error that names the layer", async () => {
    const tensors = vgg16().filter(([name]) => !name.startsWith("features.12."));
    expect(await found({ tensors }, "layers-missing")).toMatchObject({ severity: "error", layers: ["conv3_2"] });
  });

  test("a gap with a pool in it: the channels, else the published depths, tell on which side", async () => {
    const wide = [64, 128, 256, 512, 512];
    let inputs = 3;
    let at = 0;
    const full: Entry[] = [2, 2, 3, 3, 3].flatMap((count, block) => {
      const convs = Array.from({ length: count }, (): Entry => {
        const outputs = wide[block] ?? 1;
        const entry: Entry = [`features.${at}.weight`, [outputs, inputs, 3, 3]];
        inputs = outputs;
        at += 2;
        return entry;
      });
      at++;
      return convs;
    });
    const names = "conv1_1 conv1_2 conv2_1 conv2_2 conv3_1 conv3_2 conv3_3 conv4_1 conv4_2 conv4_3 conv5_1 conv5_2".split(" ");
    for (const [k, name] of names.entries()) {
      expect(await found({ tensors: full.toSpliced(k, 1) }, "layers-missing"), name).toMatchObject({ severity: "error", layers: [name] });
    }
  });

  test("the last convolution of a block, whose channels fit without it, is a warning under names of a known convention", async () => {
    const last = vgg16().filter(([name]) => !name.startsWith("features.28."));
    const finding = await found({ tensors: last }, "layers-missing");
    expect(finding).toMatchObject({ severity: "warning", layers: ["conv5_3"] });
    expect(finding?.message).toContain(
      "12 convolutions in blocks of 2, 2, 3, 3, 2, where VGG-16 has 2, 2, 3, 3, 3: conv5_3 is probably missing",
    );
    // The numbers of a published depth say the same under any name.
    const own = last.map(([name, shape]): Entry => [name.replace("features", "mine").replace("classifier", "top"), shape]);
    expect(await found({ tensors: own }, "layers-missing")).toMatchObject({ severity: "warning", layers: ["conv5_3"] });
  });

  test("it is an error where the scope says the depth", async () => {
    const slim: Entry[] = [];
    let inputs = 3;
    for (const [block, count] of [2, 2, 2, 3, 3].entries()) {
      for (let n = 1; n <= count; n++) {
        const scope = `vgg_16/conv${block + 1}/conv${block + 1}_${n}`;
        slim.push([`${scope}/weights`, [3, 3, inputs, 4 + 2 * block]], [`${scope}/biases`, [4 + 2 * block]]);
        inputs = 4 + 2 * block;
      }
    }
    for (const [name, shape] of [
      ["fc6", [7, 7, 12, 24]],
      ["fc7", [1, 1, 24, 24]],
      ["fc8", [1, 1, 24, 1000]],
    ] as const)
      slim.push([`vgg_16/${name}/weights`, shape], [`vgg_16/${name}/biases`, shape.slice(3)]);
    const finding = await found({ format: "tf-v2", tensors: slim }, "layers-missing");
    expect(finding).toMatchObject({ severity: "error", layers: ["conv3_3"] });
    expect(finding?.message).toContain("VGG-16, whose name the tensors carry");
  });

  test("a counter of convolutions with a number left out", async () => {
    const counted = vgg16()
      .filter(([name, shape]) => name.startsWith("features.") && shape.length === 4)
      .map(([, shape], k): Entry => [`conv2d${k === 0 ? "" : `_${k}`}/kernel:0`, [3, 3, shape[1] ?? 0, shape[0] ?? 0]]);
    const finding = await found({ format: "keras-h5", tensors: counted.toSpliced(8, 1) }, "layers-missing");
    expect(finding).toMatchObject({ severity: "error", layers: ["conv4_2"] });
  });

  test("batch norm without running statistics is an error", async () => {
    const finding = await found({ tensors: vgg16(true) }, "layers-missing");
    expect(finding?.severity).toBe("error");
    expect(finding?.layers).toHaveLength(26);
    expect(finding?.layers).toContain("conv5_3.bn.var");
    expect(finding?.message).toContain("or these are group, instance or layer norms, which have none");
  });

  test("a head cut off is a warning, a head of one's own an information", async () => {
    const cut = vgg16().filter(([name]) => !name.startsWith("classifier.6."));
    expect(await found({ tensors: cut }, "layers-missing")).toMatchObject({ severity: "warning", layers: ["fc8"] });
    const own: readonly Entry[] = [...vgg16(), ["classifier.9.weight", [2, 1000]], ["classifier.9.bias", [2]]];
    const replaced = await found({ tensors: own }, "head-replaced");
    expect(replaced).toMatchObject({ severity: "info" });
    expect(replaced?.layers).toEqual(["classifier.6.weight", "classifier.6.bias", "classifier.9.weight", "classifier.9.bias"]);
  });

  test("no top is a complete network", async () => {
    const tensors = vgg16().filter(([name]) => name.startsWith("features."));
    expect(await findingsOf(describedFile({ tensors }))).toEqual([]);
  });

  test("unusual classes, mixed types, optimizer state", async () => {
    const ten = vgg16().map((entry): Entry => (entry[0].startsWith("classifier.6.") ? [entry[0], [10, ...entry[1].slice(1)]] : entry));
    expect((await found({ tensors: ten }, "classes-unusual"))?.message).toContain("10 outputs");
    const half = vgg16().map((entry): Entry => (entry[0].startsWith("features.") ? [entry[0], entry[1], "float16"] : entry));
    const mixed = await found({ tensors: half }, "mixed-dtype");
    expect(mixed?.message).toContain("float16 (26) and float32 (6)");
    const state: readonly Entry[] = [...vgg16(), ["optimizer.state.0.momentum_buffer", [4, 3, 3, 3]]];
    expect((await found({ tensors: state }, "optimizer-state"))?.message).toContain("1 tensor is optimizer state: 432 bytes");
  });

  test("what a reader noted becomes a finding", async () => {
    const notes = [{ code: "unknown-object", message: "module.Thing is not read", tensor: "thing", fix: "nothing to do" }];
    expect(await found({ tensors: vgg16(), notes }, "unknown-object")).toEqual({
      code: "unknown-object",
      severity: "warning",
      message: "module.Thing is not read",
      layers: ["thing"],
      fix: "nothing to do",
    });
  });
});

describe.skipIf(golden === undefined)("audit of golden checkpoints", () => {
  test.each([
    ["vggface-64x96/paddle-seed-vgg_face_question/model.pdparams", ["classes-unusual", "layers-missing", "layers-unregistered"]],
    [
      "vggface-64x96/paddle18-seed-vgg_face_question/model.pdparams",
      ["classes-unusual", "layers-missing", "layers-unregistered", "text-encoded-pickle"],
    ],
    ["vggface-64x96/paddle-seed-vgg_face/model.pdparams", ["classes-unusual"]],
    ["vgg16-64x96/keras3-export/saved_model", ["classes-unusual", "duplicate-storage"]],
    ["vgg16-64x96/tfslim-adam/model.ckpt-1", ["classes-unusual", "optimizer-state"]],
    ["vgg16-224/keras224-vggface-lstm/model.h5", ["head-replaced"]],
  ])("%s: %j", async (path, codes) => {
    const ctx = createContext();
    try {
      const checkpoint = await open(join(golden ?? "", path), ctx);
      const findings = await findingsOf(checkpoint);
      await checkpoint.close();
      expect([...new Set(findings.map(({ code }) => code))].filter((code) => code !== "assumed").sort()).toEqual(codes);
      const errors = findings.filter(({ severity }) => severity === "error").map(({ layers }) => layers.length);
      expect(errors).toEqual(path.includes("question") ? [13] : []);
    } finally {
      await ctx.dispose();
    }
  });
});
