import type { ByteSource } from "../io/source/source.ts";
import { itemsize } from "./dtype.ts";
import { denseStrides } from "./shape.ts";
import type { NumericTensor } from "./tensor.ts";

/** All elements of a tensor, in its order, as one run of bytes. */
export interface DenseRun {
  readonly source: ByteSource;
  /** Bytes into the source. */
  readonly offset: number;
}

/** Where a tensor is in one run; undefined where it is otherwise, or has no elements. */
export async function denseRun(tensor: NumericTensor, order: "row" | "column" = "row"): Promise<DenseRun | undefined> {
  const [part, more] = await tensor.parts();
  if (part === undefined || more !== undefined) return undefined;
  const dense = denseStrides(tensor.shape, itemsize(tensor.dtype), order);
  const whole = tensor.shape.every((size, axis) => size === part.shape[axis] && (size === 1 || part.strides[axis] === dense[axis]));
  return whole ? { source: part.source, offset: part.offset } : undefined;
}
