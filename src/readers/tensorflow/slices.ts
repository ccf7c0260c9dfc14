import { type FieldReader, int64 } from "../../encodings/protobuf/protobuf.ts";
import { CheckpointError } from "../../errors.ts";
import { latin1 } from "../../io/bytes.ts";
import { denseStrides, elementCount } from "../../tensor/shape.ts";
import type { Part } from "../../tensor/tensor.ts";

/** TensorSliceProto: one entry a dimension; length −1 means the whole dimension. Kept as saved: keys are made from it. */
export type SliceExtents = readonly { readonly start: number; readonly length: number }[];

/** TensorSliceProto {extent = 1 {start = 1, length = 2}}; an absent length is −1, an absent start 0. */
export function readSlice(field: FieldReader): SliceExtents {
  const slice: { start: number; length: number }[] = [];
  while (field.next()) {
    if (field.number !== 1) continue;
    const extent = { start: 0, length: -1 };
    const part = field.inner("extent of a slice");
    while (part.next()) {
      if (part.number === 1) extent.start = int64(part, "start of a slice");
      if (part.number === 2) extent.length = int64(part, "length of a slice");
    }
    slice.push(extent);
  }
  return slice;
}

/** The box of a slice in a tensor of this shape. Throws `malformed` where it is none. */
export function sliceBox(
  slice: SliceExtents,
  shape: readonly number[],
): { readonly start: readonly number[]; readonly shape: readonly number[] } {
  if (slice.length !== shape.length) {
    throw new CheckpointError("malformed", `a slice of ${slice.length} dimensions in a tensor of ${shape.length}`);
  }
  const start: number[] = [];
  const size: number[] = [];
  slice.forEach((extent, axis) => {
    const whole = shape[axis] ?? 0;
    const length = extent.length === -1 ? whole - extent.start : extent.length;
    if (extent.start < 0 || length < 0 || extent.start + length > whole) {
      throw new CheckpointError("malformed", `a slice from ${extent.start} of ${length} in a dimension of ${whole}`);
    }
    start.push(extent.start);
    size.push(length);
  });
  return { start, shape: size };
}

/** More slices than any partitioner makes (one a parameter server); comparing all pairs stays cheap. */
const maxSlices = 4096;

/** Makes sure that boxes cover a tensor and hold each element once. Throws `malformed`, `unsupported` beyond the limit. */
export function checkCover(boxes: readonly Pick<Part, "start" | "shape">[], shape: readonly number[]): void {
  if (boxes.length > maxSlices)
    throw new CheckpointError("unsupported", `a variable in ${boxes.length} slices, at most ${maxSlices} are read`);
  const total = elementCount(shape);
  const held = boxes.reduce((sum, box) => sum + elementCount(box.shape), 0);
  if (held !== total) throw new CheckpointError("malformed", `its slices hold ${held} elements, its shape ${total}`);
  const filled = boxes.filter((box) => elementCount(box.shape) > 0);
  filled.forEach((a, k) => {
    for (const b of filled.slice(k + 1)) {
      const apart = shape.some((_, axis) => {
        const [aStart, bStart] = [a.start[axis] ?? 0, b.start[axis] ?? 0];
        return aStart + (a.shape[axis] ?? 0) <= bStart || bStart + (b.shape[axis] ?? 0) <= aStart;
      });
      if (!apart) throw new CheckpointError("malformed", "two of its slices overlap");
    }
  });
}

/** One slice's values, dense and row-major at the start of `source`, as a part of the whole. */
export function slicePart(source: Part["source"], box: Pick<Part, "start" | "shape">, itemsize: number): Part {
  return { source, offset: 0, start: box.start, shape: box.shape, strides: denseStrides(box.shape, itemsize) };
}

/**
 * The table key of a slice (tensorflow/core/util/saved_tensor_slice_util.cc, in the order-preserving code of
 * core/lib/strings/ordered_code.cc): number 0, the name, the rank, then start and length of each dimension.
 */
export function sliceKey(name: Uint8Array, slice: SliceExtents): Uint8Array {
  const key: number[] = [0];
  for (const byte of name) {
    if (byte === 0) key.push(0x00, 0xff);
    else if (byte === 0xff) key.push(0xff, 0x00);
    else key.push(byte);
  }
  key.push(0x00, 0x01);
  if (slice.length === 0) key.push(0);
  else key.push(1, slice.length);
  for (const { start, length } of slice) key.push(...signedNumber(start), ...signedNumber(length));
  return Uint8Array.from(key);
}

/**
 * A signed number of the ordered code: two's complement, big-endian, in the fewest bytes n that leave the sign bit beside a
 * header of n one-bits and a zero, which are xor-ed in (for 8 bytes and more the header runs over into the second byte).
 */
function signedNumber(value: number): number[] {
  const big = BigInt(value);
  let bytes = 1;
  while (BigInt.asIntN(7 * bytes, big) !== big) bytes += 1;
  const number = BigInt.asUintN(8 * bytes, big) ^ (((1n << BigInt(bytes)) - 1n) << BigInt(7 * bytes));
  return Array.from({ length: bytes }, (_, k) => Number((number >> BigInt(8 * (bytes - 1 - k))) & 0xffn));
}

/** A table key as a Map key: each byte one character, so that binary keys stay apart. */
export function keyText(key: Uint8Array): string {
  return latin1(key);
}
