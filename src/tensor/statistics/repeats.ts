import type { Context } from "../../io/context.ts";
import { elementCount } from "../shape.ts";
import type { Part } from "../tensor.ts";
import type { View } from "../view.ts";
import { type ScanTile, scan } from "./scan.ts";

/** From so many repetitions on an element is looked at once; fewer are read like all others, which is faster than one by one. */
const LEAST = 16;

/**
 * Visits every place of a view once, with how many elements are there: `times` is more than 1 where strides of 0 repeat it. `axis`: as
 * for `scan`; what is repeated has no single index along it.
 */
export async function scanOnce(view: View, ctx: Context, visit: (tile: ScanTile, times: number) => void, axis?: string): Promise<void> {
  const plain: Part[] = [];
  const repeated: Part[] = [];
  for (const part of view.parts) (repeats(part) < LEAST ? plain : repeated).push(part);
  await scan({ ...view, parts: plain }, ctx, (tile) => visit(tile, 1), axis);
  for (const part of repeated) {
    const times = repeats(part);
    const once = { ...part, shape: part.shape.map((size, axis) => (part.strides[axis] === 0 ? Math.min(size, 1) : size)) };
    await scan({ ...view, parts: [once] }, ctx, (tile) => visit(tile, times));
  }
}

function repeats({ shape, strides }: Part): number {
  return elementCount(shape.filter((_, axis) => strides[axis] === 0));
}
