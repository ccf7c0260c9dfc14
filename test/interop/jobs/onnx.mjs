import { join } from "node:path";
import { demo } from "./files.mjs";
import { goldenJob } from "./golden.mjs";

/** Initializers in the order in which the graph uses them are those of the graph that torch exported. */
const golden = [
  { from: "vgg16-224/keras2-vggface", reference: "vgg16-224/onnx-torch" },
  { from: "vgg16-64x96/mxnet", reference: "vgg16-64x96/onnx-torch" },
  { from: "vgg16bn-64x96/mxnet", reference: "vgg16bn-64x96/onnx-torch-bn" },
  { from: "vgg11-learn-224/learn_pytorch" },
].map((job) => goldenJob({ environment: "torch", to: ["--to", "onnx"], output: "vgg.onnx", check: "check_onnx", ...job }));

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
  ...golden,
];
