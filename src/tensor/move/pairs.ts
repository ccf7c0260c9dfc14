import { CheckpointError } from "../../errors.ts";
import type { Context } from "../../io/context.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { elementCount } from "../shape.ts";
import type { Part } from "../tensor.ts";
import { arrange, type View } from "../view.ts";
import { failureOfWork } from "./move.ts";
import { denseInOrder, readTile } from "./read-tile.ts";
import { distance, eachTile, mergeAxes, planTile, slowestFirst } from "./tiles.ts";

export interface PairTile {
  /** Dense, both in the same order; valid during the visit. */
  readonly bytesA: Uint8Array;
  readonly bytesB: Uint8Array;
  readonly count: number;
  /** As in `ScanTile`, along the axis that was asked for. */
  readonly first: number;
  readonly every: number;
  readonly indices: number;
}

/** Visits tiles that are within one part on both sides, until `visit` says false. */
export async function eachPair(a: View, other: View, ctx: Context, visit: (tile: PairTile) => boolean, axis?: string): Promise<void> {
  const b = arrange(other, a.axes);
  if (a.shape.some((size, k) => size !== b.shape[k])) {
    throw new CheckpointError(
      "mismatch",
      `sizes [${a.shape.join(", ")}] and [${b.shape.join(", ")}] along ${a.axes.join(" ")} cannot be compared`,
    );
  }
  const marked = axis === undefined ? -1 : a.axes.indexOf(axis);
  const partsB = b.parts.toSorted((x, y) => (x.start[0] ?? 0) - (y.start[0] ?? 0));
  const streams = a.parts.length === 1 && b.parts.length === 1;
  for (const partA of a.parts) {
    const end = (partA.start[0] ?? 0) + (partA.shape[0] ?? 1);
    for (const partB of partsB) {
      if ((partB.start[0] ?? 0) >= end) break;
      const common = overlap(partA, partB);
      if (common === undefined) continue;
      const [cutA, cutB] = common;
      const pair = { a: { part: cutA, itemsize: a.itemsize }, b: { part: cutB, itemsize: b.itemsize }, marked, streams };
      if (!(await eachTileOfPair(pair, ctx, visit))) return;
    }
  }
}

/** The same box out of two parts, or undefined where they share no element. */
function overlap(a: Part, b: Part): readonly [Part, Part] | undefined {
  const low = a.start.map((start, axis) => Math.max(start, b.start[axis] ?? 0));
  const shape = a.start.map((start, axis) => {
    const end = Math.min(start + (a.shape[axis] ?? 0), (b.start[axis] ?? 0) + (b.shape[axis] ?? 0));
    return end - (low[axis] ?? 0);
  });
  if (shape.some((size) => size <= 0)) return undefined;
  const cut = (part: Part): Part => {
    const within = low.map((start, axis) => start - (part.start[axis] ?? 0));
    return { ...part, offset: part.offset + distance(within, part.strides), start: low, shape };
  };
  return [cut(a), cut(b)];
}

interface Side {
  readonly part: Part;
  readonly itemsize: number;
}

/** Two parts over the same box. */
interface Pair {
  readonly a: Side;
  readonly b: Side;
  /** The axis whose index the visitor needs; -1: none. */
  readonly marked: number;
  /** Each side is one part, read once: a source that only runs forward may do. */
  readonly streams: boolean;
}

async function eachTileOfPair({ a, b, marked, streams }: Pair, ctx: Context, visit: (tile: PairTile) => boolean): Promise<boolean> {
  const marks = a.part.shape.map((_, axis) => (axis === marked ? 1 : 0));
  const { shape, strides } = mergeAxes({ shape: a.part.shape, strides: [b.part.strides, marks, a.part.strides] });
  const [alongB = [], mark = [], alongA = []] = strides;
  const order = slowestFirst(alongA);
  // Half the budget: the second buffer holds both dense tiles.
  const tile = planTile(shape, [alongA, alongB], Math.max(a.itemsize, b.itemsize), ctx.memory / 2);
  const axis = mark.indexOf(1);
  const firstMark = distance(a.part.start, marks);
  // Out of order, stored checksums are compared while tiles are; a failure of one counts before what the tiles say.
  const checks: Promise<unknown>[] = [];
  const sourceOf = ({ part }: Side, along: readonly number[]): ByteSource => {
    if (streams && shape.length <= 1 && (along[0] ?? 0) >= 0) return part.source;
    const { late } = part.source;
    if (late !== undefined) checks.push(failureOfWork(late.verified()));
    return ctx.random(late?.source ?? part.source);
  };
  const sources = { a: sourceOf(a, alongA), b: sourceOf(b, alongB) };
  const read = async (side: "a" | "b", along: readonly number[], start: readonly number[], size: readonly number[], into: Uint8Array) => {
    const { part, itemsize } = side === "a" ? a : b;
    const source = sources[side];
    const from = { source, offset: part.offset + distance(start, along), size, strides: along, itemsize };
    await readTile(from, denseInOrder(size, order, itemsize), into, ctx);
  };
  let going = true;
  const tiles = eachTile(shape, tile, order, async (start, size) => {
    if (!going) return;
    const count = elementCount(size);
    // B starts at a multiple of 16 bytes, so that typed arrays fit on both.
    const room = Math.ceil((count * a.itemsize) / 16) * 16;
    const both = ctx.scratch(1, room + count * b.itemsize);
    const bytesA = both.subarray(0, count * a.itemsize);
    const bytesB = both.subarray(room);
    await read("a", alongA, start, size, bytesA);
    await read("b", alongB, start, size, bytesB);
    const every = axis < 0 ? 1 : (denseInOrder(size, order, 1)[axis] ?? 1);
    const first = firstMark + distance(start, mark);
    going = visit({ bytesA, bytesB, count, first, every, indices: axis < 0 ? 1 : (size[axis] ?? 1) });
    await ctx.tick(count * (a.itemsize + b.itemsize));
  });
  const failures = [...(await Promise.all(checks)), await failureOfWork(tiles)];
  const failure = failures.find((found) => found !== undefined);
  if (failure !== undefined) throw failure;
  return going;
}
