import { CheckpointError } from "../errors.ts";
import { type Axes, type AxisSizes, asAxes, axisSizes, elementary, withOnes } from "./axes.ts";
import { itemsize, type NumericDType } from "./dtype.ts";
import type { NumericTensor, Part } from "./tensor.ts";

/** A tensor along elementary axes: `(h w i) o` has become h, w, i, o. Parts are boxes over these axes. */
export interface View {
  readonly axes: readonly string[];
  readonly shape: readonly number[];
  readonly dtype: NumericDType;
  /** Bytes of one element. */
  readonly itemsize: number;
  readonly parts: readonly Part[];
}

/**
 * The tensor along the elementary axes of a pattern, in the pattern's order; axes of `1` disappear. `sizes`: those known
 * from elsewhere. Throws `mismatch` where shape and pattern do not fit.
 */
export async function view(tensor: NumericTensor, axes: Axes | string, sizes: AxisSizes = new Map()): Promise<View> {
  const parsed = asAxes(axes);
  try {
    const groups = elementary(parsed, axisSizes(parsed, tensor.shape, sizes));
    const parts = await tensor.parts();
    const flat = groups.flat();
    return {
      axes: flat.map((axis) => axis.name),
      shape: flat.map((axis) => axis.size),
      dtype: tensor.dtype,
      itemsize: itemsize(tensor.dtype),
      parts: parts.flatMap((part) =>
        splitPart(
          part,
          groups.map((group) => group.map((axis) => axis.size)),
        ),
      ),
    };
  } catch (error) {
    throw error instanceof CheckpointError ? error.at({ tensor: tensor.name }) : error;
  }
}

/** The tensor along its stored axes as they are. */
export async function plainView(tensor: NumericTensor): Promise<View> {
  return {
    axes: tensor.shape.map((_, axis) => `d${axis}`),
    shape: tensor.shape,
    dtype: tensor.dtype,
    itemsize: itemsize(tensor.dtype),
    parts: await tensor.parts(),
  };
}

interface Range {
  readonly start: readonly number[];
  readonly shape: readonly number[];
  /** Position within the composite axis. */
  readonly at: number;
}

/** A box over stored axes as boxes over their elementary axes: one where it holds whole rows, else a few. */
function splitPart(part: Part, groups: readonly (readonly number[])[]): readonly Part[] {
  let boxes: readonly Part[] = [{ ...part, start: [], shape: [], strides: [] }];
  groups.forEach((sizes, axis) => {
    const first = part.start[axis] ?? 0;
    const stride = part.strides[axis] ?? 0;
    const strides = sizes.map((_, k) => stride * product(sizes.slice(k + 1)));
    const ranges = splitRange(first, part.shape[axis] ?? 1, sizes);
    boxes = boxes.flatMap((box) =>
      ranges.map((range) => ({
        source: box.source,
        offset: box.offset + (range.at - first) * stride,
        start: [...box.start, ...range.start],
        shape: [...box.shape, ...range.shape],
        strides: [...box.strides, ...strides],
      })),
    );
  });
  return boxes;
}

/** `count` positions from `first` of an axis composed of `sizes`: head, whole rows and tail, at most 2k − 1 boxes. */
function splitRange(first: number, count: number, sizes: readonly number[]): readonly Range[] {
  if (sizes.length === 0) return [{ start: [], shape: [], at: first }];
  if (sizes.length === 1) return [{ start: [first], shape: [count], at: first }];
  const inner = sizes.slice(1);
  const row = product(inner);
  const ranges: Range[] = [];
  let at = first;
  const end = first + count;
  while (at < end) {
    const index = Math.floor(at / row);
    const within = at - index * row;
    const rows = within === 0 ? Math.floor((end - at) / row) : 0;
    if (rows > 0) {
      ranges.push({ start: [index, ...inner.map(() => 0)], shape: [rows, ...inner], at });
      at += rows * row;
    } else {
      const take = Math.min(end - at, row - within);
      for (const range of splitRange(within, take, inner)) {
        ranges.push({ start: [index, ...range.start], shape: [1, ...range.shape], at: index * row + range.at });
      }
      at += take;
    }
  }
  return ranges;
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total * size, 1);
}

function axisOf(view: View, name: string): number {
  const axis = view.axes.indexOf(name);
  if (axis < 0) throw new CheckpointError("mismatch", `no axis ${name} among ${view.axes.join(" ")}`);
  return axis;
}

/** The indices `from` … `to` − 1 of one axis, renumbered from 0. */
export function slice(view: View, name: string, from: number, to: number): View {
  const axis = axisOf(view, name);
  const size = view.shape[axis] ?? 0;
  if (from < 0 || to > size || from > to) {
    throw new CheckpointError("mismatch", `indices ${from} to ${to} of axis ${name}, which has ${size}`);
  }
  const parts = view.parts.flatMap((part) => {
    const start = part.start[axis] ?? 0;
    const low = Math.max(start, from);
    const high = Math.min(start + (part.shape[axis] ?? 0), to);
    if (high <= low) return [];
    return [
      {
        ...part,
        offset: part.offset + (low - start) * (part.strides[axis] ?? 0),
        start: part.start.with(axis, low - from),
        shape: part.shape.with(axis, high - low),
      },
    ];
  });
  return { ...view, shape: view.shape.with(axis, to - from), parts };
}

/** One index of one axis; the axis disappears. */
export function take(view: View, name: string, index: number): View {
  const one = slice(view, name, index, index + 1);
  const axis = axisOf(one, name);
  return {
    ...one,
    axes: one.axes.toSpliced(axis, 1),
    shape: one.shape.toSpliced(axis, 1),
    parts: one.parts.map((part) => ({
      ...part,
      start: part.start.toSpliced(axis, 1),
      shape: part.shape.toSpliced(axis, 1),
      strides: part.strides.toSpliced(axis, 1),
    })),
  };
}

/** One index in `step` of an axis, from 0, by strides alone. An axis that the view lacks has size 1. */
export function every(view: View, name: string, step: number): View {
  const axis = view.axes.indexOf(name);
  if (axis < 0) return view;
  const parts = view.parts.flatMap((part) => {
    const start = part.start[axis] ?? 0;
    const [first, end] = [Math.ceil(start / step), Math.ceil((start + (part.shape[axis] ?? 0)) / step)];
    if (end <= first) return [];
    const stride = part.strides[axis] ?? 0;
    return [
      {
        ...part,
        offset: part.offset + (first * step - start) * stride,
        start: part.start.with(axis, first),
        shape: part.shape.with(axis, end - first),
        strides: part.strides.with(axis, stride * step),
      },
    ];
  });
  return { ...view, shape: view.shape.with(axis, Math.ceil((view.shape[axis] ?? 0) / step)), parts };
}

/** The named axes reversed, by strides alone: nothing is copied. Names that the view lacks are passed over. */
export function flip(view: View, names: readonly string[]): View {
  let flipped = view;
  for (const name of names) {
    const axis = flipped.axes.indexOf(name);
    if (axis < 0) continue;
    const size = flipped.shape[axis] ?? 0;
    const parts = flipped.parts.map((part) => {
      const count = part.shape[axis] ?? 0;
      const stride = part.strides[axis] ?? 0;
      return {
        ...part,
        offset: part.offset + (count - 1) * stride,
        start: part.start.with(axis, size - (part.start[axis] ?? 0) - count),
        strides: part.strides.with(axis, -stride),
      };
    });
    flipped = { ...flipped, parts };
  }
  return flipped;
}

/**
 * The same values with the axes in another order. Axes of size 1 may come and go; any other that is on one side only
 * throws `mismatch`.
 */
export function arrange(view: View, axes: readonly string[]): View {
  checkSameAxes(view, axes);
  const from = axes.map((name) => view.axes.indexOf(name));
  const pick = (values: readonly number[], absent: number): number[] => from.map((axis) => (axis < 0 ? absent : (values[axis] ?? absent)));
  return {
    ...view,
    axes,
    shape: pick(view.shape, 1),
    parts: view.parts.map((part) => ({
      source: part.source,
      offset: part.offset,
      start: pick(part.start, 0),
      shape: pick(part.shape, 1),
      strides: pick(part.strides, 0),
    })),
  };
}

function checkSameAxes(view: View, axes: readonly string[]): void {
  view.axes.forEach((name, axis) => {
    if ((view.shape[axis] ?? 1) !== 1 && !axes.includes(name)) {
      throw new CheckpointError("mismatch", `axis ${name} of size ${view.shape[axis]} has no place among ${axes.join(" ")}`);
    }
  });
}

/**
 * BYTES from one index to the next, for each axis of the view, in a dense array laid out by `axes`. `order`: which axis
 * of that array is densest; inside a composite axis the last name always is. `unit`: bytes of one target element.
 */
export function stridesFor(
  view: View,
  axes: Axes | string,
  order: "row" | "column" = "row",
  unit: number = view.itemsize,
): readonly number[] {
  const target = asAxes(axes);
  const groups = elementary(target, withOnes(target, new Map(view.axes.map((name, axis) => [name, view.shape[axis] ?? 1]))));
  checkSameAxes(
    view,
    groups.flat().map((axis) => axis.name),
  );
  const strides = new Map<string, number>();
  let stride = unit;
  for (const group of order === "row" ? groups.toReversed() : groups) {
    for (const { name, size } of group.toReversed()) {
      strides.set(name, stride);
      stride *= Math.max(size, 1);
    }
  }
  return view.axes.map((name) => strides.get(name) ?? 0);
}
