import { join } from "node:path";
import { demo } from "./files.mjs";
import { goldenJob } from "./golden.mjs";

/** MAT v5 and compressed v7. sqrt(variance + epsilon) is computed for moments: SciPy finds the very bits that NumPy computed. */
const golden = [
  { from: "vgg16-64x96/keras2-h5", reference: "vgg16-64x96/matconvnet" },
  { from: "vgg16-64x96/torchvision", reference: "vgg16-64x96/matconvnet", to: ["--compress"] },
  { from: "vgg16-224/caffe-v1", reference: "vgg16-224/matconvnet" },
  { from: "vgg16bn-64x96/torchvision", reference: "vgg16bn-64x96/matconvnet-bnorm" },
  { from: "vgg16-64x96/npz", reference: "vgg16-64x96/matconvnet-dagnn", to: ["--naming", "matconvnet-dagnn"] },
  { from: "vgg16bn-64x96/torchvision", reference: "vgg16bn-64x96/matconvnet-dagnn", to: ["--naming", "matconvnet-dagnn"] },
].map(({ to = [], ...job }) =>
  goldenJob({ environment: "tensorflow", to: ["--to", "matconvnet", ...to], output: "vgg.mat", check: "check_mat", ...job }),
);

export const matconvnetJobs = [
  {
    name: "scipy: tf-slim to MatConvNet, its layers run",
    environment: "tensorflow",
    async run({ vggtool, python, out }) {
      const file = join(out, "vgg16.mat");
      await vggtool("convert", demo.tfslim, "--to", "matconvnet", "-o", file);
      return python("check_mat", file, demo.input, demo.logits, { reference: demo.matconvnet });
    },
  },
  ...golden,
];
