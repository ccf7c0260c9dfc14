import type { Hdf5Type } from "../../../encodings/hdf5/datatype.ts";
import type { Hdf5Dataset } from "../../../encodings/hdf5/file.ts";
import { CheckpointError } from "../../../errors.ts";
import { byteSwapped, mapped } from "../../../io/source/mapped.ts";
import { memorySource } from "../../../io/source/memory.ts";
import type { ByteSource } from "../../../io/source/source.ts";
import { window } from "../../../io/source/window.ts";
import { itemsize, type NumericDType } from "../../../tensor/dtype.ts";
import { denseStrides } from "../../../tensor/shape.ts";
import type { Part } from "../../../tensor/tensor.ts";
import { complexOf, numericArray, readColumnMajor, withValues } from "./array.ts";
import { numberReader, type Stored, valuesAs } from "./stored.ts";
import { countOf, type NumericArray } from "./value.ts";

/**
 * MATLAB's dimensions: HDF5's in reverse; at least two, as MATLAB gives a list of n numbers as n×1, and without ones at the end
 * beyond two, which MATLAB never writes (libmatio does) and drops when it loads.
 */
export function matlabDims(dataset: Hdf5Dataset): readonly number[] {
  const dims = [...(dataset.shape ?? [0, 0]).toReversed(), 1, 1];
  let rank = dims.length;
  while (rank > 2 && dims[rank - 1] === 1) rank -= 1;
  return dims.slice(0, rank);
}

/** Numbers of a type; undefined for what holds none. */
export function plainType(type: Hdf5Type): { readonly dtype: NumericDType; readonly bigEndian: boolean } | undefined {
  if (type.class === "integer" && type.whole) {
    const dtype = integers.get(`${type.signed ? "" : "u"}int${type.size * 8}`);
    return dtype && { dtype, bigEndian: type.bigEndian };
  }
  if (type.class === "float" && (type.size === 4 || type.size === 8)) {
    return { dtype: type.size === 4 ? "float32" : "float64", bigEndian: type.bigEndian };
  }
  return type.class === "enum" ? plainType(type.base) : undefined;
}

const integers: ReadonlyMap<string, NumericDType> = new Map(
  (["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"] as const).map((name) => [name, name]),
);

interface ComplexType {
  readonly unit: NumericDType;
  readonly bigEndian: boolean;
  /** Of the parts in a pair, in bytes. */
  readonly real: number;
  readonly imaginary: number;
  readonly size: number;
}

/** A pair of numbers: compound members real and imag (MATLAB), r and i (h5py). */
function complexType(type: Hdf5Type): ComplexType | undefined {
  if (type.class !== "compound" || type.members.length !== 2) return undefined;
  const [real, imaginary] = type.members;
  if (real === undefined || imaginary === undefined || !/^(re(al)?|r)$/.test(real.name) || !/^(im(ag)?|i)$/.test(imaginary.name))
    return undefined;
  const [a, b] = [plainType(real.type), plainType(imaginary.type)];
  if (a === undefined || b === undefined || a.dtype !== b.dtype || a.bigEndian !== b.bigEndian) return undefined;
  return { unit: a.dtype, bigEndian: a.bigEndian, real: real.offset, imaginary: imaginary.offset, size: type.size };
}

/**
 * A dataset of numbers as an array of class `shown`, or of its own type where no class is given; undefined where it holds no
 * numbers. `small` or `asked` ones are kept with their values.
 */
export async function hdf5Array(
  dataset: Hdf5Dataset,
  shown: NumericDType | undefined,
  keepUpTo: number,
): Promise<NumericArray | undefined> {
  const dims = matlabDims(dataset);
  const plain = plainType(dataset.type);
  if (plain === undefined) {
    const complex = complexType(dataset.type);
    return complex && { kind: "numeric", dims, dtype: complexOf(complex.unit), parts: () => complexParts(dataset, complex, dims.length) };
  }
  const dtype = shown ?? plain.dtype;
  const size = countOf(dims) * dataset.type.size;
  const array: NumericArray = { ...shell(dims, dtype, plain.dtype), parts: () => plainParts(dataset, plain, dtype, dims.length) };
  if (size > keepUpTo || dataset.beyond !== undefined) return array;
  const name = "values in an HDF5 header";
  const stored: Stored = { source: memorySource(await dataset.bytes(), name), offset: 0, length: size, ...plain };
  return withValues(array, await readColumnMajor(numericArray(dims, dtype, stored, undefined)), name, await placeOf(dataset, dtype, plain));
}

/** Where the elements are in the file as they are: one behind the other, of the type that is shown. */
async function placeOf(
  dataset: Hdf5Dataset,
  dtype: NumericDType,
  plain: NonNullable<ReturnType<typeof plainType>>,
): Promise<ByteSource["within"]> {
  const [part, ...more] = await dataset.parts();
  const alike = plain.dtype === dtype && (!plain.bigEndian || itemsize(dtype) === 1);
  const contiguous = part?.strides.join() === denseStrides(dataset.shape ?? [], itemsize(dtype)).join();
  return part !== undefined && more.length === 0 && alike && contiguous ? { source: part.source, offset: part.offset } : undefined;
}

function shell(dims: readonly number[], dtype: NumericDType, stored: NumericDType): Omit<NumericArray, "parts"> {
  const narrow = stored !== dtype && !(dtype === "bool" && stored === "uint8");
  return { kind: "numeric", dims, dtype, ...(narrow ? { stored: { kind: "narrow", dtype: stored } } : {}) };
}

/** HDF5's dimensions in reverse are MATLAB's, element by element the same places. */
function turned(part: Part, rank: number, strides: readonly number[], source: Part["source"], offset: number): Part {
  const fill = (list: readonly number[], value: number): readonly number[] =>
    [...list.toReversed(), ...Array.from({ length: rank }, () => value)].slice(0, rank);
  return { source, offset, start: fill(part.start, 0), shape: fill(part.shape, 1), strides: fill(strides, 0) };
}

/** Bytes from the first to the end of the last element of a part. */
function extent(part: Part, width: number): number {
  if (part.strides.some((stride) => stride < 0))
    throw new CheckpointError("unsupported", "an HDF5 box with falling addresses", { file: part.source.name });
  return part.shape.reduce((total, n, axis) => total + Math.max(0, n - 1) * (part.strides[axis] ?? 0), width);
}

async function plainParts(
  dataset: Hdf5Dataset,
  plain: { readonly dtype: NumericDType; readonly bigEndian: boolean },
  dtype: NumericDType,
  rank: number,
): Promise<readonly Part[]> {
  const width = itemsize(plain.dtype);
  const scale = itemsize(dtype) / width;
  const parts = await dataset.parts();
  return parts.map((part) => {
    const stored: Stored = { source: part.source, offset: part.offset, length: extent(part, width), ...plain };
    const values = valuesAs(stored, dtype);
    return turned(
      part,
      rank,
      part.strides.map((stride) => stride * scale),
      values.source,
      values.offset,
    );
  });
}

async function complexParts(dataset: Hdf5Dataset, complex: ComplexType, rank: number): Promise<readonly Part[]> {
  const shown = complexOf(complex.unit);
  const unit = itemsize(shown) / 2;
  const same = itemsize(complex.unit) === unit && complex.real === 0 && complex.imaginary === unit && complex.size === 2 * unit;
  const parts = await dataset.parts();
  return parts.map((part) => {
    if (same && !complex.bigEndian) return turned(part, rank, part.strides, part.source, part.offset);
    const run = window(part.source, part.offset, extent(part, complex.size));
    if (same) return turned(part, rank, part.strides, byteSwapped(run, unit), 0);
    const scale = itemsize(shown) / complex.size;
    return turned(
      part,
      rank,
      part.strides.map((stride) => stride * scale),
      pairs(run, complex, unit),
      0,
    );
  });
}

function pairs(run: Part["source"], complex: ComplexType, unit: number): Part["source"] {
  const read = numberReader(complex.unit, !complex.bigEndian);
  return mapped(run, complex.size, 2 * unit, (input, output) => {
    const [from, to] = [
      new DataView(input.buffer, input.byteOffset, input.byteLength),
      new DataView(output.buffer, output.byteOffset, output.byteLength),
    ];
    const write =
      unit === 4
        ? (at: number, value: number) => to.setFloat32(at, value, true)
        : (at: number, value: number) => to.setFloat64(at, value, true);
    for (let k = 0, count = input.length / complex.size; k < count; k += 1) {
      write(k * 2 * unit, Number(read(from, k * complex.size + complex.real)));
      write(k * 2 * unit + unit, Number(read(from, k * complex.size + complex.imaginary)));
    }
  });
}
