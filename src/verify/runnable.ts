import { CheckpointError } from "../errors.ts";
import type { Network, NetworkLayer } from "../model/network/network.ts";

export interface Runnable {
  readonly network: Network;
  /** A sentence where the head is run in part, or not at all. */
  readonly note?: string;
}

/**
 * What of a network can be run: all of it, up to `until`, or up to where its head stops being VGG's (another head, a layer left out).
 * Throws `unsupported` where convolutions are missing or something is computed that no engine does, `usage` for an unknown layer.
 */
export function runnable(network: Network, until?: string): Runnable {
  return until === undefined ? wholeOf(network) : wholeOf(upTo(network, until));
}

/** The network that ends with a layer: what is missing or not computed behind it does not count. */
function upTo(network: Network, until: string): Network {
  const end = network.layers.findIndex((layer) => layer.name === until);
  if (end < 0) {
    const names = network.layers.map(({ name }) => name).join(", ");
    throw new CheckpointError("usage", `--until ${until} is no layer of the network; these are: ${names}`);
  }
  if (end === network.layers.length - 1) return network;
  const layers = network.layers.slice(0, end + 1);
  const before = new Set(layers.slice(0, -1).map(({ name }) => name));
  const missing = network.missing.filter((name) => isBefore(name, until));
  const uncomputed = network.uncomputed.filter(({ behind }) => before.has(behind));
  const { classes: _classes, head, ...rest } = network;
  const headed = layers.some((layer) => layer.kind === "fc") && head !== undefined ? { head } : {};
  return { ...rest, ...headed, layers, missing, uncomputed, complete: missing.length === 0 };
}

/** Whether a layer that is not there would be before another: conv3_2 before pool3, fc6 before fc7. */
function isBefore(missing: string, layer: string): boolean {
  const place = (name: string): readonly number[] => {
    const [block = 0, index = name.startsWith("pool") ? 99 : 0] = [...name.matchAll(/\d+/g)].map(([digits]) => Number(digits));
    return name.startsWith("fc") || name === "avgpool" ? [100, block] : [block, index];
  };
  const [a, b] = [place(missing), place(layer)];
  return (a[0] ?? 0) < (b[0] ?? 0) || (a[0] === b[0] && (a[1] ?? 0) < (b[1] ?? 0));
}

function wholeOf(network: Network): Runnable {
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
    const [first = ""] = gaps;
    const last = body.findLast((layer) => layer.kind === "conv" && isBefore(layer.name, first));
    throw new CheckpointError("unsupported", `${what}; a forward pass needs the whole network`, {
      ...(last === undefined ? {} : { hint: `--until ${last.name} runs the layers before it` }),
    });
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
