import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type ConvertRunOptions, convert } from "../../src/index.ts";
import { fixtures } from "../support/paths.ts";

/* What is written where nothing but the target is named has to load into that framework's own network. */

const demo = (name: string): string => join(fixtures, "demo", name);

/** Scheme of the plan, and key and shape of what becomes of fc6, without writing anything. */
async function head(input: string, options: ConvertRunOptions): Promise<readonly [scheme: string, key: string, rank: number]> {
  const { plan } = await convert(input, { ...options, dryRun: true });
  const move = plan.moves.find(({ fills }) => fills.some(({ role }) => role === "fc6.weight"));
  return [plan.scheme, move?.to ?? "nothing", move?.toShape.length ?? 0];
}

const dense = ["keras-applications", "fc1/kernel", 2];
const conv = ["keras-caffe", "fc6/kernel", 4];

describe("the form of the head is the scheme's", () => {
  test.each([
    ["a dense source", "vgg16.pdparams", dense],
    ["a source of convolutions", "vgg_16.ckpt", dense],
    ["a MatConvNet file, whose networks are known under their own names", "vgg_face.mat", conv],
  ])("Keras, of %s", async (_, input, expected) => {
    for (const out of ["x.h5", "x_weights.h5", "x.weights.h5", "x.keras"]) expect(await head(demo(input), { out })).toEqual(expected);
  });

  test.each<[string, string, ConvertRunOptions, unknown]>([
    ["--fc conv", "vgg_16.ckpt", { to: "keras", fc: "conv" }, ["keras-applications", "fc1/kernel", 4]],
    ["--fc dense", "vgg_face.mat", { to: "keras", fc: "dense" }, ["keras-caffe", "fc6/kernel", 2]],
    ["--naming", "vgg_face.mat", { to: "keras", naming: "keras-applications" }, dense],
    ["--naming with --fc", "vgg_face.mat", { to: "keras", naming: "keras-vggface", fc: "conv" }, ["keras-vggface", "fc6/kernel", 4]],
    ["--naming tfslim-dense", "vgg_face.mat", { to: "tfslim", naming: "tfslim-dense" }, ["tfslim-dense", "vgg_16/fc6/weights", 2]],
    ["TF.js", "vgg_face.mat", { to: "tfjs" }, dense],
    ["tf-slim", "vgg_face.mat", { to: "tfslim" }, ["tfslim", "vgg_16/fc6/weights", 4]],
  ])("%s", async (_, input, options, expected) => {
    expect(await head(demo(input), options)).toEqual(expected);
  });
});
