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

/** GNU Octave loads with its own reader of MAT files, which is stricter than SciPy's, and runs the layers. */
const octave = [
  { name: "simplenn", from: demo.tfslim },
  { name: "simplenn, compressed", from: demo.paddle, to: ["--compress", ...demo.size] },
  { name: "dagnn", from: demo.matconvnet, to: ["--naming", "matconvnet-dagnn"] },
  { name: "a file's own classes and averages", from: demo.matconvnet },
  { name: "float64", from: demo.matconvnet, to: ["--dtype", "float64"] },
  { name: "batch norm", golden: "vgg16bn-64x96/torchvision/model.pth", to: ["--input-size", "64x96x3"] },
  { name: "batch norm, dagnn", golden: "vgg16bn-64x96/keras2-h5/model.h5", to: ["--naming", "matconvnet-dagnn"] },
  { name: "VGG-19", golden: "vgg19-64x96/torchvision/model.pth", to: ["--input-size", "64x96x3"] },
].map(({ name, from, golden: file, to = [] }) => ({
  name: `octave: MatConvNet, ${name}`,
  needs: ["octave", ...(file === undefined ? [] : ["golden"])],
  async run({ vggtool, octave, golden, out }) {
    const network = file === undefined ? undefined : join(golden, file.split("/")[0]);
    await vggtool("convert", file === undefined ? from : join(golden, file), "--to", "matconvnet", ...to, "-o", join(out, "vgg.mat"));
    const [input, logits] = network === undefined ? [demo.input, demo.logits] : [join(network, "input.npy"), join(network, "logits.npy")];
    return octave("check_mat.m", join(out, "vgg.mat"), input, logits);
  },
}));

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
  ...octave,
];
