import { isWeighted, kernelShape, layerShapes, type WeightedLayer } from "../../model/geometry/shapes.ts";
import type { Network, NetworkLayer } from "../../model/network.ts";
import type { Weights } from "../engines/engine.ts";
import { rearranged } from "./kernel-moves.ts";
import { type Kernel, type Place, places, rowsKept } from "./kernel-relations.ts";

/** A network changed in one way that would explain why its outputs are not the expected ones. */
export interface Trial {
  readonly network: Network;
  readonly weights: Weights;
  /** What it means if the expected values come out. */
  readonly sentence: string;
}

/** Epsilons of batch norm that frameworks use: PyTorch and Paddle, Keras and tf-slim, raw MatConvNet. */
const EPSILONS = [1e-5, 1e-3, 1e-4];

/** The usual mistakes that no shape shows, commonest first; `inputShape` N C H W. */
export function trialsOf(network: Network, weights: Weights, inputShape: readonly number[]): readonly Trial[] {
  return [
    ...epsilons(network, weights),
    ...kernels(network, weights),
    ...dropout(network, weights),
    ...pools(network, weights, inputShape),
    ...variances(network, weights),
  ];
}

function withLayers(network: Network, change: (layer: NetworkLayer) => NetworkLayer): Network {
  return { ...network, layers: network.layers.map(change) };
}

function epsilons(network: Network, weights: Weights): readonly Trial[] {
  const current = network.layers.filter(isWeighted).find((layer) => layer.batchNorm !== undefined)?.batchNorm?.epsilon;
  return (current === undefined ? [] : EPSILONS.filter((value) => value !== current)).map((epsilon) => ({
    network: withLayers(network, (layer) =>
      isWeighted(layer) && layer.batchNorm !== undefined ? { ...layer, batchNorm: { epsilon } } : layer,
    ),
    weights,
    sentence: `with ${epsilon} as epsilon of batch norm (${current} was taken) the expected values come out: --bn-epsilon ${epsilon}`,
  }));
}

function dropout(network: Network, weights: Weights): readonly Trial[] {
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
  return [{ network: changed, weights, sentence }];
}

/** Sizes are rounded only where one of them is odd. */
function pools(network: Network, weights: Weights, inputShape: readonly number[]): readonly Trial[] {
  const isOdd = layerShapes(network, inputShape).some(
    ({ layer, input }) => layer.kind === "pool" && input.slice(1).some((size) => size % 2 === 1),
  );
  if (!isOdd) return [];
  const changed = withLayers(network, (layer) => (layer.kind === "pool" ? { ...layer, ceil: !layer.ceil } : layer));
  return [{ network: changed, weights, sentence: "with the pools' sizes rounded the other way the expected values come out" }];
}

function kernels(network: Network, weights: Weights): readonly Trial[] {
  const layers = network.layers.filter(isWeighted);
  const convolutions = layers.filter((layer) => layer.kind === "conv");
  const fc = layers.filter((layer) => layer.kind === "fc");
  const trial = (changed: readonly WeightedLayer[], place: Place, sentence: string): readonly Trial[] => {
    const shapes = new Map(changed.map((layer) => [`${layer.name}.weight`, kernelShape(network, layer)]));
    return changed.length === 0
      ? []
      : [{ network, weights: moved(weights, shapes, place), sentence: `${sentence} the expected values come out` }];
  };
  const [first, head] = [convolutions.slice(0, 1), fc.slice(0, 1)];
  const flattens = head.filter((layer) => kernelShape(network, layer)[0] * kernelShape(network, layer)[1] > 1);
  const square = fc.slice(1).filter((layer) => layer.inputs === layer.outputs);
  const names = square.map((layer) => layer.name).join(" and ");
  const fc6 = head[0]?.name ?? "";
  return [
    ...trial(flattens, rowsKept(["i", "h", "w"], ["h", "w", "i"]), `${fc6}: with its rows read as h,w,c, and not as c,h,w,`),
    ...trial(flattens, rowsKept(["h", "w", "i"], ["i", "h", "w"]), `${fc6}: with its rows read as c,h,w, and not as h,w,c,`),
    ...trial(
      first,
      places.inputsReversed,
      "conv1_1: with its input channels reversed (the file expects BGR where the input is RGB, or the other way round)",
    ),
    ...trial(square, places.transposed, `${names}: with the square weights transposed`),
    ...trial(convolutions, places.rotated, "with all kernels rotated by 180° (Theano's convolution)"),
  ];
}

function variances(network: Network, weights: Weights): readonly Trial[] {
  const epsilon = network.layers.filter(isWeighted).find((layer) => layer.batchNorm !== undefined)?.batchNorm?.epsilon;
  if (epsilon === undefined) return [];
  const mapped =
    (change: (value: number) => number): Weights =>
    async (role, axes) => {
      const values = await weights(role, axes);
      return role.endsWith(".bn.var") ? values.map(change) : values;
    };
  return [
    {
      network,
      weights: mapped((value) => Math.max(value * value - epsilon, 0)),
      sentence:
        "with the variances of batch norm taken for sigma and squared, the expected values come out: the file keeps standard deviations",
    },
    {
      network,
      weights: mapped((value) => Math.sqrt(value + epsilon)),
      sentence: "with the root of the variances of batch norm the expected values come out: they were squared once too often",
    },
  ];
}

/** The weights with the values of some kernels in other places. */
function moved(weights: Weights, shapes: ReadonlyMap<string, Kernel["shape"]>, place: Place): Weights {
  return async (role, axes) => {
    const values = await weights(role, axes);
    const shape = shapes.get(role);
    return shape === undefined ? values : rearranged({ shape, values }, place, axes.startsWith("o ") ? "o i h w" : "h w i o");
  };
}
