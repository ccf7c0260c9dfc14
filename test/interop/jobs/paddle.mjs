import { join } from "node:path";
import { demo } from "./files.mjs";

export const paddleJobs = [
  {
    name: "paddle: tf-slim to a state dict",
    environment: "paddle",
    async run({ vggtool, python, out }) {
      const file = join(out, "vgg16.pdparams");
      await vggtool("convert", demo.tfslim, "--to", "paddle", "--exclude", "vgg_16/mean_rgb", "-o", file);
      return python("check_paddle", file, demo.input, demo.logits, { reference: demo.paddle });
    },
  },
];
