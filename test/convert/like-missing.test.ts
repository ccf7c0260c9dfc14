import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type ConvertResult, convertCheckpoint } from "../../src/convert/convert.ts";
import type { ConvertOptions } from "../../src/convert/options.ts";
import { identify } from "../../src/model/identify.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { values } from "../../src/tensor/load.ts";
import { isNumeric } from "../../src/tensor/tensor.ts";
import { tinyCheckpoint } from "../support/tiny.ts";
import { workplace } from "../support/workplace.ts";

const { root, ctx, load } = workplace("like-missing");

const source = tinyCheckpoint("torchvision").checkpoint;
const without = (...layers: readonly string[]): Checkpoint => ({
  ...source,
  tensors: new Map([...source.tensors].filter(([key]) => !layers.some((layer) => key.startsWith(layer)))),
});

/** Values by key. */
async function contents(path: string): Promise<ReadonlyMap<string, string>> {
  const all = new Map<string, string>();
  for (const tensor of (await load(path)).tensors.values()) {
    if (isNumeric(tensor)) all.set(tensor.name, Buffer.from(await values(tensor, ctx)).toString("base64"));
  }
  return all;
}

/** The whole network as a person has it in a format. */
async function saved(to: string, name: string): Promise<string> {
  const request = { checkpoint: source, identity: identify(source) };
  return (await convertCheckpoint(request, { to, out: join(root, name), inputSize: [64, 96], force: true }, ctx)).output;
}

async function like(checkpoint: Checkpoint, path: string, out: string, options: ConvertOptions = {}): Promise<ConvertResult> {
  const other = await load(path);
  const request = { checkpoint, identity: identify(checkpoint), like: { checkpoint: other, identity: identify(other), path } };
  return convertCheckpoint(request, { out: join(root, out), force: true, ...options }, ctx);
}

describe("with --allow-missing the other checkpoint's values stay for layers that the source lacks", () => {
  test.each([
    ["safetensors", "other.safetensors", "made.safetensors"],
    ["torch", "other.pth", "made.pth"],
    ["paddle", "other.pdparams", "made.pdparams"],
    ["tfslim", "other.ckpt", "made.ckpt"],
    ["keras", "other.h5", "made.h5"],
    ["tfjs", "other-tfjs", "made-tfjs"],
    ["onnx", "other.onnx", "made.onnx"],
    ["caffe", "other.caffemodel", "made.caffemodel"],
    ["matconvnet", "other.mat", "made.mat"],
  ])("%s", async (to, name, out) => {
    const path = await saved(to, name);
    const wanted = await contents(path);
    for (const lacking of [["classifier.6"], ["classifier"]]) {
      await expect(like(without(...lacking), path, out)).rejects.toMatchObject({
        code: "mismatch",
        message: expect.stringContaining("fc8"),
        where: { hint: expect.stringContaining("--allow-missing") },
      });
      const { output, plan } = await like(without(...lacking), path, out, { allowMissing: true });
      expect(await contents(output)).toEqual(wanted);
      expect(plan.missing.map(({ role }) => role)).toContain("fc8.weight");
      expect(plan.missing.every(({ reason }) => reason === "the source has nothing for it: the other checkpoint's value stays")).toBe(true);
    }
  });
});
