import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from "@tensorflow/tfjs-core";
import { CheckpointError } from "../../errors.ts";
import type { Context } from "../../io/context.ts";
import {
  elements,
  isWeighted,
  kernelShape,
  type LayerShape,
  layerShapes,
  type WeightedLayer,
  windowsOf,
} from "../../model/geometry/shapes.ts";
import { padsOf, type Windows } from "../../model/geometry/window.ts";
import type { AdaptivePoolLayer, Network, NetworkLayer } from "../../model/network/network.ts";
import { isRectified } from "../runnable.ts";
import { adaptiveAverage, globalMaximum } from "./adaptive-pool.ts";
import type { Device, Session, Weights } from "./engine.ts";
import { parameters } from "./parameters.ts";

/** The part of TensorFlow.js that a VGG needs; tfjs-core has it, and so has every package that carries tfjs-core along. */
export type TfjsOps = Pick<
  typeof import("@tensorflow/tfjs-core"),
  | "add"
  | "avgPool"
  | "conv2d"
  | "matMul"
  | "maxPool"
  | "pad"
  | "relu"
  | "reshape"
  | "setBackend"
  | "tensor1d"
  | "tensor2d"
  | "tensor4d"
  | "tidy"
  | "transpose"
>;

export interface TfjsBackend {
  readonly tf: TfjsOps;
  /** Name under which the backend is registered: "wasm", "tensorflow". */
  readonly backend: string;
  readonly device: Device;
}

interface Held {
  readonly kernel: Tensor;
  readonly bias: Tensor1D;
}

/**
 * A network on a TensorFlow.js backend, in N H W C. Weights go to the backend layer by layer: one layer exists twice at a time.
 * `input.shape` (N C H W) decides height and width where a dense head does not say them.
 */
export async function openTfjsSession(
  { tf, backend, device }: TfjsBackend,
  network: Network,
  weights: Weights,
  input: { readonly shape: readonly number[] },
  ctx: Context,
): Promise<Session> {
  await tf.setBackend(backend);
  const held = new Map<string, Held>();
  // A heap that has overflowed cannot be trusted to free anything.
  let overflowed = false;
  const failed = (error: unknown): unknown => {
    const explained = explain(error);
    overflowed ||= explained !== error;
    return explained;
  };
  const close = async (): Promise<void> => {
    for (const { kernel, bias } of overflowed ? [] : held.values()) {
      kernel.dispose();
      bias.dispose();
    }
    held.clear();
  };
  try {
    for (const row of layerShapes(network, input.shape)) {
      if (!isWeighted(row.layer)) continue;
      held.set(row.layer.name, await hold(tf, network, row, weights));
      await ctx.tick(0);
    }
  } catch (error) {
    const explained = failed(error);
    await close();
    throw explained;
  }
  return {
    device,
    async run(batch, visit) {
      await tf.setBackend(backend);
      const [n = 0, c = 0, h = 0, w = 0] = batch.shape;
      const shapes = layerShapes(network, batch.shape);
      let x: Tensor | undefined;
      try {
        x = tf.tidy(() => tf.transpose(tf.tensor4d(batch.values, [n, c, h, w]), [0, 2, 3, 1]));
        for (const { layer, output } of shapes) {
          const from: Tensor = x;
          x = layer.kind === "adaptive-pool" ? await adaptive(tf, from, layer) : forward(tf, from, layer, held.get(layer.name), network);
          from.dispose();
          await visit({ layer: layer.name, shape: [n, ...output], values: await channelsFirst(tf, x) });
          await ctx.tick(0);
        }
      } catch (error) {
        throw failed(error);
      } finally {
        if (!overflowed) x?.dispose();
      }
    },
    close,
  };
}

/** True where a module has the operations above: what a dynamic import gives is unknown until then. */
export function hasTfjsOps(module: unknown): module is TfjsOps {
  if (typeof module !== "object" || module === null) return false;
  const names: readonly (keyof TfjsOps)[] = [
    ...(["add", "avgPool", "conv2d", "matMul", "maxPool", "pad", "relu", "reshape"] as const),
    ...(["setBackend", "tensor1d", "tensor2d", "tensor4d", "tidy", "transpose"] as const),
  ];
  return names.every((name) => typeof Reflect.get(module, name) === "function");
}

async function hold(tf: TfjsOps, network: Network, row: LayerShape, weights: Weights): Promise<Held> {
  const { layer, input } = row;
  if (!isWeighted(layer)) throw new TypeError(`${layer.name} has no weights`);
  const [...shape] = kernelShape(network, layer, input);
  const dense = layer.kind === "fc" && network.head !== "conv";
  const axes = dense ? (input.length === 3 ? "(h w i) o" : "i o") : "h w i o";
  const { kernel, bias } = await parameters(layer, axes, weights);
  return {
    kernel: dense ? tf.tensor2d(kernel, [layer.inputs, layer.outputs]) : tf.tensor4d(kernel, shape),
    bias: tf.tensor1d(bias),
  };
}

/** One layer on the backend; x is N H W C, or N features behind a dense head. */
function forward(
  tf: TfjsOps,
  x: Tensor,
  layer: Exclude<NetworkLayer, AdaptivePoolLayer>,
  held: Held | undefined,
  network: Network,
): Tensor {
  return tf.tidy(() => {
    if (layer.kind === "pool") {
      return pooled(tf, image(tf, x), windowsOf(network, layer), layer.method);
    }
    if (held === undefined) throw new TypeError(`${layer.name} has no weights`);
    const before = product(tf, x, layer, held.kernel, network);
    const sum = tf.add(before, held.bias);
    before.dispose();
    return isRectified(network, layer) ? tf.relu(sum) : sum;
  });
}

/** Below every float32: what a pool never takes from its border. TensorFlow's own library knows no padding by numbers. */
const LOWEST = -3.4028234663852886e38;

function pooled(tf: TfjsOps, x: Tensor4D, windows: Windows, method: "average" | undefined): Tensor {
  const [down, across] = windows;
  const [top, bottom] = padsOf(x.shape[1], down);
  const [left, right] = padsOf(x.shape[2], across);
  const kernel: [number, number] = [down.kernel, across.kernel];
  const strides: [number, number] = [down.stride, across.stride];
  if (method === "average") return tf.avgPool(x, kernel, strides, "valid");
  const bordered =
    top + bottom + left + right === 0
      ? x
      : tf.pad(
          x,
          [
            [0, 0],
            [top, bottom],
            [left, right],
            [0, 0],
          ],
          LOWEST,
        );
  return tf.maxPool(bordered, kernel, strides, "valid");
}

function product(tf: TfjsOps, x: Tensor, layer: WeightedLayer, kernel: Tensor, network: Network): Tensor {
  if (isMatrix(kernel)) {
    const [n = 0] = x.shape;
    return tf.matMul(tf.reshape(x, [n, layer.inputs]), kernel);
  }
  if (!isImage(kernel)) throw new TypeError(`${layer.name} has a kernel of rank ${kernel.rank}`);
  const picture = image(tf, x);
  const [down, across] = windowsOf(network, layer, [0, picture.shape[1], picture.shape[2]]);
  const pad: [[number, number], [number, number], [number, number], [number, number]] = [
    [0, 0],
    [...padsOf(picture.shape[1], down)],
    [...padsOf(picture.shape[2], across)],
    [0, 0],
  ];
  const dilations: [number, number] = [down.dilation, across.dilation];
  return tf.conv2d(picture, kernel, [down.stride, across.stride], pad, "NHWC", dilations);
}

/** The adaptive pool is no operation of TensorFlow.js; its input is the smallest of all activations, so it is averaged here. */
async function adaptive(tf: TfjsOps, x: Tensor, layer: AdaptivePoolLayer): Promise<Tensor> {
  const [n = 0, h = 0, w = 0, c = 0] = x.shape;
  const values = await channelsFirst(tf, x);
  const fitted = layer.method === "max" ? globalMaximum(values, n * c) : adaptiveAverage(values, [n, c, h, w], layer.size);
  return tf.tidy(() => tf.transpose(tf.tensor4d(fitted, [n, c, layer.size[0], layer.size[1]]), [0, 2, 3, 1]));
}

/** The values in N C H W; N features as they are. */
async function channelsFirst(tf: TfjsOps, x: Tensor): Promise<Float32Array> {
  const turned = x.rank === 4 ? tf.transpose(x, [0, 3, 1, 2]) : x;
  try {
    const values = await turned.data();
    if (values instanceof Float32Array && values.length === elements(x.shape)) return values;
    throw new TypeError("the backend gave back something else than float32");
  } finally {
    if (turned !== x) turned.dispose();
  }
}

function image(tf: TfjsOps, x: Tensor): Tensor4D {
  const [n = 0, features = 0] = x.shape;
  const shaped = isImage(x) ? x : tf.reshape(x, [n, 1, 1, features]);
  if (!isImage(shaped)) throw new TypeError(`an image of rank ${x.rank}`);
  return shaped;
}

function isImage(x: Tensor): x is Tensor4D {
  return x.rank === 4;
}

function isMatrix(x: Tensor): x is Tensor2D {
  return x.rank === 2;
}

/** The embedded engine's heap ends near 4 GiB with a bare "memory access out of bounds"; JavaScript's own with a RangeError. */
function explain(error: unknown): unknown {
  const text = error instanceof Error ? error.message : String(error);
  const isMemory = error instanceof RangeError || /out of bounds|out of memory|allocation failed|OOM|Cannot enlarge memory/i.test(text);
  if (!isMemory || error instanceof CheckpointError) return error;
  return new CheckpointError("unsupported", "the engine has not enough memory for this network and input", {
    hint: "use a smaller --batch or input, or --engine tensorflow or onnxruntime",
    cause: error,
  });
}
