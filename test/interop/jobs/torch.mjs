import { join } from "node:path";
import { demo } from "./files.mjs";
import { goldenJob } from "./golden.mjs";

const small = "vgg16-64x96";

/** One case of each scheme that a file can have, to torchvision's names; with batch norm where the scheme has it. */
const sources = [
  ["tfslim", `${small}/tfslim-v1`],
  ["tfslim", "vgg16bn-64x96/tfslim-bn"],
  ["tfslim-dense", `${small}/tfslim-dense`],
  ["keras-applications", `${small}/keras2-h5`],
  ["keras-applications", "vgg16bn-64x96/keras3-keras"],
  ["keras-caffe", "vgg16-224/keras2-vggface-weights"],
  ["keras-counted", `${small}/keras2-weights-v3`],
  ["torchvision", "vgg19-64x96/safetensors"],
  ["torchvision-2017", `${small}/torchvision-2017`],
  ["paddle-vision", "vgg16bn-64x96/paddle-bn"],
  ["paddle-static", `${small}/paddle-static-pir`],
  ["paddle-fluid", `${small}/paddle18-static`],
  ["paddle-convpool", `${small}/paddle-seed-VGGNet`],
  ["paddle-face", "vggface-64x96/paddle-seed-vgg_face"],
  ["paddle-clas", "vgg16nobias-64x96/paddle-clas"],
  ["paddle-models", "vgg16nobias-64x96/paddle18-models-params"],
  ["caffe", "vgg16bn-64x96/caffe"],
  ["npy-dict", `${small}/npy-dict`],
  ["frossard", `${small}/npz`],
  ["matconvnet", "vgg16-224/matconvnet-net"],
  ["matconvnet", "vgg16bn-64x96/matconvnet-bnorm"],
  ["matconvnet-beta", `${small}/matconvnet-beta`],
  ["matconvnet-dagnn", `${small}/matconvnet-dagnn`],
  ["mxnet-gluon", "vgg16bn-64x96/mxnet-gluon"],
  ["mxnet-symbol", `${small}/mxnet`],
  ["darknet", `${small}/darknet`],
  ["torch7", `${small}/torch7`],
  ["onnx-plain", `${small}/onnx-gemm`],
];
/** Torch's own files of the same weights. Batch norm of other frameworks has another epsilon, so its variance differs. */
const references = {
  [small]: `${small}/torchvision`,
  "vgg16-224": "vgg16-224/torchvision",
  "vgg19-64x96": "vgg19-64x96/torchvision",
  "vgg16bn-64x96": "vgg16bn-64x96/torchvision",
};
/** Their values were recomputed for the framework that keeps them: to the last bit they do not come back. */
const recomputed = new Set(["vgg16bn-64x96/tfslim-bn", "vgg16bn-64x96/matconvnet-bnorm"]);
/** Dropout that scales at inference belongs to these networks, and is in their logits. */
const scaling = new Set(["paddle-clas", "paddle-models"]);

const bySource = sources.map(([scheme, from]) => {
  const [arch] = from.split("/");
  const reference = recomputed.has(from) ? undefined : references[arch];
  return goldenJob({
    environment: "torch",
    from,
    to: ["--to", "torch"],
    output: "vgg.pth",
    check: "check_torch",
    ...(reference === undefined ? {} : { reference }),
    ...(scaling.has(scheme) ? { logits: join("paddle-clas", "logits_as_written.npy") } : {}),
    options: { norm: arch.includes("bn") || arch.startsWith("vggface") },
  });
});

/** Other names that people's own networks have: one input channel and ten classes, and the classifier before 2017. */
const byTarget = [
  goldenJob({
    environment: "torch",
    from: "vgg11-learn-224/learn_pytorch-first",
    to: ["--to", "torch", "--naming", "torch-small"],
    output: "vgg.pth",
    check: "check_torch",
    reference: "vgg11-learn-224/learn_pytorch",
    options: { body: "conv", head: "fc" },
  }),
  goldenJob({
    environment: "torch",
    from: "vgg11-learn-224/learn_pytorch",
    to: ["--to", "torch", "--naming", "torch-small-plain"],
    output: "vgg.pth",
    check: "check_torch",
    reference: "vgg11-learn-224/learn_pytorch-first",
    options: { body: "conv", head: "fc", fully: [0, 2, 4] },
  }),
  goldenJob({
    environment: "torch",
    from: `${small}/darknet`,
    to: ["--to", "torch", "--naming", "torchvision-2017"],
    output: "vgg.pth",
    check: "check_torch",
    reference: `${small}/torchvision-2017`,
    options: { fully: [1, 4, 6] },
  }),
];

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
  ...bySource,
  ...byTarget,
];
