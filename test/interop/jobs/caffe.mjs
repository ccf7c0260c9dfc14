import { join } from "node:path";
import { demo } from "./files.mjs";
import { goldenJob } from "./golden.mjs";

/** The blobs that OpenCV holds are those that it holds of the golden file; batch norm is kept with another factor there. */
const golden = [
  { from: "vgg16-64x96/keras2-h5", reference: "vgg16-64x96/caffe" },
  { from: "vgg16bn-64x96/paddle-bn" },
  { from: "vgg11-learn-224/learn_pytorch" },
].map((job) => goldenJob({ environment: "caffe", to: ["--to", "caffe"], output: "vgg.caffemodel", check: "check_caffe", ...job }));

export const caffeJobs = [
  {
    name: "caffe: MatConvNet to .caffemodel and .prototxt",
    environment: "caffe",
    async run({ vggtool, python, out }) {
      const file = join(out, "vgg16.caffemodel");
      await vggtool("convert", demo.matconvnet, "--to", "caffe", "-o", file);
      return python("check_caffe", file, demo.input, demo.logits, {});
    },
  },
  ...golden,
];
