import { join } from "node:path";
import { demo } from "./files.mjs";
import { goldenJob } from "./golden.mjs";

/** Each with a checkpoint that slim wrote of the same weights, but for the last: slim leaves gamma out unless it is asked for. */
const golden = [
  { from: "vgg11-64x96/torchvision", reference: "vgg11-64x96/tfslim-v2" },
  { from: "vgg19-64x96/matconvnet", reference: "vgg19-64x96/tfslim-v2" },
  { from: "vgg16-224/darknet", reference: "vgg16-224/tfslim-v2" },
  { from: "vgg16-64x96/npy-dict", reference: "vgg16-64x96/tfslim-dense", form: "dense" },
  { from: "vgg16bn-64x96/torchvision", reference: "vgg16bn-64x96/tfslim-bn", norm: "gamma" },
  { from: "vgg16bn-64x96/keras2-h5", reference: "vgg16bn-64x96/tfslim-bn", norm: "gamma" },
].map(({ from, reference, form = "conv", norm = false }) =>
  goldenJob({
    environment: "tensorflow",
    from,
    to: ["--to", "tfslim", "--fc", form],
    output: "vgg.ckpt",
    check: "check_tfslim",
    reference,
    options: { form, norm },
  }),
);

export const tensorflowJobs = [
  {
    name: "tensorflow: Paddle to tf-slim, conv form",
    environment: "tensorflow",
    async run({ vggtool, python, out }) {
      const prefix = join(out, "vgg_16.ckpt");
      await vggtool("convert", demo.paddle, "--to", "tfslim", ...demo.size, "-o", prefix);
      return python("check_tfslim", prefix, demo.input, demo.logits, { form: "conv", reference: demo.tfslim });
    },
  },
  {
    name: "tensorflow: MatConvNet to tf-slim, dense form",
    environment: "tensorflow",
    async run({ vggtool, python, out }) {
      const prefix = join(out, "vgg_16.ckpt");
      await vggtool("convert", demo.matconvnet, "--to", "tfslim", "--fc", "dense", "-o", prefix);
      return python("check_tfslim", prefix, demo.input, demo.logits, { form: "dense" });
    },
  },
  {
    name: "tensorflow: tf-slim to dense and back to conv form, bit for bit",
    environment: "tensorflow",
    async run({ vggtool, python, out }) {
      const dense = join(out, "dense.ckpt");
      const conv = join(out, "conv.ckpt");
      await vggtool("convert", demo.tfslim, "--to", "tfslim", "--fc", "dense", "-o", dense);
      await vggtool("convert", dense, "--to", "tfslim", "--fc", "conv", ...demo.size, "-o", conv);
      return python("check_tfslim", conv, demo.input, demo.logits, { form: "conv", reference: demo.tfslim });
    },
  },
  ...golden,
];
