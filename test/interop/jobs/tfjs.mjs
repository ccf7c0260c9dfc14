import { join } from "node:path";
import { environmentEngines } from "../engines.mjs";
import { demo } from "./files.mjs";

const tool = join("test", "interop", "check_tfjs.mjs");
/** TensorFlow.js comes with its Node package. */
const environment = "engines";

/** In a process of its own each: the library keeps its variables for ever. */
async function checked({ program }, ...args) {
  return program([tool, ...args], { VGGTOOL_ENGINES: environmentEngines() });
}

export const tfjsJobs = [
  {
    name: "tfjs: tf-slim to a layers model",
    environment,
    async run({ vggtool, program, out }) {
      await vggtool("convert", demo.tfslim, "--to", "tfjs", "--fc", "dense", "-o", join(out, "tfjs"));
      return checked({ program }, join(out, "tfjs"), demo.input, demo.logits);
    },
  },
  ...["vgg16-64x96/torchvision/model.pth", "vgg16bn-64x96/caffe/vgg.caffemodel"].map((from) => ({
    name: `tfjs: ${from} (golden)`,
    environment,
    needs: "golden",
    async run({ vggtool, program, out, golden }) {
      const [arch] = from.split("/");
      await vggtool("convert", join(golden, from), "--to", "tfjs", "--input-size", "64x96x3", "-o", join(out, "tfjs"));
      const reference = arch === "vgg16-64x96" ? [join(golden, arch, "tfjs-layers")] : [];
      return checked({ program }, join(out, "tfjs"), join(golden, arch, "input.npy"), join(golden, arch, "logits.npy"), ...reference);
    },
  })),
];
