import { join } from "node:path";

const folder = join("fixtures", "demo");

/** One small VGG-16 in three clothes, its input and its logits: what a clean checkout has. Relative to the checkout. */
export const demo = {
  paddle: join(folder, "vgg16.pdparams"),
  tfslim: join(folder, "vgg_16.ckpt"),
  matconvnet: join(folder, "vgg_face.mat"),
  torch: join("fixtures", "interop", "vgg16.pth"),
  input: join(folder, "input.npy"),
  logits: join(folder, "logits.npy"),
  size: ["--input-size", "64x96x3"],
};
