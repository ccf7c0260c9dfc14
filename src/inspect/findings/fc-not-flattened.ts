import type { Check } from "./check.ts";

/**
 * Where channels are last, a fully connected layer takes the last feature map as it is (slim.fully_connected and Keras' Dense work on the
 * last axis): its matrix then has one row for each channel, as that of pictures of one place, or of a pool over everything, has.
 */
export const fcNotFlattened: Check = {
  code: "fc-not-flattened",
  title: "a fully connected layer with one row for each channel of the last feature map",
  needs: "headers",
  async run({ checkpoint, identity }) {
    const network = identity?.network;
    const [channels] = network?.featureShape ?? [];
    const first = network?.layers.find((layer) => layer.kind === "fc");
    if (network === undefined || first === undefined || first.inputs !== channels || network.head !== "dense") return [];
    if (checkpoint.conventions.flatten !== "h w i" || network.inputSize !== undefined) return [];
    if (network.layers.some((layer) => layer.kind === "adaptive-pool")) return [];
    const side = 2 ** network.layers.filter((layer) => layer.kind === "pool").length;
    return [
      {
        code: "fc-not-flattened",
        severity: "warning",
        message: `${first.name} has ${channels} rows, one for each channel of the last feature map: it was applied without flattening that map, or a pool over everything is before it, or pictures are ${side}×${side}; the file does not say which`,
        layers: [first.name],
        fix: `if it was not flattened, published weights have no form for it: flatten before it (slim.flatten, tf.reshape) and save the graph anew, or leave it as it is: convert PUBLISHED --like THIS --exclude ${first.name} --allow-missing`,
      },
    ];
  },
};
