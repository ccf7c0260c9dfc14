import { describe, expect, test } from "vitest";
import { conventionsOf } from "../../src/formats.ts";
import type { Described } from "../../src/model/described.ts";
import { identify } from "../../src/model/identify.ts";
import { expandScheme } from "../../src/model/network/expand.ts";
import type { Network } from "../../src/model/network/network.ts";
import type { Role } from "../../src/model/role.ts";
import { schemeById, schemes } from "../../src/model/schemes.ts";
import { parseAxes } from "../../src/tensor/axes.ts";

/** Tensors of a torchvision VGG with widths that differ everywhere: 5 blocks, fc6 over 2×3 places. */
function torchvision(blocks: readonly number[], batchNorm = false): ReadonlyMap<string, Described> {
  const tensors = new Map<string, Described>();
  const add = (name: string, ...shape: number[]): void => void tensors.set(name, { name, shape, dtype: "float32" });
  let at = 0;
  let inputs = 3;
  blocks.forEach((count, block) => {
    for (let n = 0; n < count; n++) {
      const outputs = 5 + 3 * block;
      add(`features.${at}.weight`, outputs, inputs, 3, 3);
      add(`features.${at}.bias`, outputs);
      if (batchNorm) for (const part of ["weight", "bias", "running_mean", "running_var"]) add(`features.${at + 1}.${part}`, outputs);
      at += batchNorm ? 3 : 2;
      inputs = outputs;
    }
    at++;
  });
  for (const [i, [outputs, width]] of [
    [23, inputs * 6],
    [29, 23],
    [11, 29],
  ].entries()) {
    add(`classifier.${3 * i}.weight`, outputs ?? 0, width ?? 0);
    add(`classifier.${3 * i}.bias`, outputs ?? 0);
  }
  return tensors;
}

function networkOf(blocks: readonly number[], batchNorm = false): Network {
  const identity = identify({
    format: "torch",
    conventions: conventionsOf("torch"),
    tensors: torchvision(blocks, batchNorm),
    layers: [],
    metadata: new Map(),
  });
  if (identity === undefined) throw new Error("not recognised");
  return identity.network;
}

function key(scheme: string, role: Role, network: Network): string | undefined {
  const found = schemeById(scheme);
  const slot = found === undefined ? undefined : expandScheme(found, network).get(role);
  return slot !== undefined && "key" in slot ? slot.key : undefined;
}

const D = [2, 2, 3, 3, 3];

describe("expandScheme", () => {
  const d = networkOf(D);
  test.each<[scheme: string, role: Role, key: string]>([
    ["canonical", "conv3_2.weight", "conv3_2.weight"],
    ["tfslim", "conv3_2.weight", "vgg_16/conv3/conv3_2/weights"],
    ["tfslim", "fc8.bias", "vgg_16/fc8/biases"],
    ["keras-applications", "conv5_3.bias", "block5_conv3/bias"],
    ["keras-applications", "fc8.weight", "predictions/kernel"],
    ["keras-counted", "conv1_1.weight", "layers/conv2d/vars/0"],
    ["keras-counted", "conv5_3.weight", "layers/conv2d_12/vars/0"],
    ["keras-counted", "fc7.bias", "layers/dense_1/vars/1"],
    ["torchvision", "conv5_3.weight", "features.28.weight"],
    ["torchvision-2017", "fc7.weight", "classifier.4.weight"],
    ["paddle-clas", "conv4_1.weight", "conv_block_4.conv1.weight"],
    ["paddle-convpool", "conv2_2.weight", "convpool02.bb_1.weight"],
    ["paddle-face", "conv3_1.weight", "vgg_block128_256._conv_bn_0.conv.weight"],
    ["paddle-static", "conv5_3.bias", "conv2d_12.b_0"],
    ["matconvnet", "conv5_3.weight", "layers{29}.weights{1}"],
    ["matconvnet", "fc8.bias", "layers{38}.weights{2}"],
    ["mxnet-gluon", "fc7.weight", "features.33.weight"],
    ["darknet", "fc8.weight", "22.weights"],
    ["torch7", "fc6.weight", "modules.33.weight"],
    ["frossard", "fc6.weight", "fc6_W"],
    ["caffe", "fc6.bias", "fc6.1"],
  ])("%s keeps %s as %s", (scheme, role, expected) => {
    expect(key(scheme, role, d)).toBe(expected);
  });

  test("counts batch norms where the convention counts them", () => {
    const bn = networkOf(D, true);
    expect(key("torchvision", "conv5_3.weight", bn)).toBe("features.40.weight");
    expect(key("torchvision", "conv5_3.bn.var", bn)).toBe("features.41.running_var");
    expect(key("matconvnet", "conv1_2.weight", bn)).toBe("layers{4}.weights{1}");
    expect(key("mxnet-gluon", "fc6.weight", bn)).toBe("features.44.weight");
    const moments = schemeById("matconvnet");
    expect(moments && expandScheme(moments, bn).get("conv1_1.bn.var")).toEqual({
      key: "layers{2}.weights{3}",
      axes: parseAxes("o s"),
      take: ["s", 1],
      as: "sigma",
    });
  });

  test("gives fully connected layers the form that is asked for", () => {
    const slim = schemeById("tfslim");
    const dense = slim && expandScheme(slim, d, { head: "dense", scope: "mine" });
    expect(dense?.get("fc6.weight")).toEqual({ key: "mine/fc6/weights", axes: parseAxes("(h w i) o") });
    expect(dense?.get("fc7.weight")).toEqual({ key: "mine/fc7/weights", axes: parseAxes("i o") });
    const torch = schemeById("torchvision");
    expect(torch && expandScheme(torch, d, { head: "conv" }).get("fc6.weight")).toMatchObject({ axes: parseAxes("o i h w") });
  });

  test("leaves no placeholder unfilled in any scheme", () => {
    for (const scheme of schemes) {
      for (const network of [d, networkOf(D, true), networkOf([1, 1, 2, 2, 2])]) {
        for (const [role, slot] of expandScheme(scheme, network)) {
          if ("key" in slot) expect(`${scheme.id} ${role} ${slot.key}`).not.toMatch(/\{[A-Za-z_]/);
        }
      }
    }
  });
});

describe("identify by structure", () => {
  test.each([
    [[1, 1, 2, 2, 2], "A", "VGG-11"],
    [[2, 2, 2, 2, 2], "B", "VGG-13"],
    [D, "D", "VGG-16"],
    [[2, 2, 4, 4, 4], "E", "VGG-19"],
    [[2, 3, 3, 3], "other", "VGG of 14 layers"],
  ])("blocks of %j are configuration %s", (blocks, config, name) => {
    const network = networkOf(blocks);
    expect(network).toMatchObject({ config, name, classes: 11, inputChannels: 3, complete: true, head: "dense", missing: [] });
    expect(network.layers.filter((layer) => layer.kind === "pool")).toHaveLength(blocks.length);
    expect(network.featureShape).toEqual([5 + 3 * (blocks.length - 1), undefined, undefined]);
  });

  test("tells C from D by its 1×1 kernels", () => {
    const tensors = new Map(torchvision(D));
    for (const at of [14, 21, 28]) {
      const name = `features.${at}.weight`;
      const [o, i] = tensors.get(name)?.shape ?? [];
      tensors.set(name, { name, shape: [o ?? 0, i ?? 0, 1, 1], dtype: "float32" });
    }
    const network = identify({ format: "torch", conventions: conventionsOf("torch"), tensors, layers: [], metadata: new Map() })?.network;
    expect(network?.config).toBe("C");
    expect(network?.layers.find((layer) => layer.name === "conv3_3")).toMatchObject({ kernel: [1, 1], pad: [0, 0] });
  });

  test("names the convolution that a gap in the numbering leaves out", () => {
    const tensors = new Map(torchvision(D));
    tensors.delete("features.12.weight");
    tensors.delete("features.12.bias");
    const identity = identify({ format: "torch", conventions: conventionsOf("torch"), tensors, layers: [], metadata: new Map() });
    expect(identity?.network).toMatchObject({ config: "D", missing: ["conv3_2"], complete: false });
    expect(identity?.roles.get("conv3_3.weight")).toMatchObject({ key: "features.14.weight" });
  });

  test("takes the input size that the user names", () => {
    const network = identify(
      { format: "torch", conventions: conventionsOf("torch"), tensors: torchvision(D), layers: [], metadata: new Map() },
      { inputSize: [64, 96] },
    )?.network;
    expect(network).toMatchObject({ inputSize: [64, 96], featureShape: [17, 2, 3] });
  });

  test("does not take a chain without pools, or a short one, for a VGG", () => {
    const plain = new Map<string, Described>();
    for (let i = 0; i < 17; i++) {
      const name = `model.${2 * i}.weight`;
      plain.set(name, { name, shape: [i === 16 ? 1 : 64, i === 0 ? 1 : 64, 3, 3], dtype: "float32" });
    }
    expect(
      identify({ format: "torch", conventions: conventionsOf("torch"), tensors: plain, layers: [], metadata: new Map() }),
    ).toBeUndefined();
    const short = new Map([...torchvision([1, 1, 1, 1, 1])]);
    expect(
      identify({ format: "torch", conventions: conventionsOf("torch"), tensors: short, layers: [], metadata: new Map() }),
    ).toBeUndefined();
  });

  test("reads back what an output of ours records", () => {
    const record = { inputSize: [64, 96], featureShape: [17, 2, 3], inputScale: 0.5 };
    const metadata = new Map([
      ["producer", "vggtool"],
      ["axes", JSON.stringify({ "classifier.0.weight": "o (h w i)" })],
      ["architecture", JSON.stringify(record)],
    ]);
    const identity = identify({
      format: "safetensors",
      conventions: conventionsOf("safetensors"),
      tensors: torchvision(D),
      layers: [],
      metadata,
    });
    expect(identity?.roles.get("fc6.weight")).toEqual({ key: "classifier.0.weight", axes: parseAxes("o (h w i)") });
    expect(identity?.network).toMatchObject({ inputSize: [64, 96], featureShape: [17, 2, 3] });
    const scales = identity?.network.layers.flatMap((layer) => (layer.kind === "fc" ? [layer.inputScale] : []));
    expect(scales).toEqual([undefined, 0.5, 0.5]);
  });
});
