import { join } from "node:path";

const demo = join("fixtures", "demo");
const input = join(demo, "input.npy");
const logits = join(demo, "logits.npy");
const size = ["--input-size", "64x96x3"];

/**
 * One row a job: the environment it needs, and what it does with `vggtool` (the built command), `python` (a script of this folder) and
 * `out` (an empty folder). A job fails by throwing.
 */
export const jobs = [
  {
    name: "tensorflow: Paddle to tf-slim, conv form",
    environment: "tensorflow",
    run({ vggtool, python, out }) {
      const prefix = join(out, "vgg_16.ckpt");
      vggtool("convert", join(demo, "vgg16.pdparams"), "--to", "tfslim", ...size, "-o", prefix);
      return python("check_tfslim.py", prefix, "conv", input, logits, join(demo, "vgg_16.ckpt"));
    },
  },
  {
    name: "tensorflow: MatConvNet to tf-slim, dense form",
    environment: "tensorflow",
    run({ vggtool, python, out }) {
      const prefix = join(out, "vgg_16.ckpt");
      vggtool("convert", join(demo, "vgg_face.mat"), "--to", "tfslim", "--fc", "dense", "-o", prefix);
      return python("check_tfslim.py", prefix, "dense", input, logits);
    },
  },
  {
    name: "tensorflow: tf-slim to dense and back to conv form, bit for bit",
    environment: "tensorflow",
    run({ vggtool, python, out }) {
      const dense = join(out, "dense.ckpt");
      const conv = join(out, "conv.ckpt");
      vggtool("convert", join(demo, "vgg_16.ckpt"), "--to", "tfslim", "--fc", "dense", "-o", dense);
      vggtool("convert", dense, "--to", "tfslim", "--fc", "conv", ...size, "-o", conv);
      return python("check_tfslim.py", conv, "conv", input, logits, join(demo, "vgg_16.ckpt"));
    },
  },
  {
    name: "safetensors: the library opens ours",
    environment: "tensorflow",
    run({ vggtool, python, out }) {
      const file = join(out, "vgg.safetensors");
      const reference = join(out, "vgg.npz");
      vggtool("convert", join(demo, "vgg16.pdparams"), "-o", file);
      vggtool("convert", join(demo, "vgg_16.ckpt"), "--to", "npz", "--exclude", "vgg_16/mean_rgb", "-o", reference);
      return python("check_safetensors.py", file, reference);
    },
  },
];
