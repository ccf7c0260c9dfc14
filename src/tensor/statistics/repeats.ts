import type { Context } from "../../io/context.ts";
import { elementCount } from "../shape.ts";
import type { Part } from "../tensor.ts";
import type { View } from "../view.ts";
import { scan } from "./scan.ts";

/** From so many repetitions on an element is looked at once; fewer are read like all others, which is faster than one by one. */
const LEAST = 16;

/** Visits every place of a view once, with how many elements are there: `times` is more than 1 where strides of 0 repeat it. */
export async function scanOnce(view: View, ctx: Context, visit: (bytes: Uint8Array, count: number, times: number) => void): Promise<void> {
  const plain: Part[] = [];
  const repeated: Part[] = [];
  for (const part of view.parts) (repeats(part) < LEAST ? plain : repeated).push(part);
  await scan({ ...view, parts: plain }, ctx, ({ bytes, count }) => visit(bytes, count, 1));
  for (const part of repeated) {
    const times = repeats(part);
    const once = { ...part, shape: part.shape.map((size, axis) => (part.strides[axis] === 0 ? Math.min(size, 1) : size)) };
    await scan({ ...view, parts: [once] }, ctx, ({ bytes, count }) => visit(bytes, count, times));
  }
}

function repeats({ shape, strides }: Part): number {
  return elementCount(shape.filter((_, axis) => strides[axis] === 0));
}
