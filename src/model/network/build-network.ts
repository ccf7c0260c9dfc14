import type { Assumption } from "../assumption.ts";
import type { DescribedCheckpoint } from "../described.ts";
import type { Window, Windows } from "../geometry/window.ts";
import type { Conv } from "../identify/conv.ts";
import type { Fc } from "../identify/head/dense.ts";
import { attribute, typeOf } from "../records.ts";
import { titles } from "./configs.ts";
import { convPlace } from "./expand.ts";
import type { Config, ConvLayer, FcLayer, Network, NetworkLayer } from "./network.ts";
import type { Sizes } from "./sizes.ts";

/** What is known of a network before it is written down as layers. */
export interface NetworkParts {
  readonly config: Config;
  readonly convs: readonly { readonly name: string; readonly conv: Conv; readonly bias: boolean; readonly norm: boolean }[];
  readonly fcs: readonly { readonly name: string; readonly fc: Fc; readonly bias: boolean; readonly norm: boolean }[];
  /** The last fully connected layer gives the classes. */
  readonly final: boolean;
  /** Layers that the file lacks, as a whole or without their weight. */
  readonly missing: readonly string[];
  readonly complete: boolean;
  readonly pools: number;
  readonly sizes: Sizes;
  /** Channels of the features, where they are not in the file but known. */
  readonly channels?: number;
  readonly assumed?: readonly Assumption[];
  /** fc6 and pool5 are those of SSD's base network. */
  readonly reduced?: true;
}

/** What the file, its convention or an option says of a network beyond its layers. */
export interface Habits {
  /** Added to the variance of each batch norm. */
  readonly epsilon: number;
  readonly adaptivePool: boolean;
  /** What enters the fully connected layers behind the first is multiplied with it. */
  readonly inputScale: number;
}

/** The chain of layers that engines and network writers build, of the file alone: the epsilon is that of its format until `withHabits` says another. */
export function buildNetwork(checkpoint: DescribedCheckpoint, parts: NetworkParts): Network {
  const batchNorm = parts.convs.some((part) => part.norm);
  const { feature, input } = parts.sizes;
  const channels = parts.convs.at(-1)?.conv.outputs ?? parts.channels;
  const layers: NetworkLayer[] = [...featureLayers(checkpoint, parts)];
  const first = parts.fcs[0]?.fc;
  if (first !== undefined && feature !== undefined && hasGlobalPool(checkpoint)) layers.push(adaptivePool(feature));
  layers.push(...headLayers(checkpoint, parts));
  const classes = parts.final ? parts.fcs.at(-1)?.fc.outputs : undefined;
  return {
    family: "vgg",
    config: parts.config,
    name: nameOf(parts, batchNorm),
    batchNorm,
    layers,
    widths: [...parts.convs.map((part) => part.conv.outputs), ...parts.fcs.map((part) => part.fc.outputs)],
    ...(classes !== undefined && { classes }),
    inputChannels: parts.convs.find((part) => part.name === "conv1_1")?.conv.inputs ?? 3,
    ...(input && { inputSize: input }),
    ...(channels !== undefined && { featureShape: [channels, feature?.[0], feature?.[1]] as const }),
    ...(first && { head: first.kernel === undefined ? ("dense" as const) : ("conv" as const) }),
    epsilon: checkpoint.conventions.epsilon,
    geometry: "assumed",
    uncomputed: [],
    missing: parts.missing,
    complete: parts.complete,
  };
}

/** The same layers with what only the convention says, which is known once their names are. `feature` is height and width of what pool5 gives. */
export function withHabits(network: Network, feature: readonly [number, number] | undefined, habits: Habits): Network {
  const { epsilon, inputScale } = habits;
  const withEpsilon = <L extends ConvLayer | FcLayer>(layer: L): L =>
    layer.batchNorm === undefined ? layer : { ...layer, batchNorm: { epsilon } };
  const layers: NetworkLayer[] = [];
  let behind: "features" | "pool" | "fc" = "features";
  for (const layer of network.layers) {
    if (layer.kind === "adaptive-pool") behind = "pool";
    if (layer.kind !== "fc") {
      layers.push(layer.kind === "conv" ? withEpsilon(layer) : layer);
      continue;
    }
    if (behind === "features" && feature !== undefined && habits.adaptivePool) layers.push(adaptivePool(feature));
    layers.push(withEpsilon(behind === "fc" && inputScale !== 1 ? { ...layer, inputScale } : layer));
    behind = "fc";
  }
  return { ...network, layers, epsilon };
}

function adaptivePool(size: readonly [number, number]): NetworkLayer {
  return { kind: "adaptive-pool", name: "avgpool", size };
}

function nameOf(parts: NetworkParts, batchNorm: boolean): string {
  const depth = parts.convs.length + Math.max(3, parts.fcs.length);
  const title = parts.config === "other" ? `VGG of ${depth} layers` : titles[parts.config];
  return batchNorm ? `${title} with batch norm` : title;
}

function* featureLayers(checkpoint: DescribedCheckpoint, parts: NetworkParts): Generator<NetworkLayer> {
  const ceil = poolsRoundUp(checkpoint);
  for (const [i, { name, conv, bias, norm }] of parts.convs.entries()) {
    const [height, width] = conv.kernel;
    const layer: ConvLayer = {
      kind: "conv",
      name,
      inputs: conv.inputs,
      outputs: conv.outputs,
      kernel: conv.kernel,
      pad: [(height - 1) / 2, (width - 1) / 2],
      bias,
      ...(norm && { batchNorm: { epsilon: checkpoint.conventions.epsilon } }),
    };
    yield layer;
    const [block] = convPlace(name);
    const next = parts.convs[i + 1];
    if (next === undefined || convPlace(next.name)[0] !== block)
      yield { kind: "pool", name: `pool${block}`, ceil, ...(block === 5 && parts.reduced === true && { windows: sameSize(3, 1) }) };
  }
}

function* headLayers(checkpoint: DescribedCheckpoint, parts: NetworkParts): Generator<FcLayer> {
  for (const [i, { name, fc, bias, norm }] of parts.fcs.entries()) {
    const last = parts.final && i === parts.fcs.length - 1;
    const first = i === 0;
    const [height, width] = fc.kernel ?? [1, 1];
    yield {
      kind: "fc",
      name,
      inputs: fc.inputs * height * width,
      outputs: fc.outputs,
      bias,
      ...(first && parts.reduced === true && { windows: sameSize(3, 6) }),
      activation: last ? lastActivation(checkpoint, fc) : "relu",
      ...(norm && { batchNorm: { epsilon: checkpoint.conventions.epsilon } }),
    };
  }
}

/** A kernel that moves by one pixel and gives as many places as it takes. */
function sameSize(kernel: number, dilation: number): Windows {
  const pad = (dilation * (kernel - 1)) / 2;
  const window: Window = { kernel, stride: 1, pad: [pad, pad], dilation, ceil: false };
  return [window, window];
}

/** What the file says follows its last layer. */
function lastActivation(checkpoint: DescribedCheckpoint, fc: Fc): FcLayer["activation"] {
  const at = checkpoint.layers.findIndex((record) => record.tensors.includes(fc.entry.layer?.weight.name ?? ""));
  const own = at < 0 ? undefined : checkpoint.layers[at];
  if (own === undefined) return "none";
  const activation = attribute(own, "activation");
  if (activation === "softmax" || activation === "relu") return activation;
  const behind = checkpoint.layers.slice(at + 1);
  if (behind.some((record) => /softmax/i.test(typeOf(record)) || attribute(record, "activation") === "softmax")) return "softmax";
  return "none";
}

/** Keras' GlobalAveragePooling2D, ONNX' GlobalAveragePool. */
function hasGlobalPool(checkpoint: DescribedCheckpoint): boolean {
  return checkpoint.layers.some((record) => /global_?a(verage|vg)/i.test(typeOf(record)));
}

/** Caffe rounds up; MatConvNet's importer writes that as one more row and column of padding at the end: [0 1 0 1]. */
function poolsRoundUp(checkpoint: DescribedCheckpoint): boolean {
  const pools = checkpoint.layers.filter((record) => /pool/i.test(typeOf(record)));
  if (checkpoint.conventions.ceilPools === true)
    return !pools.some((record) => attribute(record, "round_mode") === "FLOOR" || attribute(record, "round_mode") === 1);
  return pools.some((record) => {
    const pad = attribute(record, "pad");
    return Array.isArray(pad) && pad.flat().join() === "0,1,0,1";
  });
}
