import { CheckpointError } from "../errors.ts";
import type { ByteSource } from "../io/source/source.ts";
import { itemsize, type NumericDType } from "./dtype.ts";
import { byteLength, denseStrides, elementCount } from "./shape.ts";
import type { StoredAs } from "./stored.ts";
import type { NumericTensor, Part, TensorInfo, TensorKind } from "./tensor.ts";

/** What a reader knows of a tensor whose elements are in one run. */
export interface ContiguousSpec extends TensorInfo {
  readonly dtype: NumericDType;
  /** Little-endian values of the dtype. */
  readonly source: ByteSource;
  /** Bytes into `source`; 0 when absent. */
  readonly offset?: number;
  /** Which axis is densest: the last (row, the default) or the first (column: MATLAB, Fortran). */
  readonly order?: "row" | "column";
}

/** A tensor of one dense part. Throws `malformed` or `truncated` (naming the tensor) when it does not fit its source. */
export function contiguous(spec: ContiguousSpec): NumericTensor {
  const needed = located(spec.name, () => byteLength(spec.shape, spec.dtype));
  checkTensorRange(spec.source, spec.offset ?? 0, needed, spec.name);
  return spec.order === "column" ? new ColumnTensor(spec) : new DenseTensor(spec);
}

/**
 * A tensor of one dense part that is known to fit its source. A class, since a checkpoint may have a hundred thousand: a function for each
 * would take as much as all the rest.
 */
export class DenseTensor implements NumericTensor {
  readonly name: string;
  readonly dtype: NumericDType;
  readonly shape: readonly number[];
  declare readonly kind?: TensorKind;
  declare readonly label?: string;
  declare readonly stored?: StoredAs;
  readonly #source: ByteSource;
  readonly #offset: number;

  constructor(spec: ContiguousSpec) {
    this.name = spec.name;
    this.dtype = spec.dtype;
    this.shape = spec.shape;
    if (spec.kind !== undefined) this.kind = spec.kind;
    if (spec.label !== undefined) this.label = spec.label;
    if (spec.stored !== undefined) this.stored = spec.stored;
    this.#source = spec.source;
    this.#offset = spec.offset ?? 0;
  }

  /** Bytes into its source. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes of all elements. */
  get size(): number {
    return byteLength(this.shape, this.dtype);
  }

  async parts(): Promise<readonly Part[]> {
    if (elementCount(this.shape) === 0) return [];
    return [wholePart(this.#source, this.#offset, this.shape, this.strides())];
  }

  protected strides(): readonly number[] {
    return denseStrides(this.shape, itemsize(this.dtype));
  }
}

/** The first axis is densest. */
class ColumnTensor extends DenseTensor {
  protected override strides(): readonly number[] {
    return denseStrides(this.shape, itemsize(this.dtype), "column");
  }
}

/** What a reader knows of a tensor that is a strided window of a storage (PyTorch views). */
export interface StridedSpec extends TensorInfo {
  readonly dtype: NumericDType;
  readonly source: ByteSource;
  /** Bytes into `source` of element (0, 0, …). */
  readonly offset: number;
  /** Bytes for each axis; 0 and negative allowed. */
  readonly strides: readonly number[];
}

/** A tensor of one strided part; throws as `checkPart`, naming the tensor. */
export function strided(spec: StridedSpec): NumericTensor {
  const { source, offset, strides, ...info } = spec;
  const part = wholePart(source, offset, info.shape, strides);
  located(info.name, () => checkPart(part, itemsize(info.dtype)));
  const parts = elementCount(info.shape) === 0 ? [] : [part];
  return { ...info, parts: () => Promise.resolve(parts) };
}

/** The part that is a whole tensor: its box starts at the origin. */
export function wholePart(source: ByteSource, offset: number, shape: readonly number[], strides: readonly number[]): Part {
  return { source, offset, start: shape.map(() => 0), shape, strides };
}

/**
 * Makes sure that every element of a part is inside its source. Throws `malformed` where its numbers are no box, and
 * `truncated` where the source ends before its last element (or it begins before the source does: `malformed`).
 */
export function checkPart(part: Part, size: number): void {
  const { shape, strides, start, offset, source } = part;
  if (strides.length !== shape.length || start.length !== shape.length) {
    throw new CheckpointError("malformed", `${shape.length} axes with ${strides.length} strides and ${start.length} starts`);
  }
  if (![offset, ...strides, ...start].every(Number.isSafeInteger)) {
    throw new CheckpointError("malformed", "an offset, stride or start that is not a whole number");
  }
  if (elementCount(shape) === 0) return;
  let low = offset;
  let high = offset + size;
  shape.forEach((count, axis) => {
    const reach = (count - 1) * (strides[axis] ?? 0);
    if (reach < 0) low += reach;
    else high += reach;
  });
  if (low < 0) {
    throw new CheckpointError("malformed", `elements begin ${-low} bytes before their storage`, { file: source.name });
  }
  if (high > source.size) throw tooShort(source, low, high - low);
}

/** Makes sure that `length` bytes at `offset` are inside the source; throws `malformed` or `truncated` naming the tensor. */
export function checkTensorRange(source: ByteSource, offset: number, length: number, tensor?: string): void {
  const where = tensor === undefined ? {} : { tensor };
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new CheckpointError("malformed", `data at offset ${offset}, needed a position in the file`, { file: source.name, ...where });
  }
  if (length > 0 && offset + length > source.size) throw tooShort(source, offset, length).at(where);
}

function tooShort(source: ByteSource, offset: number, length: number): CheckpointError {
  const there = Math.max(0, source.size - offset);
  return new CheckpointError("truncated", `${length} bytes of values needed, ${there} are there`, { file: source.name, offset });
}

function located<T>(tensor: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof CheckpointError ? error.at({ tensor }) : error;
  }
}
