import { CheckpointError } from "../errors.ts";
import { itemsize, type NumericDType } from "./dtype.ts";

/**
 * How many elements a shape holds; 1 for no axes. Throws `malformed` for a size that is no count, `unsupported` where
 * the product is beyond 2^53 and could not be counted exactly.
 */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  let empty = false;
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) {
      throw new CheckpointError("malformed", `axis of size ${size} in shape [${shape.join(", ")}], needed a count`);
    }
    if (size === 0) empty = true;
    else count *= size;
  }
  if (empty) return 0;
  if (count > Number.MAX_SAFE_INTEGER) {
    throw new CheckpointError("unsupported", `shape [${shape.join(", ")}] holds more than 2^53 elements`);
  }
  return count;
}

/** Bytes of all elements of a shape; throws as `elementCount`, and where the bytes are beyond 2^53. */
export function byteLength(shape: readonly number[], dtype: NumericDType): number {
  const bytes = elementCount(shape) * itemsize(dtype);
  if (bytes > Number.MAX_SAFE_INTEGER) {
    throw new CheckpointError("unsupported", `shape [${shape.join(", ")}] of ${dtype} needs more than 2^53 bytes`);
  }
  return bytes;
}

/** Bytes from one index of each axis to the next where the last axis (row) or the first axis (column) is densest. */
export function denseStrides(shape: readonly number[], unit: number, order: "row" | "column" = "row"): number[] {
  const strides = shape.map(() => 0);
  let stride = unit;
  for (let k = 0; k < shape.length; k++) {
    const axis = order === "row" ? shape.length - 1 - k : k;
    strides[axis] = stride;
    stride *= Math.max(shape[axis] ?? 1, 1);
  }
  return strides;
}
