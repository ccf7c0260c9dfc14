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
];
