import { CheckpointError } from "../../errors.ts";
import type { Context } from "../../io/context.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { LONG_WRITE } from "../../io/source/source.ts";
import { itemsize, type NumericDType } from "../dtype.ts";
import { elementCount } from "../shape.ts";
import type { Part } from "../tensor.ts";
import type { View } from "../view.ts";
import { castValues, type Loss } from "./cast.ts";
import { copyStrided } from "./copy.ts";
import type { Strided } from "./divide-box.ts";
import { gather } from "./read-tile.ts";
import type { TileLayout } from "./tiles.ts";
import { distance, eachBlock, eachTile, layoutTile, mergeAxes, planTile, READ_OVER, slowestFirst } from "./tiles.ts";
import { turnsBack } from "./turn-back.ts";

/** Where a move writes: a file being written, or memory. */
export interface MoveTarget {
  /** The bytes stay as they are until the write is done; several may be under way. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Whether what goes there is to be proven: each tile is compared, backwards, with what was read for it. */
  readonly proves?: boolean;
}

/**
 * How many times as long runs are written than read: a write call costs several times a read call, and long runs are written while others
 * are computed. For fc6 (25088 × 4096 against 4096 × 25088) tiles of 25 MB are read in 6 kB or 1 kB, and written in 512 kB or as a whole.
 */
const WRITE_FAVOUR = 64;

/** What happens to the elements on the way; without it they are copied unread. */
export interface ElementMap {
  readonly to: NumericDType;
  /** Every element times `by[index along axis]`, in float64, rounded once. */
  readonly scale?: { readonly axis: string; readonly by: Float64Array };
  /** Collects what the rounding cost. */
  readonly loss?: Loss;
}

/**
 * Writes the elements of a view into `file`: element (i, j, …) at byte `at` + Σ index · stride. `strides`: bytes of the
 * target for each axis of the view (`stridesFor`). In tiles of at most `ctx.memory` bytes, which are read and written in
 * runs as long as both sides allow.
 */
export async function move(
  view: View,
  strides: readonly number[],
  { file, at }: { readonly file: MoveTarget; readonly at: number },
  ctx: Context,
  map?: ElementMap,
): Promise<void> {
  const scaled = map?.scale === undefined ? -1 : view.axes.indexOf(map.scale.axis);
  const writing = new Writing();
  try {
    for (const part of inFileOrder(view.parts)) {
      if (elementCount(part.shape) === 0) continue;
      await movePart(part, view.itemsize, { dtype: view.dtype, strides, scaled, file, at, writing }, ctx, map);
    }
    await writing.finish();
  } finally {
    await writing.settled();
  }
}

interface Goal {
  readonly dtype: NumericDType;
  readonly strides: readonly number[];
  /** The axis whose index chooses the factor; -1: none. */
  readonly scaled: number;
  readonly file: MoveTarget;
  /** Where the view's first element goes. */
  readonly at: number;
  readonly writing: Writing;
}

type Slot = 0 | 1;

/** What is under way while the next tile is read: the writes out of the two tile buffers, and comparisons with checksums. */
class Writing {
  /** Never rejected, so that no failure is without a listener; what went wrong is thrown when the buffer is wanted. */
  readonly #failures: [Promise<unknown>, Promise<unknown>] = [Promise.resolve(), Promise.resolve()];
  #verified: Promise<unknown> = Promise.resolve();

  start(slot: Slot, write: Promise<void>): void {
    this.#failures[slot] = failureOfWork(write);
  }

  /** What has to come out well before all is done. */
  expect(comparison: Promise<void>): void {
    this.#verified = Promise.all([this.#verified, failureOfWork(comparison)]).then(([before, now]) => before ?? now);
  }

  /** Waits for all of it. Throws what went wrong. */
  async finish(): Promise<void> {
    await this.free(0);
    await this.free(1);
    const failure = await this.#verified;
    if (failure !== undefined) throw failure;
  }

  /** Waits until a buffer may be filled again. Throws what its write threw. */
  async free(slot: Slot): Promise<void> {
    const failure = await this.#failures[slot];
    if (failure !== undefined) throw failure;
  }

  async settled(): Promise<void> {
    await Promise.all([...this.#failures, this.#verified]);
  }
}

/** What a piece of work throws; undefined where it ends well. */
export async function failureOfWork(work: Promise<void>): Promise<unknown> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Parts that follow each other in a file are moved in that order, so that a source that only runs forward can. */
export function inFileOrder(parts: readonly Part[]): readonly Part[] {
  const sources = new Map<ByteSource, number>();
  for (const part of parts) if (!sources.has(part.source)) sources.set(part.source, sources.size);
  const rank = (part: Part): number => sources.get(part.source) ?? 0;
  return parts.toSorted((x, y) => rank(x) - rank(y) || x.offset - y.offset);
}

async function movePart(part: Part, unit: number, goal: Goal, ctx: Context, map?: ElementMap): Promise<void> {
  const marks = part.shape.map((_, axis) => (axis === goal.scaled ? 1 : 0));
  // The factor's axis is a space of its own, so that it is merged with no other.
  const { shape, strides } = mergeAxes({ shape: part.shape, strides: [part.strides, marks, goal.strides] });
  const [a = [], mark = [], b = []] = strides;
  const wide = Math.max(unit, map === undefined ? unit : itemsize(map.to));
  const tile = planTile(shape, [a, b], wide, ctx.memory, WRITE_FAVOUR);
  const { file, writing } = goal;
  const base = goal.at + distance(part.start, goal.strides);
  const firstMark = distance(part.start, marks);
  // One axis read in order never goes back: a source that only runs forward needs no copy.
  const forward = shape.length <= 1 && (a[0] ?? 0) >= 0;
  // Out of order, a checksum would be compared by a pass of its own before the first read: it is done while tiles are written.
  const late = forward ? undefined : part.source.late;
  if (late !== undefined) writing.expect(late.verified());
  const source = forward ? part.source : ctx.random(late?.source ?? part.source);
  let turn: Slot = 1;
  await eachTile(shape, tile, slowestFirst(a), async (start, size) => {
    const read = layoutTile(size, a, unit, READ_OVER);
    const from = part.offset + distance(start, a);
    const to = base + distance(start, b);
    if (map === undefined) {
      const write = layoutTile(size, b, unit, 0, true);
      if (same(read, write)) {
        turn = turn === 0 ? 1 : 0;
        await writing.free(turn);
        const buffer = ctx.scratch(turn, write.length);
        await gather(source, from, read, buffer, ctx);
        writing.start(turn, scatter(file, to, write, buffer));
      } else {
        await writing.free(0);
        const raw = ctx.scratch(0, read.length);
        await gather(source, from, read, raw, ctx);
        await writing.free(1);
        const buffer = ctx.scratch(1, write.length);
        copyStrided(
          { bytes: raw, origin: read.origin, strides: read.strides },
          { bytes: buffer, origin: write.origin, strides: write.strides },
          size,
          unit,
        );
        prove(file, { bytes: raw, ...read }, { bytes: buffer, ...write }, size, unit);
        writing.start(1, scatter(file, to, write, buffer));
      }
    } else {
      const width = itemsize(map.to);
      const write = layoutTile(size, b, width, 0);
      const count = elementCount(size);
      const raw = ctx.scratch(0, read.length);
      await gather(source, from, read, raw, ctx);
      const dense = ctx.scratch(1, count * unit);
      const denseStrides = write.strides.map((stride) => (stride / width) * unit);
      copyStrided(
        { bytes: raw, origin: read.origin, strides: read.strides },
        { bytes: dense, origin: 0, strides: denseStrides },
        size,
        unit,
      );
      prove(file, { bytes: raw, ...read }, { bytes: dense, origin: 0, strides: denseStrides }, size, unit);
      const out = ctx.scratch(0, count * width);
      const factors =
        map.scale === undefined
          ? undefined
          : tileFactors(map.scale.by.subarray(firstMark + distance(start, mark)), mark, size, write, width);
      castValues({ bytes: dense, dtype: goal.dtype }, { bytes: out, dtype: map.to }, count, {
        ...factors,
        ...(map.loss === undefined ? {} : { loss: map.loss }),
      });
      await scatter(file, to, write, out);
    }
    await ctx.tick(elementCount(size) * unit);
  });
}

/** Throws `mismatch` where a tile for a target that proves is not, element for element, what was read for it. */
function prove(file: MoveTarget, from: Strided, to: Strided, size: readonly number[], unit: number): void {
  if (file.proves !== true || turnsBack(from, to, size, unit)) return;
  throw new CheckpointError("mismatch", "the elements of a tile are not in the order that the axes ask for", {
    hint: "this is a bug in vggtool: please report it",
  });
}

async function scatter(file: MoveTarget, offset: number, layout: TileLayout, buffer: Uint8Array): Promise<void> {
  const blocks: Promise<void>[] = [];
  await eachBlock(layout, async (away, at) => {
    const write = file.write(offset + away, buffer.subarray(at, at + layout.span));
    if (layout.span < LONG_WRITE) await write;
    else blocks.push(write);
  });
  const failed = (await Promise.allSettled(blocks)).find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/** The tile is in both files alike: it is written from where it was read to. */
function same(read: TileLayout, write: TileLayout): boolean {
  return (
    read.calls.length === 0 &&
    write.calls.length === 0 &&
    read.span === write.span &&
    read.strides.every((stride, axis) => stride === write.strides[axis])
  );
}

/** In the dense tile, element e has the factor `factors[⌊e / every⌋ mod factors.length]`. */
function tileFactors(by: Float64Array, mark: readonly number[], size: readonly number[], write: TileLayout, width: number) {
  const axis = mark.indexOf(1);
  const count = axis < 0 ? 1 : (size[axis] ?? 1);
  const every = axis < 0 ? 1 : Math.max((write.strides[axis] ?? 0) / width, 1);
  return { factors: by.subarray(0, count), every };
}
