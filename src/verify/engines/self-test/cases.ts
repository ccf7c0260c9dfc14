import { elements, isWeighted, kernelSize, type LayerShape, layerShapes, shapeText, windowsOf } from "../../../model/geometry/shapes.ts";
import { slide, type Window, windowReach, windowsText } from "../../../model/geometry/window.ts";
import type { FcLayer, Network, NetworkLayer } from "../../../model/network/network.ts";
import type { KernelSizes } from "./made-values.ts";

/** One layer of a network, alone and on a small picture: what an engine has to compute before it is believed. */
export interface TestCase {
  /** Of this layer alone. */
  readonly network: Network;
  /** N C H W. */
  readonly input: readonly number[];
  /** undefined for a pool. */
  readonly kernel: KernelSizes | undefined;
  /** "conv3_1 (3×3, stride 1, padding 1, 12 → 16 channels)". */
  readonly title: string;
}

/** Places along height and width: border and interior, and never a square, so that exchanged axes show. */
const PLACES = [5, 6] as const;
/**
 * Weights of one case. What has more is computed with all its inputs and some of its outputs: enough for whole vectors and tiles of any
 * engine, and the odd ones that the layer ends with.
 */
const MOST_WEIGHTS = 2 ** 17;
const TILE = 32;
/** The same for a fully connected layer, which no engine computes in tiles for one picture. */
const VECTOR = 16;

/**
 * One case for each different layer of a network: channels, kernel, steps, padding and dilation are the layer's own, because kernels are
 * chosen by them; the picture is small, and of a fully connected layer a few outputs are computed from all its inputs.
 */
export function casesOf(network: Network, inputShape: readonly number[]): readonly TestCase[] {
  const cases = layerShapes(network, inputShape).flatMap((row) => caseOf(network, row) ?? []);
  const seen = new Set<string>();
  return cases.filter(({ network: { layers }, input }) => {
    const { name: _, ...rest } = layers[0] ?? { name: "" };
    const key = JSON.stringify([rest, input]);
    return seen.has(key) ? false : seen.add(key);
  });
}

function caseOf(network: Network, { layer, input, output }: LayerShape): TestCase | undefined {
  const [channels = 0, height = 1, width = 1] = input;
  if (layer.kind === "adaptive-pool") return undefined;
  if (layer.kind === "pool") {
    const windows = windowsOf(network, layer);
    return {
      network: alone(network, layer, channels),
      input: [1, channels, sizeFor(windows[0], PLACES[0]), sizeFor(windows[1], PLACES[1])],
      kernel: undefined,
      title: `${layer.name} (${layer.method ?? "maximum"} over ${windowsText(windows)}, ${channels} channels)`,
    };
  }
  if (!isWeighted(layer)) return undefined;
  const windows = windowsOf(network, layer, input);
  if (layer.kind === "conv") {
    const { batchNorm: _, ...plain } = layer;
    const outputs = elements([layer.inputs, layer.outputs, ...layer.kernel]) > MOST_WEIGHTS ? someOf(layer.outputs, TILE) : layer.outputs;
    return {
      network: alone(network, { ...plain, outputs, bias: true }, channels),
      input: [1, channels, sizeFor(windows[0], PLACES[0]), sizeFor(windows[1], PLACES[1])],
      kernel: { o: outputs, i: layer.inputs, h: layer.kernel[0], w: layer.kernel[1] },
      title: `${layer.name} (${windowsText(windows)}, ${layer.inputs} → ${part(outputs, layer.outputs)} channels)`,
    };
  }
  const outputs = someOf(layer.outputs, VECTOR);
  const { batchNorm: _norm, inputScale: _scale, ...plain } = layer;
  const [h, w] = kernelSize(network, layer, input);
  const inputs = layer.inputs / (h * w);
  const fc: FcLayer = { ...plain, outputs, bias: true };
  const isConv = network.head === "conv";
  const [rows, columns] = output.length === 1 ? [1, 1] : [2, 3];
  const size = isConv ? [sizeFor(windows[0], rows), sizeFor(windows[1], columns)] : [height, width];
  const form = isConv ? `${windowsText(windows)}, ${inputs}` : `${shapeText(input)}`;
  return {
    network: {
      ...alone(network, fc, channels),
      head: isConv ? "conv" : "dense",
      featureShape: isConv ? [channels, h, w] : [channels, height, width],
    },
    input: [1, channels, ...size],
    kernel: { o: outputs, i: inputs, h, w },
    title: `${layer.name} (${form} → ${part(outputs, layer.outputs)} outputs)`,
  };
}

function someOf(outputs: number, block: number): number {
  return Math.min(outputs, block + (outputs % block));
}

function part(some: number, all: number): string {
  return some === all ? `${all}` : `${some} of its ${all}`;
}

function alone(network: Network, layer: NetworkLayer, inputChannels: number): Network {
  const { classes: _classes, head: _head, featureShape: _features, inputSize: _size, ...rest } = network;
  return { ...rest, layers: [layer], inputChannels, batchNorm: false, missing: [], uncomputed: [], complete: true };
}

/** The size along which a window has so many places. */
function sizeFor(window: Window, places: number): number {
  const { stride, pad } = window;
  if (pad === "same") return places * stride;
  let size = Math.max(1, (places - 1) * stride + windowReach(window) - pad[0] - pad[1]);
  while (slide(size, window) < 1) size += 1;
  return size;
}
