import type { Context } from "../../io/context.ts";
import { inFileOrder } from "../move/move.ts";
import { denseInOrder, readTile } from "../move/read-tile.ts";
import { distance, eachTile, mergeAxes, planTile, slowestFirst } from "../move/tiles.ts";
import { elementCount } from "../shape.ts";
import type { Part } from "../tensor.ts";
import type { View } from "../view.ts";

/** Dense elements of a view; which indices they have is known along one axis only. */
export interface ScanTile {
  /** Little-endian elements; valid during the visit. */
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Element e has, along the axis that was asked for, the index `first` + ⌊e / every⌋ mod `indices`. */
  readonly first: number;
  readonly every: number;
  readonly indices: number;
}

/** Tiles this large stay in the second-level cache between reading and looking. */
const SCAN_BYTES = 1 << 20;

/**
 * Visits every element of a view once (repeated ones as often as they are repeated), in whatever order the file has them.
 * `axis`: the name of the axis whose index the visitor needs.
 */
export async function scan(view: View, ctx: Context, visit: (tile: ScanTile) => void, axis?: string): Promise<void> {
  const marked = axis === undefined ? -1 : view.axes.indexOf(axis);
  for (const part of inFileOrder(view.parts)) {
    if (elementCount(part.shape) > 0) await scanPart(part, view.itemsize, marked, ctx, visit);
  }
}

async function scanPart(part: Part, itemsize: number, marked: number, ctx: Context, visit: (tile: ScanTile) => void): Promise<void> {
  const marks = part.shape.map((_, axis) => (axis === marked ? 1 : 0));
  const { shape, strides } = mergeAxes({ shape: part.shape, strides: [marks, part.strides] });
  const [mark = [], a = []] = strides;
  const source = shape.length <= 1 && (a[0] ?? 0) >= 0 ? part.source : ctx.random(part.source);
  const order = slowestFirst(a);
  const tile = planTile(shape, [a, a], itemsize, Math.min(ctx.memory, 2 * SCAN_BYTES));
  const axis = mark.indexOf(1);
  const firstMark = distance(part.start, marks);
  await eachTile(shape, tile, order, async (start, size) => {
    const count = elementCount(size);
    const bytes = ctx.scratch(1, count * itemsize);
    const dense = denseInOrder(size, order, itemsize);
    await readTile({ source, offset: part.offset + distance(start, a), size, strides: a, itemsize }, dense, bytes, ctx);
    const every = axis < 0 ? 1 : (dense[axis] ?? itemsize) / itemsize;
    visit({ bytes, count, first: firstMark + distance(start, mark), every, indices: axis < 0 ? 1 : (size[axis] ?? 1) });
    await ctx.tick(count * itemsize);
  });
}
