import { join } from "node:path";
import { demo } from "./files.mjs";

/** Keras 2.15 with its own TensorFlow, and Keras 3 with torch behind it. */
const environments = ["tensorflow", "torch"];

export const kerasJobs = environments.flatMap((environment) =>
  ["vgg16.h5", "vgg16.keras"].map((name) => ({
    name: `keras (${environment}): ${name} and its .weights.h5`,
    environment,
    async run({ vggtool, python, out }) {
      const [model, weights, widths] = [name, "vgg16.weights.h5", "widths.npz"].map((file) => join(out, file));
      await vggtool("convert", demo.paddle, "--to", "keras", ...demo.size, "-o", model);
      const alone = await python("check_keras", model, demo.input, demo.logits, {});
      await vggtool("convert", demo.matconvnet, "--to", "keras", "--fc", "dense", "-o", weights);
      await vggtool("convert", demo.paddle, "-o", widths);
      return `${alone}; ${await python("check_keras", weights, demo.input, demo.logits, { kind: "weights", widths })}`;
    },
  })),
);
