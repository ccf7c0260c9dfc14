import { byteSwapped } from "../../io/source/mapped.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { window } from "../../io/source/window.ts";
import { dtypes, itemsize, type NumericDType } from "../../tensor/dtype.ts";
import type { Part, Tensor, TensorInfo } from "../../tensor/tensor.ts";
import type { Hdf5Type } from "./datatype.ts";
import type { Hdf5Dataset } from "./file.ts";
import { isBool } from "./values.ts";

/** A dtype of ours and the byte order in the file. */
export interface StoredDType {
  readonly dtype: NumericDType;
  readonly bigEndian: boolean;
}

const integers: ReadonlyMap<string, NumericDType> = new Map([
  ["1 true", "int8"],
  ["1 false", "uint8"],
  ["2 true", "int16"],
  ["2 false", "uint16"],
  ["4 true", "int32"],
  ["4 false", "uint32"],
  ["8 true", "int64"],
  ["8 false", "uint64"],
]);
/** By bits of exponent and mantissa, and bias. */
const floats: ReadonlyMap<string, NumericDType> = new Map([
  ["5 10 15", "float16"],
  ["8 7 127", "bfloat16"],
  ["8 23 127", "float32"],
  ["11 52 1023", "float64"],
  ["5 2 15", "float8_e5m2"],
  ["4 3 7", "float8_e4m3fn"],
]);

/**
 * The dtype of numeric elements: integers, IEEE floats, h5py's bool (an enum of FALSE and TRUE), other enums as their
 * integers, complex numbers as a compound of two floats (r, i by h5py; real, imag by MATLAB). undefined for all else.
 */
function numericType(type: Hdf5Type): StoredDType | undefined {
  switch (type.class) {
    case "integer": {
      const dtype = type.whole ? integers.get(`${type.size} ${type.signed}`) : undefined;
      return dtype && { dtype, bigEndian: type.bigEndian };
    }
    case "float": {
      const dtype = floats.get(`${type.exponent} ${type.mantissa} ${type.bias}`);
      return dtype && { dtype, bigEndian: type.bigEndian };
    }
    case "enum":
      return isBool(type) ? { dtype: "bool", bigEndian: false } : numericType(type.base);
    case "compound": {
      const [re, im] = type.members;
      if (type.members.length !== 2 || re?.offset !== 0 || im === undefined || im.offset !== re.type.size) return undefined;
      if (!/^r(eal)?$/i.test(re.name) || !/^i(mag)?$/i.test(im.name) || type.size !== 2 * re.type.size) return undefined;
      const half = numericType(re.type);
      const other = numericType(im.type);
      if (half?.dtype !== other?.dtype || half?.bigEndian !== other?.bigEndian) return undefined;
      if (half?.dtype === "float32") return { dtype: "complex64", bigEndian: half.bigEndian };
      if (half?.dtype === "float64") return { dtype: "complex128", bigEndian: half.bigEndian };
      return undefined;
    }
    default:
      return undefined;
  }
}

/**
 * A dataset as a tensor; `as` names the dtype where the file has only bytes (Keras' bfloat16). Texts become a string
 * tensor. undefined where the elements are no numbers and no texts, or the dataset holds nothing at all.
 */
export function hdf5Tensor(dataset: Hdf5Dataset, info: Omit<TensorInfo, "shape">, as?: NumericDType): Tensor | undefined {
  const { type, shape } = dataset;
  if (shape === null) return undefined;
  if (type.class === "string" || (type.class === "vlen" && type.string)) {
    return { ...info, shape, dtype: "string", elements: () => texts(dataset) };
  }
  const stored = as !== undefined && itemsize(as) === type.size ? { dtype: as, bigEndian: false } : numericType(type);
  if (stored === undefined) return undefined;
  const { dtype, bigEndian } = stored;
  return { ...info, dtype, shape, parts: async () => littleEndian(await dataset.parts(), dtype, bigEndian) };
}

/** The same parts over little-endian values. */
export function littleEndian(parts: readonly Part[], dtype: NumericDType, bigEndian: boolean): readonly Part[] {
  const { unit } = dtypes[dtype];
  if (!bigEndian || unit === 1) return parts;
  return parts.map((part) => {
    const reach = part.shape.reduce((end, dim, axis) => end + (dim - 1) * (part.strides[axis] ?? 0), itemsize(dtype));
    return { ...part, source: swapped(part.source, part.offset, reach, unit), offset: 0 };
  });
}

function swapped(source: ByteSource, offset: number, size: number, unit: number): ByteSource {
  return byteSwapped(window(source, offset, size), unit);
}

async function* texts(dataset: Hdf5Dataset): AsyncGenerator<Uint8Array> {
  yield* await dataset.texts();
}
