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
  {
    name: "torch: MatConvNet to a state dict",
    environment: "torch",
    run({ vggtool, python, out }) {
      const file = join(out, "vgg16.pth");
      vggtool("convert", join(demo, "vgg_face.mat"), "--to", "torch", "-o", file);
      return python("check_torch.py", file, input, logits, join("fixtures", "interop", "vgg16.pth"));
    },
  },
  {
    name: "paddle: tf-slim to a state dict",
    environment: "paddle",
    run({ vggtool, python, out }) {
      const file = join(out, "vgg16.pdparams");
      vggtool("convert", join(demo, "vgg_16.ckpt"), "--to", "paddle", "--exclude", "vgg_16/mean_rgb", "-o", file);
      return python("check_paddle.py", file, input, logits, join(demo, "vgg16.pdparams"));
    },
  },
  {
    name: "onnxruntime: Paddle to a runnable graph",
    environment: "torch",
    run({ vggtool, python, out }) {
      const file = join(out, "vgg16.onnx");
      vggtool("convert", join(demo, "vgg16.pdparams"), "--to", "onnx", ...size, "-o", file);
      return python("check_onnx.py", file, input, logits);
    },
  },
  {
    name: "scipy: tf-slim to MatConvNet, its layers run",
    environment: "tensorflow",
    run({ vggtool, python, out }) {
      const file = join(out, "vgg16.mat");
      vggtool("convert", join(demo, "vgg_16.ckpt"), "--to", "matconvnet", "--exclude", "vgg_16/mean_rgb", "-o", file);
      return python("check_mat.py", file, input, logits);
    },
  },
  ...kerasJobs(),
];

/** Full models and weights as Keras 2.15 (its own TensorFlow) and Keras 3 (torch behind it) load them; our `.keras` is that of Keras 3. */
function kerasJobs() {
  const pairs = [
    ["tensorflow", "vgg16.h5"],
    ["torch", "vgg16.h5"],
    ["torch", "vgg16.keras"],
  ];
  return pairs.map(([environment, name]) => ({
    name: `keras (${environment}): ${name} and its .weights.h5`,
    environment,
    run({ vggtool, python, out }) {
      const model = join(out, name);
      vggtool("convert", join(demo, "vgg16.pdparams"), "--to", "keras", ...size, "-o", model);
      const alone = python("check_keras.py", model, input, logits);
      const weights = join(out, "vgg16.weights.h5");
      vggtool("convert", join(demo, "vgg_face.mat"), "--to", "keras", "--fc", "dense", "-o", weights);
      return `${alone}; ${python("check_keras.py", model, input, logits, weights)}`;
    },
  }));
}
