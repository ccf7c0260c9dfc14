import { CheckpointError } from "../../errors.ts";
import type { Context } from "../../io/context.ts";
import { elements, shapeText } from "../../model/geometry/shapes.ts";
import type { Network } from "../../model/network/network.ts";
import { type Axes, parseAxes, plainAxes } from "../../tensor/axes.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import { load } from "../../tensor/load.ts";
import { isNumeric, type NumericTensor } from "../../tensor/tensor.ts";

/** Values that some other run of the network gave, by layer. */
export interface Expected {
  readonly name: string;
  readonly layers: readonly string[];
  /** Each layer is compared as closely as its depth allows. */
  readonly perLayer?: boolean;
  /** Sentences; there may be more once values were read. */
  readonly notes?: readonly string[];
  /** The layer's values for the whole batch, arranged as `shape` (batch first, N C H W). Throws `mismatch`. */
  values(layer: string, shape: readonly number[]): Promise<Float32Array>;
}

/**
 * What `--expect` names: one array (.npy) is the logits, the last layer before any activation; several (.npz, safetensors)
 * are layers by name: conv1_1 … fc8, `logits` for the last. Throws `mismatch` where a name is no layer's.
 */
export function expectedFrom(checkpoint: Checkpoint, name: string, network: Network, ctx: Context): Expected {
  const last = network.layers.at(-1)?.name ?? "";
  const known = new Set(network.layers.map((layer) => layer.name));
  const found = new Map<string, NumericTensor>();
  for (const tensor of checkpoint.tensors.values()) {
    const layer = checkpoint.tensors.size === 1 && !known.has(tensor.name) ? last : tensor.name === "logits" ? last : tensor.name;
    if (!known.has(layer)) {
      throw new CheckpointError("mismatch", `"${tensor.name}" is no layer of the network; these are: ${[...known].join(", ")}`, {
        file: name,
      });
    }
    if (!isNumeric(tensor)) throw new CheckpointError("mismatch", "strings found, needed numbers", { file: name, tensor: tensor.name });
    found.set(layer, tensor);
  }
  if (found.size === 0) throw new CheckpointError("mismatch", "no array in it, needed the expected values of a layer", { file: name });
  return {
    name,
    layers: [...found.keys()],
    async values(layer, shape) {
      const tensor = found.get(layer);
      if (tensor === undefined) throw new CheckpointError("not-found", `nothing expected of ${layer}`, { file: name });
      return expectedValues(tensor, layer, shape, name, ctx);
    },
  };
}

/** A stored array arranged as a layer's output. */
export async function expectedValues(
  tensor: NumericTensor,
  layer: string,
  shape: readonly number[],
  file: string,
  ctx: Context,
): Promise<Float32Array> {
  const [from, to] = arrangement(tensor.shape, shape, layer, file);
  return load(tensor, from, to, new Map(), ctx);
}

/** Axes of a stored array and the order that makes it `wanted`. Axes of size 1 may be missing or too many. */
function arrangement(stored: readonly number[], wanted: readonly number[], layer: string, file: string): readonly [Axes, Axes] {
  const plain = plainAxes(stored.length);
  const essential = (shape: readonly number[]): string => shape.filter((size) => size !== 1).join(" ");
  if (essential(stored) === essential(wanted)) return [plain, plain];
  const [n = 0, c = 0, h = 0, w = 0] = wanted;
  const isChannelsLast = wanted.length === 4 && essential(stored) === essential([n, h, w, c]) && stored.length === 4;
  if (isChannelsLast) return [parseAxes("n h w c"), parseAxes("n c h w")];
  const why = elements(stored) === elements(wanted) ? "has the same number of values in another shape" : "does not fit";
  throw new CheckpointError("mismatch", `shape ${shapeText(stored)} ${why}: ${layer} gives ${shapeText(wanted)} (batch first, N C H W)`, {
    file,
  });
}
