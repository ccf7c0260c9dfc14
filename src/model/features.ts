import { type Blocks, findBlocks } from "./blocks.ts";
import { type Conv, fewestConvs, findRun, isSmall, type Run } from "./chain.ts";
import { blocksOfCount } from "./configs.ts";
import type { DescribedCheckpoint } from "./described.ts";
import type { Grouped } from "./groups.ts";

/** A VGG's convolutions, and those behind them that are its head kept as convolutions. */
export interface Features {
  readonly run: Run;
  readonly convs: readonly Conv[];
  readonly headConvs: readonly Conv[];
  readonly blocks: Blocks;
}

const headNames = /(^|[/._ ])(fc\d*|fc_?\d+|dense|classifier|predictions?|logits|score)([/._ \d]|$)/i;

/** Finds the convolutions of a VGG: at least eight that chain (or as many as `fewest`), 3×3 or 1×1, in three or more blocks. */
export function findFeatures(checkpoint: DescribedCheckpoint, grouped: Grouped, fewest = fewestConvs): Features | undefined {
  const run = findRun(checkpoint, grouped.weights, fewest);
  if (run === undefined) return undefined;
  const flat = run.layout === "o (i h w)";
  for (const count of flat ? flatSplits(run.convs) : splits(run.convs)) {
    const convs = run.convs.slice(0, count);
    if (convs.length < fewest || !convs.every(isSmall)) continue;
    const blocks = findBlocks({ convs, checkpoint, batchNorm: grouped.norms.length >= convs.length });
    if (blocks !== undefined && isFamily(convs, blocks)) return { run, convs, headConvs: flat ? [] : run.convs.slice(count), blocks };
  }
  return undefined;
}

/** Kernels kept as matrices look like fully connected layers of a 3×3 feature map: published depths come first. */
function flatSplits(convs: readonly Conv[]): readonly number[] {
  const counts = Array.from({ length: convs.length }, (_, i) => convs.length - i);
  return [...counts.filter((count) => blocksOfCount(count) !== undefined), convs.length];
}

/** How many of a chain's convolutions may be features, the likeliest first; the rest is the head. */
function splits(convs: readonly Conv[]): readonly number[] {
  const large = convs.findIndex((conv) => !isSmall(conv));
  if (large >= 0) return [large];
  const named = convs.findIndex((conv) => headNames.test(conv.layer.name) || headNames.test(conv.layer.weight.label ?? ""));
  if (named >= fewestConvs) return [named];
  // A head whose feature map is 3×3 or 1×1: two 1×1 convolutions at the end, as no published configuration has them.
  const pointwise = convs.slice(-2).every((conv) => conv.kernel[0] === 1);
  const shorter = [convs.length - 3, convs.length - 2].filter((count) => pointwise && blocksOfCount(count) !== undefined);
  if (shorter.length > 0) return [...shorter, convs.length];
  return [convs.length];
}

/**
 * Blocks begin with 3×3, and the last is wider than the first: plain chains of equal convolutions are other networks.
 * Pruned networks may have any widths, where their blocks are those of a published configuration.
 */
function isFamily(convs: readonly Conv[], blocks: Blocks): boolean {
  if (convs.some((conv, i) => conv.kernel[0] === 1 && blocks.places[i]?.[1] === 1)) return false;
  const published = blocksOfCount(convs.length + blocks.missing.length);
  const seen = blocks.source === "layers" || blocks.source === "names" || blocks.source === "numbers";
  if (seen && published?.join() === blocks.lengths.join()) return true;
  const widening = convs.every((conv, i) => i === 0 || conv.outputs >= (convs[i - 1]?.outputs ?? 0));
  return widening && (convs.at(-1)?.outputs ?? 0) > (convs[0]?.outputs ?? 0);
}
