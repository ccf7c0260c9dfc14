/** A box seen from several byte spaces at once: for each of them, one stride (bytes or elements) an axis. */
export interface Lanes {
  readonly shape: readonly number[];
  readonly strides: readonly (readonly number[])[];
}

/**
 * The same box with as few axes as possible: those of size 1 dropped, and neighbours joined that lie together in every
 * space (so an unknown h × w costs nothing, and a plain copy becomes one axis). Axes come out in the order of the last
 * space's strides, largest first.
 */
export function mergeAxes({ shape, strides }: Lanes): Lanes {
  const last = strides.at(-1) ?? [];
  const first = strides[0] ?? [];
  const order = shape
    .map((_, axis) => axis)
    .filter((axis) => shape[axis] !== 1)
    .sort((x, y) => far(last, y) - far(last, x) || far(first, y) - far(first, x));
  const sizes: number[] = [];
  const lanes = strides.map(() => [] as number[]);
  for (const axis of order) {
    const size = shape[axis] ?? 1;
    const joins = sizes.length > 0 && lanes.every((lane, space) => lane.at(-1) === (strides[space]?.[axis] ?? 0) * size);
    if (joins) sizes[sizes.length - 1] = (sizes.at(-1) ?? 1) * size;
    else sizes.push(size);
    lanes.forEach((lane, space) => {
      const stride = strides[space]?.[axis] ?? 0;
      if (joins) lane[lane.length - 1] = stride;
      else lane.push(stride);
    });
  }
  return { shape: sizes, strides: lanes };
}

function far(strides: readonly number[], axis: number): number {
  return Math.abs(strides[axis] ?? 0);
}

/** Gaps below this many bytes are read over; beyond it a further read call is cheaper (0.9 µs, against 4 GB/s). */
export const READ_OVER = 4096;

/** Rows of a tile that are a multiple of this apart all fall into the same few cache sets: they are laid out further apart. */
const CACHE_ALIAS = 1024;
const CACHE_LINE = 64;

/** How one tile is in a buffer: some axes inside one block that is read or written in one call, the others as calls. */
export interface TileLayout {
  /** Bytes of one block. */
  readonly span: number;
  /** Blocks: one for each combination of these axes. */
  readonly calls: readonly { readonly count: number; readonly stride: number; readonly pitch: number }[];
  /** Bytes from the lowest address of a block to the tile's first element; not 0 where strides are negative. */
  readonly origin: number;
  /** Bytes in the buffer from one index to the next, for each axis. */
  readonly strides: readonly number[];
  /** Bytes of the buffer that the tile takes. */
  readonly length: number;
}

/**
 * Lays a tile out in a buffer. `gap`: bytes between neighbours that may be inside a block (0 for writing: what is not
 * ours is not written). `padded`: keeps blocks off the same cache sets.
 */
export function layoutTile(tile: readonly number[], strides: readonly number[], itemsize: number, gap: number, padded = false): TileLayout {
  const order = tile.map((_, axis) => axis).sort((x, y) => far(strides, x) - far(strides, y));
  const inBuffer = strides.map(() => 0);
  const calls: { count: number; stride: number; pitch: number }[] = [];
  let span = itemsize;
  let origin = 0;
  let pitch = 0;
  let inside = true;
  for (const axis of order) {
    const count = tile[axis] ?? 1;
    const stride = strides[axis] ?? 0;
    if (count === 1) continue;
    // Writing, neighbours must touch exactly; reading, they may overlap, repeat (stride 0) or leave a small gap.
    inside &&= gap === 0 ? stride === span : Math.abs(stride) <= span + gap;
    if (inside) {
      inBuffer[axis] = stride;
      if (stride < 0) origin -= (count - 1) * stride;
      span += (count - 1) * Math.abs(stride);
    } else {
      if (pitch === 0) pitch = padded && span % CACHE_ALIAS === 0 ? span + CACHE_LINE : span;
      calls.push({ count, stride, pitch });
      inBuffer[axis] = pitch;
      pitch *= count;
    }
  }
  return { span, calls: calls.reverse(), origin, strides: inBuffer, length: Math.max(pitch, span) };
}

/** Called for one block: its distance in bytes from the tile's first element, and its place in the buffer. */
export type BlockVisit = (distance: number, at: number) => Promise<unknown>;

/** Visits a tile's blocks, outermost first. The distance is that of the block's lowest address. */
export async function eachBlock(layout: TileLayout, visit: BlockVisit): Promise<void> {
  const { calls } = layout;
  const index = calls.map(() => 0);
  let distance = -layout.origin;
  let at = 0;
  while (true) {
    await visit(distance, at);
    let axis = calls.length - 1;
    for (; axis >= 0; axis--) {
      const call = calls[axis];
      if (call === undefined) break;
      const next = (index[axis] ?? 0) + 1;
      if (next < call.count) {
        index[axis] = next;
        distance += call.stride;
        at += call.pitch;
        break;
      }
      index[axis] = 0;
      distance -= (call.count - 1) * call.stride;
      at -= (call.count - 1) * call.pitch;
    }
    if (axis < 0) return;
  }
}

/**
 * The shape of the tiles that a box is moved in. Starts with one element and again and again doubles the axis that
 * lengthens the shorter of the two contiguous runs, until the next step would need more than half the budget on one side:
 * both the reads and the writes become long. `a` and `b` are bytes for each axis on the two sides. `favour`: how many times as long runs on
 * side b should be.
 */
export function planTile(
  shape: readonly number[],
  [a, b]: readonly [a: readonly number[], b: readonly number[]],
  itemsize: number,
  budget: number,
  favour = 1,
): number[] {
  const tile = shape.map(() => 1);
  const half = Math.max(Math.floor(budget / 2), itemsize);
  const sides = [inner(shape, a), inner(shape, b)];
  const fits = (candidate: readonly number[]): boolean =>
    // The elements themselves count too: a repeated axis (stride 0) takes no room in the file, but does in memory.
    candidate.reduce((bytes, size) => bytes * size, itemsize) <= half &&
    layoutTile(candidate, a, itemsize, READ_OVER).length <= half &&
    layoutTile(candidate, b, itemsize, READ_OVER, true).length <= half;
  const full = new Set<number>();
  while (true) {
    const next = sides
      .map((order, side) => ({
        axis: order.find((axis) => tile[axis] !== shape[axis]),
        run: run(order, tile, shape) * (side === 0 ? favour : 1),
      }))
      .sort((x, y) => x.run - y.run)
      .map(({ axis }) => axis)
      .find((axis) => axis !== undefined && !full.has(axis));
    if (next === undefined) return tile.map((size, axis) => even(size, shape[axis] ?? 1));
    const candidate = tile.with(next, Math.min((tile[next] ?? 1) * 2, shape[next] ?? 1));
    if (fits(candidate)) tile[next] = candidate[next] ?? 1;
    else full.add(next);
  }
}

/** Axes of one side, densest first. */
function inner(shape: readonly number[], strides: readonly number[]): readonly number[] {
  return shape.map((_, axis) => axis).sort((x, y) => far(strides, x) - far(strides, y));
}

/** Elements in one contiguous run of a tile: the full inner axes and the first that is not full. */
function run(order: readonly number[], tile: readonly number[], shape: readonly number[]): number {
  let elements = 1;
  for (const axis of order) {
    elements *= tile[axis] ?? 1;
    if (tile[axis] !== shape[axis]) break;
  }
  return elements;
}

/** Tiles of nearly equal size instead of a small last one. */
function even(tile: number, size: number): number {
  return size === 0 ? 0 : Math.ceil(size / Math.ceil(size / tile));
}

/** Visits the tiles of a box: index of the first element and the tile's shape, clipped at the end of each axis. `order`: axes, slowest first. */
export async function eachTile(
  shape: readonly number[],
  tile: readonly number[],
  order: readonly number[],
  visit: (start: readonly number[], size: readonly number[]) => Promise<unknown>,
): Promise<void> {
  const start = shape.map(() => 0);
  while (true) {
    await visit(
      start,
      tile.map((size, axis) => Math.min(size, (shape[axis] ?? 1) - (start[axis] ?? 0))),
    );
    let k = order.length - 1;
    for (; k >= 0; k--) {
      const axis = order[k] ?? 0;
      const next = (start[axis] ?? 0) + (tile[axis] ?? 1);
      if (next < (shape[axis] ?? 1)) {
        start[axis] = next;
        break;
      }
      start[axis] = 0;
    }
    if (k < 0) return;
  }
}

/** The axes of a box, the largest stride first: in this order tiles run through a file forwards. */
export function slowestFirst(strides: readonly number[]): readonly number[] {
  return strides.map((_, axis) => axis).sort((x, y) => far(strides, y) - far(strides, x));
}

/** Σ index · stride */
export function distance(index: readonly number[], strides: readonly number[]): number {
  return index.reduce((total, at, axis) => total + at * (strides[axis] ?? 0), 0);
}
