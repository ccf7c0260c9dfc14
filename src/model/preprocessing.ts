import type { Inert } from "../tensor/checkpoint.ts";
import type { DescribedCheckpoint } from "./described.ts";
import { asNumbers, flatEntries } from "./records.ts";
import type { Preprocessing } from "./scheme.ts";

/** Mean colour that a MatConvNet file keeps: meta.normalization.averageImage, three numbers, R G B, 0…255. */
export function readPreprocessing(checkpoint: DescribedCheckpoint): Preprocessing | undefined {
  for (const [name, value] of flatEntries(checkpoint.metadata, 4)) {
    if (!/(^|\.)averageImage$/.test(name)) continue;
    const mean = threeNumbers(value);
    if (mean !== undefined) return { channels: "rgb", range: 255, mean, std: [1, 1, 1], source: "read" };
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
