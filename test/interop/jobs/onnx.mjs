import { join } from "node:path";
import { demo } from "./files.mjs";

export const onnxJobs = [
  {
    name: "onnxruntime: Paddle to a runnable graph",
    environment: "torch",
    async run({ vggtool, python, out }) {
      const file = join(out, "vgg16.onnx");
      await vggtool("convert", demo.paddle, "--to", "onnx", ...demo.size, "-o", file);
      return python("check_onnx", file, demo.input, demo.logits, {});
    },
  },
];
