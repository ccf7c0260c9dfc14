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

/** A golden case: what a person would open, and what belongs to its network. `file`: the path inside the case's folder. */
export function goldenCase(golden, arch, name, file) {
  const network = join(golden, arch);
  return {
    path: join(network, name, file),
    input: join(network, "input.npy"),
    logits: join(network, "logits.npy"),
    canonical: join(network, "canonical.npz"),
    size: sizes[arch] === undefined ? [] : ["--input-size", sizes[arch]],
  };
}

/** Of the images; a dense file does not say them. */
const sizes = {
  "vgg11-64x96": "64x96x3",
  "vgg13-64x96": "64x96x3",
  "vgg16-64x96": "64x96x3",
  "vgg16bn-64x96": "64x96x3",
  "vgg16nobias-64x96": "64x96x3",
  "vgg19-64x96": "64x96x3",
  "vggface-64x96": "64x96x3",
};
