import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type ConvertResult, convertCheckpoint } from "../../src/convert/convert.ts";
import type { ConvertOptions } from "../../src/convert/options.ts";
import { filledTensor } from "../../src/convert/run/made.ts";
import { identify } from "../../src/model/identify.ts";
import type { Checkpoint } from "../../src/tensor/checkpoint.ts";
import { values } from "../../src/tensor/load.ts";
import { isNumeric } from "../../src/tensor/tensor.ts";
import { fixtures } from "../support/paths.ts";
import { workplace } from "../support/workplace.ts";

const { root, ctx, load } = workplace("like-files");

/** Converts with a file as the example, as `vggtool convert SOURCE --like PATH -o NAME` does. */
async function like(checkpoint: Checkpoint, path: string, name: string, options: ConvertOptions = {}): Promise<ConvertResult> {
  const other = await load(path);
  const request = { checkpoint, identity: identify(checkpoint), like: { checkpoint: other, identity: identify(other), path } };
  return convertCheckpoint(request, { out: join(root, name), ...options }, ctx);
}

async function contents(checkpoint: Checkpoint): Promise<ReadonlyMap<string, string>> {
  const all = new Map<string, string>();
  for (const tensor of checkpoint.tensors.values()) {
    const bytes = isNumeric(tensor) ? Buffer.from(await values(tensor, ctx)).toString("base64") : "text";
    all.set(tensor.name, `${tensor.dtype} [${tensor.shape.join()}] ${bytes}`);
  }
  return all;
}

/** The same tensors, all 0: what a freshly saved model means, whose values must not be taken for the source's. */
function blank(checkpoint: Checkpoint): Checkpoint {
  const tensors = [...checkpoint.tensors.values()].map((tensor) => filledTensor(tensor.name, tensor.shape, 0));
  return { ...checkpoint, tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])) };
}

const demo = join(fixtures, "interop", "vgg16.pth");
const simplenn = join(fixtures, "matconvnet", "simplenn", "vgg.mat");

/** Source, and what the other file is made from: a file of the fixtures, or the source as we write it. */
const files: readonly (readonly [title: string, source: string, other: string | ConvertOptions, ending: string])[] = [
  ["simplenn in a MAT-file", join(fixtures, "torch7", "sequential", "vgg.t7"), simplenn, ".mat"],
  ["Torch7, which is not written otherwise", simplenn, join(fixtures, "torch7", "sequential", "vgg.t7"), ".t7"],
  ["net.layers with meta", demo, join(fixtures, "demo", "vgg_face.mat"), ".mat"],
  ["a .keras archive, with its checksums", demo, { to: "keras", inputSize: [64, 96] }, ".keras"],
  ["Keras' .h5 with the configuration", demo, { to: "keras", inputSize: [64, 96] }, ".h5"],
  ["Keras' .weights.h5: layers/conv2d/vars/0", demo, { to: "keras", inputSize: [64, 96] }, ".weights.h5"],
  ["ONNX", demo, { to: "onnx", inputSize: [64, 96] }, ".onnx"],
];

describe("another checkpoint's own file", () => {
  test.each(files)("%s", async (title, from, other, ending) => {
    const source = await load(from);
    let path = typeof other === "string" ? other : join(root, `other${ending}`);
    if (typeof other !== "string")
      await convertCheckpoint({ checkpoint: source, identity: identify(source) }, { ...other, out: path, check: false }, ctx);
    const original = await load(path);
    const wanted = await contents(original);
    const empty = `blank ${title}${ending}`.replaceAll("/", " ");
    await like(blank(source), path, empty);
    path = join(root, empty);
    expect([...(await contents(await load(path))).values()].every((text) => !wanted.has(text))).toBe(true);
    const name = `filled ${title}${ending}`.replaceAll("/", " ");
    const { output, plan } = await like(source, path, name);
    expect(plan.missing).toEqual([]);
    const made = await load(output);
    expect(made.format).toBe(original.format);
    expect(await contents(made)).toEqual(wanted);
  });

  test("what its file holds besides, and another type is refused", async () => {
    const source = await load(demo);
    const other = join(root, "other.h5");
    await expect(like(source, other, "half.h5", { dtype: "float16" })).rejects.toMatchObject({
      code: "usage",
      message: expect.stringContaining("holds float32, float16 was asked for"),
    });
    await expect(like(source, other, "other.h5", { force: true })).rejects.toMatchObject({ code: "usage" });
    // A head of the person's own stays as it was saved.
    const part = await like(source, join(root, "blank Keras' .h5 with the configuration.h5"), "part.h5", {
      exclude: ["fc8"],
      allowMissing: true,
    });
    expect(part.plan.missing.map(({ reason }) => reason)).toContain("the source has nothing for it: the other checkpoint's value stays");
    const made = await contents(await load(part.output));
    expect(made.get("model_weights/predictions/predictions/bias:0")).toBe(`float32 [7] ${Buffer.alloc(28).toString("base64")}`);
    expect(made.get("model_weights/fc2/fc2/bias:0")).not.toContain(Buffer.alloc(80).toString("base64"));
    const asWritten = await like(source, other, "other.safetensors");
    expect((await load(asWritten.output)).format).toBe("safetensors");
  });
});
