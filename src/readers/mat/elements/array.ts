import { interleaved } from "../../../io/source/mapped.ts";
import { memorySource } from "../../../io/source/memory.ts";
import type { ByteSource } from "../../../io/source/source.ts";
import { window } from "../../../io/source/window.ts";
import { itemsize, type NumericDType } from "../../../tensor/dtype.ts";
import type { Part } from "../../../tensor/tensor.ts";
import { littleEndianReads, type Stored, type Values, valuesAs } from "./stored.ts";
import { countOf, type NumericArray } from "./value.ts";

/** The classes that MATLAB shows, as dtypes. */
export const numericClasses: ReadonlyMap<string, NumericDType> = new Map<string, NumericDType>([
  ["double", "float64"],
  ["single", "float32"],
  ["int8", "int8"],
  ["uint8", "uint8"],
  ["int16", "int16"],
  ["uint16", "uint16"],
  ["int32", "int32"],
  ["uint32", "uint32"],
  ["int64", "int64"],
  ["uint64", "uint64"],
  ["logical", "bool"],
]);

/** An array with an imaginary part: pairs of floats, and of doubles for all integer classes (NumPy has no other). */
export function complexOf(dtype: NumericDType): "complex64" | "complex128" {
  return dtype === "float32" ? "complex64" : "complex128";
}

/** One part that holds the whole array in column-major order; none for an empty array. */
export function columnMajor(source: ByteSource, offset: number, dims: readonly number[], dtype: NumericDType): readonly Part[] {
  if (countOf(dims) === 0) return [];
  const strides: number[] = [];
  let stride = itemsize(dtype);
  for (const n of dims) {
    strides.push(stride);
    stride *= n;
  }
  return [{ source, offset, start: dims.map(() => 0), shape: dims, strides }];
}

/** An array over stored numbers, with values kept in memory where `kept` has them (in the stored form). */
export function numericArray(dims: readonly number[], dtype: NumericDType, real: Stored, imaginary: Stored | undefined): NumericArray {
  const shown = imaginary === undefined ? dtype : complexOf(dtype);
  const narrow = real.dtype !== dtype && !(dtype === "bool" && real.dtype === "uint8");
  return {
    kind: "numeric",
    dims,
    dtype: shown,
    ...(narrow ? { stored: { kind: "narrow", dtype: real.dtype } } : {}),
    async parts() {
      const values = imaginary === undefined ? valuesAs(real, dtype) : pairs(real, imaginary, shown);
      return columnMajor(values.source, values.offset, dims, shown);
    },
  };
}

function pairs(real: Stored, imaginary: Stored, dtype: NumericDType): Values {
  const unit: NumericDType = dtype === "complex64" ? "float32" : "float64";
  const plane = (stored: Stored): ByteSource => {
    const { source, offset } = valuesAs(stored, unit);
    return window(source, offset, (stored.length / itemsize(stored.dtype)) * itemsize(unit));
  };
  return { source: interleaved(plane(real), plane(imaginary), itemsize(unit)), offset: 0 };
}

/** The same array over values in memory (little-endian, column-major, of the array's dtype); `within`: where they are as they are. */
export function withValues(array: NumericArray, kept: Uint8Array, name: string, within?: ByteSource["within"]): NumericArray {
  const source = memorySource(kept, name, within);
  return { ...array, kept, parts: async () => columnMajor(source, 0, array.dims, array.dtype) };
}

/** The values of an array whose parts() gives one part or none: little-endian, column-major. For small arrays. */
export async function readColumnMajor(array: NumericArray): Promise<Uint8Array> {
  const [part] = await array.parts();
  return part === undefined ? new Uint8Array(0) : part.source.read(part.offset, countOf(array.dims) * itemsize(array.dtype));
}

/** The kept values as JavaScript values; undefined where they are not kept, or complex. */
export function numbersOf(array: NumericArray): readonly (number | bigint | boolean)[] | undefined {
  const { kept, dtype } = array;
  if (kept === undefined) return undefined;
  const view = new DataView(kept.buffer, kept.byteOffset, kept.byteLength);
  const width = itemsize(dtype);
  const get = getters[dtype];
  if (get === undefined) return undefined;
  return Array.from({ length: kept.length / width }, (_, k) => get(view, k * width));
}

type Get = (view: DataView, at: number) => number | bigint | boolean;

const getters: Partial<Record<NumericDType, Get>> = { ...littleEndianReads, bool: (view, at) => view.getUint8(at) !== 0 };
