import { join } from "node:path";
import { demo } from "./files.mjs";

export const matconvnetJobs = [
  {
    name: "scipy: tf-slim to MatConvNet, its layers run",
    environment: "tensorflow",
    async run({ vggtool, python, out }) {
      const file = join(out, "vgg16.mat");
      await vggtool("convert", demo.tfslim, "--to", "matconvnet", "--exclude", "vgg_16/mean_rgb", "-o", file);
      return python("check_mat", file, demo.input, demo.logits, { reference: demo.matconvnet });
    },
  },
];
