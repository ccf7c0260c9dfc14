import { join } from "node:path";
import { demo } from "./files.mjs";

export const numpyJobs = [
  {
    name: "safetensors: the library opens ours, one file and shards",
    environment: "tensorflow",
    async run({ vggtool, python, out }) {
      const [file, sharded, reference] = ["vgg.safetensors", "shards.safetensors", "vgg.npz"].map((name) => join(out, name));
      await vggtool("convert", demo.paddle, "-o", file);
      await vggtool("convert", demo.paddle, "--max-shard-size", "10kB", "-o", sharded);
      await vggtool("convert", demo.tfslim, "--to", "npz", "--exclude", "vgg_16/mean_rgb", "-o", reference);
      const whole = await python("check_safetensors", file, reference);
      return `${whole}; ${await python("check_safetensors", `${sharded}.index.json`, reference)}`;
    },
  },
  ...[
    ["check_npz", "frossard", "npz", "vgg.npz", join("npz", "vgg16_weights.npz")],
    ["check_safetensors", "torchvision", "safetensors", "vgg.safetensors", join("safetensors", "model.safetensors")],
  ].map(([check, naming, to, output, reference]) => ({
    name: `${to}: Keras to ${naming}'s names (golden)`,
    environment: "tensorflow",
    needs: "golden",
    async run({ vggtool, python, golden, out }) {
      const network = join(golden, "vgg16-64x96");
      await vggtool("convert", join(network, "keras2-h5", "model.h5"), "--to", to, "--naming", naming, "-o", join(out, output));
      return python(check, join(out, output), join(network, reference));
    },
  })),
];
