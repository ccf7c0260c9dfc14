import { join } from "node:path";
import { demo } from "./files.mjs";
import { goldenJob } from "./golden.mjs";

/** Keras 2.15 with its own TensorFlow, and Keras 3 with torch behind it. */
const environments = ["tensorflow", "torch"];

/** The names of Keras' own VGG: of a Caffe source the default is Caffe's (jobs/defaults.mjs). */
const applications = ["--to", "keras", "--naming", "keras-applications"];

/**
 * Weights into a model of one's own, in the order of its layers and by their names, and whole models. The datasets, one by one, are
 * those of a file that Keras wrote.
 */
const golden = [
  { from: "vgg16-64x96/torchvision", output: "vgg_weights.h5", reference: "vgg16-64x96/keras2-h5-weights", kind: "weights" },
  { from: "vgg16-64x96/caffe", to: applications, output: "vgg_weights.h5", reference: "vgg16-64x96/keras2-h5-weights", kind: "by-name" },
  { from: "vgg16bn-64x96/mxnet-gluon", output: "vgg_weights.h5", kind: "weights", epsilon: 1e-3 },
  { from: "vgg16bn-64x96/caffe", to: applications, output: "vgg.h5", reference: "vgg16bn-64x96/keras2-h5", kind: "model" },
  { from: "vgg16bn-64x96/torchvision", output: "vgg.keras", kind: "model" },
  { from: "vgg11-learn-224/learn_pytorch", output: "vgg.keras", kind: "model" },
  { from: "vgg16-64x96/torch7", output: "vgg.weights.h5", reference: "vgg16-64x96/keras3-weights", kind: "weights" },
].flatMap(({ from, to = ["--to", "keras"], output, kind, epsilon, reference }) =>
  environments
    // load_weights by name reads this form in Keras 2 and 3; .weights.h5 of Keras 3 is read by 2.15 too.
    .map((environment) =>
      goldenJob({
        environment,
        from,
        to,
        output,
        check: "check_keras",
        ...(reference === undefined ? {} : { reference }),
        options: { kind, ...(epsilon === undefined ? {} : { epsilon }) },
      }),
    ),
);

const pairs = environments.flatMap((environment) =>
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

export const kerasJobs = [...pairs, ...golden];
