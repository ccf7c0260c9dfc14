import { CheckpointError } from "../errors.ts";
import type { Context } from "../io/context.ts";
import type { Axes, AxisSizes } from "./axes.ts";
import { itemsize } from "./dtype.ts";
import { memoryTarget } from "./move/memory-target.ts";
import { move } from "./move/move.ts";
import { byteLength, denseStrides, elementCount } from "./shape.ts";
import type { NumericTensor } from "./tensor.ts";
import { plainView, stridesFor, type View, view } from "./view.ts";

/** Node's typed arrays end at 2^32 − 1 elements; no layer that is run or listed whole comes near. */
const LARGEST_IN_MEMORY = 2 ** 32 - 1;

/**
 * A whole tensor as row-major float32 along `toAxes`, any dtype (rounded to nearest where it does not fit). `sizes`: axes
 * known from elsewhere. Throws `mismatch` where the axes do not fit, `unsupported` for complex numbers.
 */
export async function load(
  tensor: NumericTensor,
  fromAxes: Axes | string,
  toAxes: Axes | string,
  sizes: AxisSizes,
  ctx: Context,
): Promise<Float32Array> {
  return loadView(await view(tensor, fromAxes, sizes), toAxes, ctx);
}

/** `load` of a view. */
export async function loadView(source: View, toAxes: Axes | string, ctx: Context): Promise<Float32Array> {
  const values = new Float32Array(checkCount(elementCount(source.shape)));
  const target = memoryTarget(new Uint8Array(values.buffer));
  const map = source.dtype === "float32" ? undefined : ({ to: "float32" } as const);
  await move(source, stridesFor(source, toAxes, "row", 4), { file: target, at: 0 }, ctx, map);
  return values;
}

/** A whole small tensor as row-major float64 (64-bit integers beyond 2^53 are rounded). Throws `unsupported` for complex numbers. */
export async function loadFloat64(tensor: NumericTensor, ctx: Context): Promise<Float64Array> {
  const source = await plainView(tensor);
  const values = new Float64Array(checkCount(elementCount(tensor.shape)));
  const target = memoryTarget(new Uint8Array(values.buffer));
  const map = source.dtype === "float64" ? undefined : ({ to: "float64" } as const);
  await move(source, denseStrides(source.shape, 8), { file: target, at: 0 }, ctx, map);
  return values;
}

/** A whole small tensor: its row-major little-endian bytes. */
export async function values(tensor: NumericTensor, ctx: Context): Promise<Uint8Array> {
  const source = await plainView(tensor);
  const bytes = new Uint8Array(checkCount(byteLength(tensor.shape, tensor.dtype)));
  await move(source, denseStrides(source.shape, itemsize(tensor.dtype)), { file: memoryTarget(bytes), at: 0 }, ctx);
  return bytes;
}

function checkCount(count: number): number {
  if (count > LARGEST_IN_MEMORY) {
    throw new CheckpointError("unsupported", `${count} values in one tensor, at most ${LARGEST_IN_MEMORY} can be held in memory`);
  }
  return count;
}
