import type { Inert } from "../tensor/checkpoint.ts";
import type { DescribedCheckpoint } from "./described.ts";
import { asNumbers, flatEntries } from "./records.ts";
import type { Preprocessing } from "./scheme.ts";

/**
 * Mean colour that a MatConvNet file keeps: meta.normalization.averageImage, three numbers or a full image with their `mean`,
 * 0…255, R G B. Files of this tool also have divideBy, on the same scale, and channelOrder where MatConvNet's own do not fit.
 */
export function readPreprocessing(checkpoint: DescribedCheckpoint): Preprocessing | undefined {
  const entries = new Map(flatEntries(checkpoint.metadata, 4));
  for (const [name, value] of entries) {
    const beside = /^(.*?)averageImage(\.mean)?$/.exec(name)?.[1];
    const mean = beside === undefined || !/(^|\.)$/.test(beside) ? undefined : threeNumbers(value);
    if (mean === undefined) continue;
    const std = threeNumbers(entries.get(`${beside}divideBy`) ?? null) ?? [1, 1, 1];
    const channels = entries.get(`${beside}channelOrder`) === "bgr" ? "bgr" : "rgb";
    return { channels, range: 255, mean, std, source: "read" };
  }
  return undefined;
}

/** Three numbers, however deep in lists of one they lie (1×1×3). */
function threeNumbers(value: Inert): readonly number[] | undefined {
  if (Array.isArray(value) && value.length === 1) return threeNumbers(value[0]);
  if (Array.isArray(value) && value.length === 3 && value.every((item) => Array.isArray(item)))
    return threeNumbers(value.map((item) => (Array.isArray(item) ? item[0] : item)));
  const numbers = asNumbers(value);
  if (numbers?.length !== 3) return undefined;
  const known = numbers.filter((number) => number !== undefined);
  return known.length === 3 ? known : undefined;
}
