import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** In the environment with the fewest jobs; they need NumPy alone. */
const environment = "paddle";

export const statsJobs = [
  { kind: "dtypes", name: "stats: every dtype and what is awkward in it, as NumPy in float64" },
  { kind: "vgg16", name: "stats: a full-size VGG-16, as NumPy in float64" },
].map(({ kind, name }) => ({
  name,
  environment,
  async run({ vggtool, python, out }) {
    const [file, record] = ["weights.safetensors", "record.json"].map((inside) => join(out, inside));
    await python("check_stats", "make", kind, file);
    writeFileSync(record, await vggtool("inspect", file, "--stats", "--json"));
    const answer = await python("check_stats", "compare", file, record);
    rmSync(file);
    return answer;
  },
}));
