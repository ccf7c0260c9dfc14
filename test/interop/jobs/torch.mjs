import { join } from "node:path";
import { demo } from "./files.mjs";

export const torchJobs = [
  {
    name: "torch: MatConvNet to a state dict",
    environment: "torch",
    async run({ vggtool, python, out }) {
      const file = join(out, "vgg16.pth");
      await vggtool("convert", demo.matconvnet, "--to", "torch", "-o", file);
      return python("check_torch", file, demo.input, demo.logits, { reference: demo.torch });
    },
  },
];
