import type { Context } from "../../io/context.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { elementCount } from "../shape.ts";
import { copyStrided } from "./copy.ts";
import { eachBlock, layoutTile, READ_OVER, type TileLayout } from "./tiles.ts";

/** Short reads before the event loop may get its turn: what is being written meanwhile goes on only then. */
const RUNS = 512;

/** Reads one tile, as its layout says, into a buffer. */
export async function gather(source: ByteSource, offset: number, layout: TileLayout, buffer: Uint8Array, ctx: Context): Promise<void> {
  const { calls, span } = layout;
  const runs = calls.at(-1);
  const { readRuns } = source;
  if (runs === undefined || readRuns === undefined) {
    await eachBlock(layout, (away, at) => source.read(offset + away, span, buffer.subarray(at)));
    return;
  }
  const { count, stride, pitch } = runs;
  await eachBlock({ ...layout, calls: calls.slice(0, -1) }, async (away, at) => {
    for (let k = 0; k < count; k += RUNS) {
      const some = { offset: offset + away + k * stride, stride, count: Math.min(RUNS, count - k), length: span, pitch };
      await readRuns(some, buffer.subarray(at + k * pitch));
      await ctx.tick(0);
    }
  });
}

/** A tile as it is in its source. */
export interface SourceTile {
  readonly source: ByteSource;
  /** Bytes of element (0, 0, …). */
  readonly offset: number;
  readonly size: readonly number[];
  /** Bytes in the source. */
  readonly strides: readonly number[];
  readonly itemsize: number;
}

/**
 * Reads one tile and lays it densely into `into` in the order that `dense` (bytes for each axis) asks for. Uses the first
 * scratch buffer on the way, unless the tile already is so: then it is read where it belongs.
 */
export async function readTile(tile: SourceTile, dense: readonly number[], into: Uint8Array, ctx: Context): Promise<void> {
  const { source, offset, size, strides, itemsize } = tile;
  const length = elementCount(size) * itemsize;
  const layout = layoutTile(size, strides, itemsize, READ_OVER);
  if (
    layout.calls.length === 0 &&
    layout.length === length &&
    layout.strides.every((stride, axis) => stride === dense[axis] || size[axis] === 1)
  ) {
    await source.read(offset, length, into);
    return;
  }
  const raw = ctx.scratch(0, layout.length);
  await gather(source, offset, layout, raw, ctx);
  copyStrided({ bytes: raw, origin: layout.origin, strides: layout.strides }, { bytes: into, origin: 0, strides: dense }, size, itemsize);
}

/** Bytes for each axis of a dense tile whose axes, slowest first, are `order`. */
export function denseInOrder(size: readonly number[], order: readonly number[], itemsize: number): number[] {
  const strides = size.map(() => 0);
  let stride = itemsize;
  for (const axis of order.toReversed()) {
    strides[axis] = stride;
    stride *= size[axis] ?? 1;
  }
  return strides;
}
