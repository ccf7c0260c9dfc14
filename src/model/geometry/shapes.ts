import { CheckpointError } from "../../errors.ts";
import type { ConvLayer, FcLayer, Network, NetworkLayer, PoolLayer } from "../network/network.ts";
import { halving, plainWindows, slide, type Windows } from "./window.ts";

export type WeightedLayer = ConvLayer | FcLayer;

/** Output of one layer without the batch: C H W, or [features] once a head has become a vector. */
export interface LayerShape {
  readonly layer: NetworkLayer;
  readonly input: readonly number[];
  readonly output: readonly number[];
}

/** Height and width of a square picture of the published networks; used where a network says nothing at all about its input. */
const PUBLISHED_SIZE = 224;

/**
 * Shapes of every layer for an input of `inputShape` (N C H W). Throws `mismatch` where the input does not fit the network
 * and `unsupported` where its layers do not fit each other.
 */
export function layerShapes(network: Network, inputShape: readonly number[]): readonly LayerShape[] {
  const [batch, channels, height, width] = inputShape;
  if (inputShape.length !== 4 || batch === undefined || channels === undefined || height === undefined || width === undefined) {
    throw new CheckpointError("mismatch", `the input has shape ${shapeText(inputShape)}, and N C H W was needed`);
  }
  if (channels !== network.inputChannels) {
    throw new CheckpointError("mismatch", `the input has ${count(channels, "channel")}, and the network takes ${network.inputChannels}`);
  }
  let shape: readonly number[] = [channels, height, width];
  return network.layers.map((layer) => {
    const output = outputShape(network, layer, shape, `${height}×${width}`);
    const row = { layer, input: shape, output };
    shape = output;
    return row;
  });
}

/**
 * The network with height and width of what enters fc6 filled in for this input, where its file does not say
 * (a dense head knows only their product).
 */
export function resolveFeatures(network: Network, inputShape: readonly number[]): Network {
  const first = layerShapes(network, inputShape).find((row) => row.layer.kind === "fc");
  const [channels, height, width] = first?.input ?? [];
  if (network.head !== "dense" || channels === undefined || height === undefined || width === undefined) return network;
  return { ...network, featureShape: [channels, height, width] };
}

export interface InputSize {
  readonly height: number;
  readonly width: number;
  /** A sentence for people where the file did not say. */
  readonly assumed?: string;
}

/**
 * The input size to run when nobody names one: the file's own; else what the head's kernel or rows ask for, the most square
 * with height ≤ width; else 224×224.
 */
export function defaultSize(network: Network): InputSize {
  if (network.inputSize !== undefined) return { height: network.inputSize[0], width: network.inputSize[1] };
  const reduction = 2 ** network.layers.filter((layer) => layer.kind === "pool").length;
  const first = network.layers.find((layer) => layer.kind === "fc");
  const adaptive = network.layers.find((layer) => layer.kind === "adaptive-pool");
  if (adaptive !== undefined) {
    const [height, width] = [adaptive.size[0] * reduction, adaptive.size[1] * reduction];
    return { height, width, assumed: `the file does not name an input size; ${height}×${width} makes the adaptive pool the identity` };
  }
  const [channels, kernelHeight, kernelWidth] = network.featureShape ?? [];
  if (first === undefined || channels === undefined) {
    return {
      height: PUBLISHED_SIZE,
      width: PUBLISHED_SIZE,
      assumed: `the file does not name an input size; ${PUBLISHED_SIZE}×${PUBLISHED_SIZE} is taken`,
    };
  }
  if (kernelHeight !== undefined && kernelWidth !== undefined) {
    return { height: kernelHeight * reduction, width: kernelWidth * reduction };
  }
  const [h, w] = mostSquare(first.inputs / channels);
  return {
    height: h * reduction,
    width: w * reduction,
    assumed: `${first.name} has ${first.inputs} inputs of ${channels} channels and the file does not say their height and width; ${h}×${w} is taken, an input of ${h * reduction}×${w * reduction}`,
  };
}

/** The factors h ≤ w of `area` that lie closest together. */
export function mostSquare(area: number): readonly [number, number] {
  let h = Math.floor(Math.sqrt(area));
  while (h > 1 && area % h !== 0) h -= 1;
  return [Math.max(h, 1), area / Math.max(h, 1)];
}

/**
 * Height and width of a layer's kernel. A fully connected layer that reads features covers what its file says, or all of
 * `input` (C H W) where that does not say it.
 */
export function kernelSize(network: Network, layer: WeightedLayer, input: readonly number[] = []): readonly [number, number] {
  if (layer.kind === "conv") return layer.kernel;
  if (layer.windows !== undefined) return [layer.windows[0].kernel, layer.windows[1].kernel];
  if (network.layers.find((other) => other.kind === "fc")?.name !== layer.name) return [1, 1];
  const [, height, width] = network.featureShape ?? [];
  return [height ?? input[1] ?? 1, width ?? input[2] ?? 1];
}

/** How a convolution, a pool, or a fully connected layer kept as a convolution slides. */
export function windowsOf(network: Network, layer: WeightedLayer | PoolLayer, input?: readonly number[]): Windows {
  if (layer.windows !== undefined) return layer.windows;
  if (layer.kind === "pool") return halving(layer.ceil);
  return plainWindows(kernelSize(network, layer, input), layer.kind === "conv" ? layer.pad : [0, 0]);
}

/** Height, width, inputs and outputs of a layer's kernel. */
export function kernelShape(network: Network, layer: WeightedLayer, input?: readonly number[]): readonly [number, number, number, number] {
  const [height, width] = kernelSize(network, layer, input);
  return [height, width, layer.kind === "conv" ? layer.inputs : layer.inputs / (height * width), layer.outputs];
}

export function isWeighted(layer: NetworkLayer): layer is WeightedLayer {
  return layer.kind === "conv" || layer.kind === "fc";
}

export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

function outputShape(network: Network, layer: NetworkLayer, input: readonly number[], size: string): readonly number[] {
  const [channels = 0, height, width] = input;
  if (layer.kind === "fc") return fcShape(network, layer, input, size);
  if (height === undefined || width === undefined) {
    throw new CheckpointError("unsupported", `${layer.name} comes after a fully connected layer`);
  }
  switch (layer.kind) {
    case "conv": {
      if (layer.inputs !== channels) {
        throw new CheckpointError("unsupported", `${layer.name} takes ${layer.inputs} channels, and the layer before gives ${channels}`);
      }
      return [layer.outputs, ...slid(network, layer, [height, width], size)];
    }
    case "pool":
      return [channels, ...slid(network, layer, [height, width], size)];
    case "adaptive-pool":
      return [channels, ...layer.size];
  }
}

function slid(network: Network, layer: WeightedLayer | PoolLayer, [height, width]: readonly [number, number], size: string) {
  const [down, across] = windowsOf(network, layer, [0, height, width]);
  return leftOver([slide(height, down), slide(width, across)], layer.name, size);
}

function leftOver(out: readonly [number, number], layer: string, size: string): readonly [number, number] {
  if (out[0] < 1 || out[1] < 1) throw new CheckpointError("mismatch", `an input of ${size} is too small: nothing is left at ${layer}`);
  return out;
}

function fcShape(network: Network, layer: FcLayer, input: readonly number[], size: string) {
  const { name, inputs, outputs } = layer;
  const [channels = 0, height, width] = input;
  if (height === undefined || width === undefined) {
    if (channels === inputs) return [outputs];
    throw new CheckpointError("unsupported", `${name} takes ${inputs} values, and the layer before gives ${channels}`);
  }
  const isFirst = network.layers.find((layer) => layer.kind === "fc")?.name === name;
  const [wantedChannels, wantedHeight, wantedWidth] = isFirst ? (network.featureShape ?? []) : [];
  if (network.head === "conv") {
    const kernel = kernelSize(network, layer, input);
    if (kernel[0] * kernel[1] * channels !== inputs) throw headMismatch(name, inputs, input, size);
    const out = slid(network, layer, [height, width], size);
    // One position is a vector; a larger input gives a map of scores, as the fully convolutional network does.
    return out[0] === 1 && out[1] === 1 ? [outputs] : [outputs, ...out];
  }
  const fits = (wantedHeight === undefined || wantedHeight === height) && (wantedWidth === undefined || wantedWidth === width);
  if (channels * height * width !== inputs || (wantedChannels !== undefined && wantedChannels !== channels) || !fits) {
    throw headMismatch(name, inputs, input, size, [wantedHeight, wantedWidth]);
  }
  return [outputs];
}

function headMismatch(
  name: string,
  inputs: number,
  input: readonly number[],
  size: string,
  positions: readonly (number | undefined)[] = [],
) {
  const [height, width] = positions;
  const wanted = height === undefined || width === undefined ? `${inputs} values` : `${height}×${width} positions (${inputs} values)`;
  return new CheckpointError(
    "mismatch",
    `an input of ${size} gives ${name} features of ${input.join("×")} (channels, height, width), and its weights take ${wanted}`,
    { hint: "give an input of the size that the network was trained for, or convert the head with --fc conv" },
  );
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
