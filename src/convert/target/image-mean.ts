import type { Context } from "../../io/context.ts";
import type { Identity } from "../../model/identity.ts";
import { isImageConstant } from "../../model/kinds.ts";
import type { Preprocessing, Scheme } from "../../model/scheme.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import { loadFloat64 } from "../../tensor/load.ts";
import { isNumeric, type NumericTensor } from "../../tensor/tensor.ts";

/*
 * Mean colours that stand among the weights: tf-slim's mean_rgb, a torch model's registered pixel_mean and pixel_std. They say
 * how images are prepared, and no network but their own has a place for them.
 */

/** The reason that the ledger gives for leaving one out. */
export const isPreparation = "it says how images are prepared: written as preprocessing";

/** Significant digits of a float32: 123.68 and not 123.68000030517578. */
const digits = 7;

/**
 * Whether an image constant stays a tensor: where names are kept or canonical, in the source's own format, and where the
 * target's convention has it too.
 */
export function keepsImageConstants(naming: Scheme | "keep", source: string, target: string): (key: string) => boolean {
  if (naming === "keep" || naming.id === "canonical" || source === target) return () => true;
  const { imageMean } = naming;
  return (key) => imageMean !== undefined && key.endsWith(imageMean);
}

/** The identity with the mean colour that a tensor of the checkpoint holds, in place of what its scheme lets assume. */
export async function withImageMean(identity: Identity | undefined, checkpoint: Checkpoint, ctx: Context): Promise<Identity | undefined> {
  const known = identity?.preprocessing;
  if (identity === undefined || known === undefined || known.source === "read") return identity;
  const found = new Map<string, NumericTensor>();
  for (const tensor of checkpoint.tensors.values()) {
    if (isNumeric(tensor) && isImageConstant(tensor.name)) found.set(tensor.name.replace(/^.*[/.]/, ""), tensor);
  }
  const mean = await colour(found.get("mean_rgb") ?? found.get("mean_bgr") ?? found.get("pixel_mean"), known, ctx);
  if (mean === undefined) return identity;
  const std = await colour(found.get("pixel_std"), known, ctx);
  const range = mean.some((value) => Math.abs(value) > 1) ? 255 : 1;
  const preprocessing: Preprocessing = {
    ...known,
    ...(found.has("mean_rgb") ? { channels: "rgb" } : found.has("mean_bgr") ? { channels: "bgr" } : {}),
    range,
    mean,
    std: std ?? (range === known.range ? known.std : mean.map(() => 1)),
    source: "read",
  };
  return { ...identity, preprocessing };
}

/** As many finite numbers as the network has channels. */
async function colour(tensor: NumericTensor | undefined, known: Preprocessing, ctx: Context): Promise<readonly number[] | undefined> {
  if (tensor === undefined || tensor.shape.reduce((product, n) => product * n, 1) !== known.mean.length) return undefined;
  const values = [...(await loadFloat64(tensor, ctx))];
  return values.every(Number.isFinite) ? values.map((value) => Number(value.toPrecision(digits))) : undefined;
}
