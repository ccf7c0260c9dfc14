import { CheckpointError } from "../errors.ts";
import type { Network, NetworkLayer } from "../model/network.ts";

export interface Runnable {
  readonly network: Network;
  /** A sentence where the head is run in part, or not at all. */
  readonly note?: string;
}

/**
 * What of a network can be run: all of it, or up to where its head stops being VGG's (another head, a layer left out).
 * Throws `unsupported` where convolutions are missing: nothing behind a gap can be computed.
 */
export function runnable(network: Network): Runnable {
  const [first, ...more] = network.uncomputed;
  if (first !== undefined) {
    const others = more.map(({ what, behind }) => `, ${what} behind ${behind}`).join("");
    throw new CheckpointError("unsupported", `the file computes ${first.what} behind ${first.behind}${others}, which no engine here does`, {
      hint: `--until ${first.behind} runs the layers before it`,
    });
  }
  const grouped = network.layers.find((layer) => layer.kind === "conv" && (layer.groups ?? 1) > 1);
  if (grouped?.kind === "conv") {
    throw new CheckpointError("unsupported", `${grouped.name} is a convolution in ${grouped.groups} groups, which no engine here runs`);
  }
  const body = network.layers.filter((layer) => layer.kind !== "fc");
  const gaps = network.missing.filter((name) => name.startsWith("conv"));
  if (gaps.length > 0 || !body.some((layer) => layer.kind === "conv")) {
    const what =
      gaps.length === 0
        ? "no convolutions are in it"
        : `${gaps.length} ${gaps.length === 1 ? "layer" : "layers"} missing: ${gaps.join(", ")}`;
    throw new CheckpointError("unsupported", `${what}; a forward pass needs the whole network`);
  }
  if (network.complete) return { network };
  const head = unbroken(network);
  const { classes: _, head: form, featureShape, ...rest } = network;
  const kept =
    head.length === 0 ? {} : { ...(form === undefined ? {} : { head: form }), ...(featureShape === undefined ? {} : { featureShape }) };
  const layers = [...body, ...head];
  return {
    network: { ...rest, ...kept, layers, missing: [], complete: true },
    note: `the head is not a whole VGG's; the network is run up to ${layers.at(-1)?.name ?? ""}`,
  };
}

/** The fully connected layers fc6, fc7 … up to the first that is not there. */
function unbroken(network: Network): readonly NetworkLayer[] {
  const fc = network.layers.filter((layer) => layer.kind === "fc");
  const end = fc.findIndex((layer, k) => layer.name !== `fc${6 + k}`);
  return end < 0 ? fc : fc.slice(0, end);
}

/**
 * Whether ReLU follows a layer's sum. Never behind the last layer of a whole head, whatever the file has there: its output
 * are the logits.
 */
export function isRectified(network: Network, layer: NetworkLayer): boolean {
  if (layer.kind === "conv") return layer.linear !== true;
  const isClassifier = network.classes !== undefined && network.layers.at(-1)?.name === layer.name;
  return layer.kind === "fc" && layer.activation === "relu" && !isClassifier;
}
