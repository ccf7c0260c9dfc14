import { type Boxes, divideBox, type Strided } from "./divide-box.ts";
import { transposeKernel } from "./kernels.ts";
import { mergeAxes } from "./tiles.ts";

/**
 * Copies a box of elements from one buffer to another. Elements are moved as unsigned integers, so NaN payloads, negative
 * zeros and subnormals survive; an element of 8 or 16 bytes is one more axis of 4-byte units. Buffers must not overlap.
 */
export function copyStrided(from: Strided, to: Strided, shape: readonly number[], itemsize: number): void {
  const copy = (box: Boxes): number => {
    if (!transposed(box.from, box.to, box.shape, itemsize)) copyUnits(box.from, box.to, box.shape, itemsize);
    return 0;
  };
  divideBox("copy", { from, to, shape }, itemsize, copy);
}

/**
 * Where source and target run along different axes and both are in one arena, a kernel transposes rectangle by rectangle.
 * Returns false, having done nothing, where that is not so.
 */
function transposed(from: Strided, to: Strided, shape: readonly number[], itemsize: number): boolean {
  const kernel = from.bytes.buffer === to.bytes.buffer ? transposeKernel(from.bytes.buffer, itemsize) : undefined;
  return kernel !== undefined && eachRectangle(from, to, shape, itemsize, kernel);
}

/**
 * Calls a kernel for every rectangle whose rows run along the source's fastest axis and whose columns along the target's: with addresses,
 * rows, columns and pitches in bytes. Returns false, without a call, where one axis is the fastest of both or none is dense.
 */
export function eachRectangle(
  from: Strided,
  to: Strided,
  shape: readonly number[],
  itemsize: number,
  kernel: (from: number, to: number, rows: number, columns: number, fromPitch: number, toPitch: number) => void,
): boolean {
  const merged = mergeAxes({ shape, strides: [from.strides, to.strides] });
  const [a = [], b = []] = merged.strides;
  const [columns, rows] = [a.indexOf(itemsize), b.indexOf(itemsize)];
  if (columns < 0 || rows < 0 || columns === rows) return false;
  const outer = merged.shape.map((_, axis) => axis).filter((axis) => axis !== columns && axis !== rows);
  const [m, n] = [merged.shape[rows] ?? 1, merged.shape[columns] ?? 1];
  const [fromPitch, toPitch] = [a[rows] ?? 0, b[columns] ?? 0];
  eachIndex(merged.shape, outer, a, b, (p, q) =>
    kernel(from.bytes.byteOffset + from.origin + p, to.bytes.byteOffset + to.origin + q, m, n, fromPitch, toPitch),
  );
  return true;
}

/** Visits every index along some axes, the first slowest, with its distance on both sides. */
export function eachIndex(
  shape: readonly number[],
  axes: readonly number[],
  a: readonly number[],
  b: readonly number[],
  visit: (p: number, q: number) => void,
): void {
  const index = axes.map(() => 0);
  let [p, q] = [0, 0];
  while (true) {
    visit(p, q);
    let k = axes.length - 1;
    for (; k >= 0; k--) {
      const axis = axes[k] ?? 0;
      const next = (index[k] ?? 0) + 1;
      const end = shape[axis] ?? 1;
      const steps = next < end ? 1 : 1 - end;
      index[k] = next < end ? next : 0;
      p += steps * (a[axis] ?? 0);
      q += steps * (b[axis] ?? 0);
      if (next < end) break;
    }
    if (k < 0) return;
  }
}

function copyUnits(from: Strided, to: Strided, shape: readonly number[], itemsize: number): void {
  const { unit, box } = boxOf(from, to, shape, itemsize);
  if (unit === 4) copy32(units32(from.bytes), units32(to.bytes), box);
  else if (unit === 2) copy16(units16(from.bytes), units16(to.bytes), box);
  else copy8(from.bytes, to.bytes, box);
}

/** Both sides in the widest unit that they allow, axes merged. */
export function boxOf(
  from: Strided,
  to: Strided,
  shape: readonly number[],
  itemsize: number,
): { readonly unit: 1 | 2 | 4; readonly box: Box } {
  const unit = unitOf(from, to, itemsize);
  const merged = mergeAxes({
    shape: [...shape, itemsize / unit],
    strides: [
      [...from.strides, unit],
      [...to.strides, unit],
    ],
  });
  const a = (merged.strides[0] ?? []).map((stride) => stride / unit);
  const b = (merged.strides[1] ?? []).map((stride) => stride / unit);
  return { unit, box: { shape: merged.shape, a, b, fromOrigin: from.origin / unit, toOrigin: to.origin / unit } };
}

/** The widest unit of 1, 2 or 4 bytes that every element, stride and origin is a multiple of. */
function unitOf(from: Strided, to: Strided, itemsize: number): 1 | 2 | 4 {
  const places = [itemsize, from.origin, to.origin, from.bytes.byteOffset, to.bytes.byteOffset, ...from.strides, ...to.strides];
  if (places.every((place) => place % 4 === 0)) return 4;
  return places.every((place) => place % 2 === 0) ? 2 : 1;
}

export function units32(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 4));
}

export function units16(bytes: Uint8Array): Uint16Array {
  return new Uint16Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 2));
}

/** Merged axes, the target's slowest first; strides and origins in units. */
export interface Box {
  readonly shape: readonly number[];
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly fromOrigin: number;
  readonly toOrigin: number;
}

export type Units = Uint8Array | Uint16Array | Uint32Array;

/** Runs of this many units and more are copied by `set`, which has a fixed cost of some 50 ns. */
const LONG_RUN = 64;
/** Side of the square blocks that a transposition works in: 16 rows of a cache line each, on both sides. */
const BLOCK = 16;

/** One copier for each unit width, so that each is compiled for one kind of array. */
function copier<T extends Units>(): (from: T, to: T, box: Box) => void {
  return (from, to, box) => {
    const { shape, a, b } = box;
    const columns = shape.length - 1;
    if (columns < 0) {
      to[box.toOrigin] = from[box.fromOrigin] ?? 0;
      return;
    }
    const n = shape[columns] ?? 1;
    const an = a[columns] ?? 0;
    const bn = b[columns] ?? 0;
    // The second axis of the inner loops: the one that the source runs along fastest.
    let rows = -1;
    for (let axis = 0; axis < columns; axis++) {
      if (rows < 0 || Math.abs(a[axis] ?? 0) < Math.abs(a[rows] ?? 0)) rows = axis;
    }
    const m = rows < 0 ? 1 : (shape[rows] ?? 1);
    const am = rows < 0 ? 0 : (a[rows] ?? 0);
    const bm = rows < 0 ? 0 : (b[rows] ?? 0);
    const outer = shape.map((_, axis) => axis).filter((axis) => axis !== columns && axis !== rows);
    eachIndex(shape, outer, a, b, (p, q) => {
      const start = box.fromOrigin + p;
      const end = box.toOrigin + q;
      if (an === 1 && bn === 1 && n >= LONG_RUN) {
        for (let i = 0; i < m; i++) to.set(from.subarray(start + i * am, start + i * am + n), end + i * bm);
        return;
      }
      for (let i0 = 0; i0 < m; i0 += BLOCK) {
        const i1 = Math.min(i0 + BLOCK, m);
        for (let j0 = 0; j0 < n; j0 += BLOCK) {
          const count = Math.min(BLOCK, n - j0);
          for (let i = i0; i < i1; i++) {
            let s = start + i * am + j0 * an;
            let t = end + i * bm + j0 * bn;
            for (let j = 0; j < count; j++) {
              to[t] = from[s] ?? 0;
              s += an;
              t += bn;
            }
          }
        }
      }
    });
  };
}

const copy8 = copier<Uint8Array>();
const copy16 = copier<Uint16Array>();
const copy32 = copier<Uint32Array>();
