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
import type { Device, Session, SessionInput, Weights } from "./engine.ts";
import { parameters } from "./parameters.ts";
import { products, rectify } from "./products.ts";
import type { TfjsOps } from "./tfjs-ops.ts";

export interface TfjsBackend {
  readonly tf: TfjsOps;
  /** Name under which the backend is registered: "wasm", "tensorflow", "webgpu". */
  readonly backend: string;
  readonly device: Device;
  /**
   * Fully connected layers are sums of our own (products.ts), and a network that is run once has its weights read when their layer's turn
   * comes: where the backend would pack them first, in a heap of its own.
   */
  readonly frugal?: boolean;
  /** Rejects when the device is lost; what is waited for then never comes. */
  readonly lost?: Promise<never>;
}

/** Weights of one layer: on the backend, or here as rows of one output each. */
type Held = { readonly kernel: Tensor; readonly bias: Tensor1D } | { readonly rows: Float32Array; readonly bias: Float32Array };

/** What goes from layer to layer: N C H W, or N features; `x` is on the backend, N H W C. */
interface Flow {
  readonly values: Float32Array;
  readonly x: Tensor | undefined;
}

/**
 * A network on a TensorFlow.js backend, in N H W C. Weights go to the backend layer by layer: one layer exists twice at a time.
 * `input.shape` (N C H W) decides height and width where a dense head does not say them.
 */
export async function openTfjsSession(
  { tf, backend, device, frugal = false, lost }: TfjsBackend,
  network: Network,
  weights: Weights,
  input: SessionInput,
  ctx: Context,
): Promise<Session> {
  await tf.setBackend(backend);
  const inTurn = frugal && input.once === true;
  const held = new Map<string, Held>();
  // A heap that has overflowed cannot be trusted to free anything.
  let overflowed = false;
  const failed = (error: unknown): unknown => {
    const explained = explain(error);
    overflowed ||= explained !== error;
    return explained;
  };
  const close = async (): Promise<void> => {
    for (const each of overflowed ? [] : held.values()) release(each);
    held.clear();
  };
  const take = (row: LayerShape): Promise<Held> => hold(tf, network, row, weights, frugal && isProduct(network, row));
  try {
    for (const row of inTurn ? [] : layerShapes(network, input.shape)) {
      if (!isWeighted(row.layer)) continue;
      held.set(row.layer.name, await take(row));
      await ctx.tick(0);
    }
  } catch (error) {
    const explained = failed(error);
    await close();
    throw explained;
  }
  const step = async (from: Flow, row: LayerShape, n: number): Promise<Flow> => {
    const { layer } = row;
    const own = held.get(layer.name) ?? (isWeighted(layer) ? await take(row) : undefined);
    try {
      if (own !== undefined && "rows" in own && layer.kind === "fc") {
        const values = products(from.values, own.rows, own.bias, n);
        if (isRectified(network, layer)) rectify(values);
        return { values, x: undefined };
      }
      const before = from.x ?? tf.tensor2d(from.values, [n, from.values.length / n]);
      try {
        const x = layer.kind === "adaptive-pool" ? adaptive(tf, from.values, before, layer) : forward(tf, before, layer, own, network);
        try {
          return { x, values: await channelsFirst(tf, x, lost) };
        } catch (error) {
          x.dispose();
          throw error;
        }
      } finally {
        if (before !== from.x) before.dispose();
      }
    } finally {
      if (own !== undefined && !held.has(layer.name) && !overflowed) release(own);
    }
  };
  return {
    device,
    ...(inTurn ? { readsInTurn: true } : {}),
    async run(batch, visit) {
      await tf.setBackend(backend);
      const [n = 0, c = 0, h = 0, w = 0] = batch.shape;
      const shapes = layerShapes(network, batch.shape);
      let flow: Flow | undefined;
      try {
        flow = { values: batch.values, x: tf.tidy(() => tf.transpose(tf.tensor4d(batch.values, [n, c, h, w]), [0, 2, 3, 1])) };
        for (const row of shapes) {
          const next: Flow = await step(flow, row, n);
          flow.x?.dispose();
          flow = next;
          await visit({ layer: row.layer.name, shape: [n, ...row.output], values: flow.values });
          await ctx.tick(0);
        }
      } catch (error) {
        throw failed(error);
      } finally {
        if (!overflowed) flow?.x?.dispose();
      }
    },
    close,
  };
}

function release(held: Held): void {
  if ("rows" in held) return;
  held.kernel.dispose();
  held.bias.dispose();
}

async function hold(tf: TfjsOps, network: Network, row: LayerShape, weights: Weights, asRows: boolean): Promise<Held> {
  const { layer, input } = row;
  if (!isWeighted(layer)) throw new TypeError(`${layer.name} has no weights`);
  const isDense = layer.kind === "fc" && network.head !== "conv";
  if (asRows) {
    const { kernel, bias } = await parameters(layer, isDense ? (input.length === 3 ? "o (i h w)" : "o i") : "o i h w", weights);
    return { rows: kernel, bias };
  }
  const [...shape] = kernelShape(network, layer, input);
  const axes = isDense ? (input.length === 3 ? "(h w i) o" : "i o") : "h w i o";
  const { kernel, bias } = await parameters(layer, axes, weights);
  return {
    kernel: isDense ? tf.tensor2d(kernel, [layer.inputs, layer.outputs]) : tf.tensor4d(kernel, shape),
    bias: tf.tensor1d(bias),
  };
}

/** Whether a layer takes all values of its input once, whatever form it is kept in. */
function isProduct(network: Network, { layer, input, output }: LayerShape): boolean {
  if (layer.kind !== "fc" || output.length > 1) return false;
  if (network.head !== "conv") return true;
  const [, height = 1, width = 1] = input;
  const covers = (size: number, { kernel, pad, dilation }: Windows[0]): boolean =>
    kernel === size && (size === 1 || dilation === 1) && pad !== "same" && pad[0] === 0 && pad[1] === 0;
  const [down, across] = windowsOf(network, layer, input);
  return covers(height, down) && covers(width, across);
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
    if (held === undefined || "rows" in held) throw new TypeError(`${layer.name} has no weights on the backend`);
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
function adaptive(tf: TfjsOps, values: Float32Array, x: Tensor, layer: AdaptivePoolLayer): Tensor {
  const [n = 0, h = 0, w = 0, c = 0] = x.shape;
  const fitted = layer.method === "max" ? globalMaximum(values, n * c) : adaptiveAverage(values, [n, c, h, w], layer.size);
  return tf.tidy(() => tf.transpose(tf.tensor4d(fitted, [n, c, layer.size[0], layer.size[1]]), [0, 2, 3, 1]));
}

/** The values in N C H W; N features as they are. */
async function channelsFirst(tf: TfjsOps, x: Tensor, lost: Promise<never> | undefined): Promise<Float32Array> {
  const turned = x.rank === 4 ? tf.transpose(x, [0, 3, 1, 2]) : x;
  try {
    const values = await (lost === undefined ? turned.data() : Promise.race([turned.data(), lost]));
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
