import { type Box, boxOf, eachIndex, eachRectangle, type Units, units16, units32 } from "./copy.ts";
import { type Boxes, divideBox, type Strided } from "./divide-box.ts";
import { differenceKernel } from "./kernels.ts";

/*
 * The check of a copy, element by element and backwards: the target's order is walked, and each element is looked up where it came from.
 * It shares no loop with the copy, nor the kernels that transpose, so that a fault in those cannot pass for right. Floats in an arena are
 * compared by a kernel of its own.
 */

/**
 * A block that is compared: a cache line of the target times so few of its rows that they stay in the cache where rows lie a power of two
 * apart. Tried on 4096 × 1568 floats: 5.2 ns an element, against 7.8 in squares of 16.
 */
const ALONG = 16;
const ROWS = 4;

/** Whether a box of elements in one buffer is, element for element, the one in another. Bits are compared, so NaN equals itself. */
export function turnsBack(from: Strided, to: Strided, shape: readonly number[], itemsize: number): boolean {
  return divideBox("prove", { from, to, shape }, itemsize, (box) => (isSame(box, itemsize) ? 1 : 0)).every((same) => same === 1);
}

function isSame({ from, to, shape }: Boxes, itemsize: number): boolean {
  const kernel = itemsize === 4 && from.bytes.buffer === to.bytes.buffer ? differenceKernel(from.bytes.buffer) : undefined;
  if (kernel !== undefined) {
    let differing = 0;
    const compared = eachRectangle(from, to, shape, itemsize, (...place) => {
      differing |= kernel(...place);
    });
    if (compared) return differing === 0;
  }
  const { unit, box } = boxOf(from, to, shape, itemsize);
  if (unit === 4) return same32(units32(from.bytes), units32(to.bytes), box);
  return unit === 2 ? same16(units16(from.bytes), units16(to.bytes), box) : same8(from.bytes, to.bytes, box);
}

/** One comparison for each unit width, so that each is compiled for one kind of array. */
function comparison<T extends Units>(): (from: T, to: T, box: Box) => boolean {
  return (from, to, { shape, a, b, fromOrigin, toOrigin }) => {
    // Along the rows the target runs fastest, along the columns the source: both stay within a block's cache lines.
    const rows = fastest(b, -1);
    const columns = fastest(a, rows);
    const [m, am, bm] = axisOf(rows, shape, a, b);
    const [n, an, bn] = axisOf(columns, shape, a, b);
    const outer = shape.map((_, axis) => axis).filter((axis) => axis !== rows && axis !== columns);
    let differing = 0;
    eachIndex(shape, outer, a, b, (p, q) => {
      for (let i0 = 0; i0 < m; i0 += ALONG) {
        const count = Math.min(ALONG, m - i0);
        for (let j0 = 0; j0 < n; j0 += ROWS) {
          const j1 = Math.min(j0 + ROWS, n);
          for (let j = j0; j < j1; j++) {
            let s = fromOrigin + p + j * an + i0 * am;
            let t = toOrigin + q + j * bn + i0 * bm;
            for (let i = 0; i < count; i++) {
              // Without a branch: all bits that differ anywhere.
              differing |= (from[s] ?? 0) ^ (to[t] ?? 0);
              s += am;
              t += bm;
            }
          }
        }
      }
    });
    return differing === 0;
  };
}

const same8 = comparison<Uint8Array>();
const same16 = comparison<Uint16Array>();
const same32 = comparison<Uint32Array>();

/** The axis with the smallest stride, apart from one; -1 where there is no other. */
function fastest(strides: readonly number[], apart: number): number {
  let found = -1;
  for (const [axis, stride] of strides.entries()) {
    if (axis !== apart && (found < 0 || Math.abs(stride) < Math.abs(strides[found] ?? 0))) found = axis;
  }
  return found;
}

/** Size and strides of an axis; of none, one element. */
function axisOf(axis: number, shape: readonly number[], a: readonly number[], b: readonly number[]): readonly [number, number, number] {
  return axis < 0 ? [1, 0, 0] : [shape[axis] ?? 1, a[axis] ?? 0, b[axis] ?? 0];
}
