import { swapAxes } from "../../compare/readings.ts";
import type { Context } from "../../io/context.ts";
import { memorySource } from "../../io/source/memory.ts";
import { isWeighted, kernelShape, layerShapes, type WeightedLayer } from "../../model/geometry/shapes.ts";
import type { Network, NetworkLayer } from "../../model/network/network.ts";
import { layerOf, partOf } from "../../model/role.ts";
import { contiguous } from "../../tensor/contiguous.ts";
import { loadView } from "../../tensor/load.ts";
import { flip, plainView, type View } from "../../tensor/view.ts";
import type { Change } from "../weights.ts";

/** One change that would explain why a network's outputs are not the expected ones. */
export interface Trial {
  readonly network: Network;
  /** Weights read in another way. */
  readonly change?: Change;
  /** Another value for each variance of batch norm. */
  readonly variance?: (value: number) => number;
  /** What it means if the expected values come out. */
  readonly sentence: string;
}

/** Epsilons of batch norm that frameworks use: PyTorch and Paddle, Keras and tf-slim, raw MatConvNet. */
const EPSILONS = [1e-5, 1e-3, 1e-4];

/** The usual mistakes that no shape shows, commonest first; `inputShape` N C H W. */
export function trialsOf(network: Network, inputShape: readonly number[], ctx: Context): readonly Trial[] {
  return [...epsilons(network), ...kernels(network, ctx), ...dropout(network), ...pools(network, inputShape), ...variances(network)];
}

function withLayers(network: Network, change: (layer: NetworkLayer) => NetworkLayer): Network {
  return { ...network, layers: network.layers.map(change) };
}

function epsilons(network: Network): readonly Trial[] {
  const current = network.layers.filter(isWeighted).find((layer) => layer.batchNorm !== undefined)?.batchNorm?.epsilon;
  return (current === undefined ? [] : EPSILONS.filter((value) => value !== current)).map((epsilon) => ({
    network: withLayers(network, (layer) =>
      isWeighted(layer) && layer.batchNorm !== undefined ? { ...layer, batchNorm: { epsilon } } : layer,
    ),
    sentence: `with ${epsilon} as epsilon of batch norm (${current} was taken) the expected values come out: --bn-epsilon ${epsilon}`,
  }));
}

function dropout(network: Network): readonly Trial[] {
  const behindDropout = network.layers.filter((layer) => layer.kind === "fc").slice(1);
  const scale = behindDropout.every((layer) => (layer.inputScale ?? 1) === 1) ? 0.5 : 1;
  if (behindDropout.length === 0) return [];
  const names = behindDropout.map((layer) => layer.name);
  const sentence =
    scale === 1
      ? `without the factor on the inputs of ${names.join(" and ")} the expected values come out: dropout does not scale at inference`
      : `with the inputs of ${names.join(" and ")} multiplied with 0.5 the expected values come out: old Paddle's dropout, which scales at inference`;
  const changed = withLayers(network, (layer) =>
    layer.kind === "fc" && names.includes(layer.name) ? { ...layer, inputScale: scale } : layer,
  );
  return [{ network: changed, sentence }];
}

/** Sizes are rounded only where one of them is odd. */
function pools(network: Network, inputShape: readonly number[]): readonly Trial[] {
  const isOdd = layerShapes(network, inputShape).some(
    ({ layer, input }) => layer.kind === "pool" && input.slice(1).some((size) => size % 2 === 1),
  );
  if (!isOdd) return [];
  const changed = withLayers(network, (layer) => (layer.kind === "pool" ? { ...layer, ceil: !layer.ceil } : layer));
  return [{ network: changed, sentence: "with the pools' sizes rounded the other way the expected values come out" }];
}

function kernels(network: Network, ctx: Context): readonly Trial[] {
  const layers = network.layers.filter(isWeighted);
  const convolutions = layers.filter((layer) => layer.kind === "conv");
  const fc = layers.filter((layer) => layer.kind === "fc");
  const trial = (changed: readonly WeightedLayer[], read: (view: View) => View | Promise<View>, sentence: string): readonly Trial[] => {
    const names = new Set(changed.map(({ name }) => name));
    const change: Change = (role, view) => (partOf(role) === "weight" && names.has(layerOf(role)) ? read(view) : view);
    return names.size === 0 ? [] : [{ network, change, sentence: `${sentence} the expected values come out` }];
  };
  const [first, head] = [convolutions.slice(0, 1), fc.slice(0, 1)];
  const flattens = head.filter((layer) => kernelShape(network, layer)[0] * kernelShape(network, layer)[1] > 1);
  const square = fc.slice(1).filter((layer) => layer.inputs === layer.outputs);
  const names = square.map((layer) => layer.name).join(" and ");
  const fc6 = head[0]?.name ?? "";
  return [
    ...trial(flattens, rowsRead("i h w", "h w i", ctx), `${fc6}: with its rows read as h,w,c, and not as c,h,w,`),
    ...trial(flattens, rowsRead("h w i", "i h w", ctx), `${fc6}: with its rows read as c,h,w, and not as h,w,c,`),
    ...trial(
      first,
      (view) => flip(view, ["i"]),
      "conv1_1: with its input channels reversed (the file expects BGR where the input is RGB, or the other way round)",
    ),
    ...trial(square, (view) => swapAxes(view, "o", "i") ?? view, `${names}: with the square weights transposed`),
    ...trial(convolutions, (view) => flip(view, ["h", "w"]), "with all kernels rotated by 180° (Theano's convolution)"),
  ];
}

/** Rows in the order `kept`, taken for rows in the order `read`. */
function rowsRead(kept: string, read: string, ctx: Context): (view: View) => Promise<View> {
  return async (view) => {
    const axes = [...read.split(" "), "o"];
    const shape = axes.map((name) => view.shape[view.axes.indexOf(name)] ?? 1);
    const values = await loadView(view, `${kept} o`, ctx);
    const source = memorySource(new Uint8Array(values.buffer));
    return { ...(await plainView(contiguous({ name: "rows", dtype: "float32", shape, source }))), axes };
  };
}

function variances(network: Network): readonly Trial[] {
  const epsilon = network.layers.filter(isWeighted).find((layer) => layer.batchNorm !== undefined)?.batchNorm?.epsilon;
  if (epsilon === undefined) return [];
  return [
    {
      network,
      variance: (value) => Math.max(value * value - epsilon, 0),
      sentence:
        "with the variances of batch norm taken for sigma and squared, the expected values come out: the file keeps standard deviations",
    },
    {
      network,
      variance: (value) => Math.sqrt(value + epsilon),
      sentence: "with the root of the variances of batch norm the expected values come out: they were squared once too often",
    },
  ];
}
