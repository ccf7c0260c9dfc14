import { join } from "node:path";
import { demo } from "./files.mjs";

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
];
