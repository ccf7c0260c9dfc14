import { CheckpointError } from "../../errors.ts";
import type { Context } from "../../io/context.ts";
import { elements, shapeText } from "../../model/geometry/shapes.ts";
import type { Network } from "../../model/network/network.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import { load } from "../../tensor/load.ts";
import { isNumeric, type NumericTensor } from "../../tensor/tensor.ts";
import type { Activation } from "../engines/engine.ts";

export type InputLayout = "nchw" | "nhwc";

/** Values of one batch, at most: 4 GiB of float32, more than any engine here takes. */
const MAX_VALUES = 2 ** 30;

/**
 * A batch from an array file, used as it is: N C H W or N H W C (recognised by the channels that the network takes), or a single
 * picture without N. Throws `mismatch` where the shape fits neither, `usage` where it fits both and no layout was named.
 */
export async function inputFrom(
  checkpoint: Checkpoint,
  file: string,
  network: Network,
  layout: InputLayout | undefined,
  ctx: Context,
): Promise<Activation> {
  const tensor = onlyTensor(checkpoint, file);
  const axes = layoutOf(tensor.shape, network.inputChannels, layout, file);
  if (elements(tensor.shape) > MAX_VALUES) {
    throw new CheckpointError("unsupported", `${elements(tensor.shape)} values in one batch; at most ${MAX_VALUES} are run`, { file });
  }
  const single = tensor.shape.length === 3;
  const sizes = new Map([...axes].map((axis, k) => [axis, (single ? [1, ...tensor.shape] : tensor.shape)[k] ?? 0]));
  const stored = [...axes].slice(single ? 1 : 0).join(" ");
  const values = await load(tensor, stored, single ? "c h w" : "n c h w", new Map(), ctx);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new CheckpointError("unsupported", `the input holds ${values[bad]} at value ${bad}, needed finite numbers`, { file });
  return { layer: "input", shape: [..."nchw"].map((axis) => sizes.get(axis) ?? 0), values };
}

function onlyTensor(checkpoint: Checkpoint, file: string): NumericTensor {
  const tensors = [...checkpoint.tensors.values()];
  const tensor = tensors.length === 1 ? tensors[0] : checkpoint.tensors.get("input");
  if (tensor === undefined) {
    throw new CheckpointError("mismatch", `${tensors.length} arrays found, needed one, or one named "input"`, { file });
  }
  if (!isNumeric(tensor)) throw new CheckpointError("mismatch", "strings found, needed numbers", { file });
  return tensor;
}

function layoutOf(shape: readonly number[], channels: number, asked: InputLayout | undefined, file: string): InputLayout {
  const four = shape.length === 3 ? [1, ...shape] : shape;
  const needed = `N C H W or N H W C with ${channels} ${channels === 1 ? "channel" : "channels"}`;
  if (four.length !== 4 || elements(four) === 0) {
    throw new CheckpointError("mismatch", `the input has shape ${shapeText(shape)}, needed ${needed}`, { file });
  }
  const fits: readonly InputLayout[] = [
    ...(four[1] === channels ? (["nchw"] as const) : []),
    ...(four[3] === channels ? (["nhwc"] as const) : []),
  ];
  if (fits.length === 0 || (asked !== undefined && !fits.includes(asked))) {
    throw new CheckpointError(
      "mismatch",
      `the input has shape ${shapeText(shape)}, needed ${asked === undefined ? needed : `${asked.toUpperCase()} with ${channels} channels`}`,
      { file },
    );
  }
  if (asked !== undefined) return asked;
  if (fits.length === 2) {
    throw new CheckpointError("usage", `the input's shape ${shapeText(shape)} can be read as N C H W and as N H W C`, {
      file,
      hint: "say which with --input-layout nchw or --input-layout nhwc",
    });
  }
  return fits[0] ?? "nchw";
}
