import type { NumericDType } from "../tensor/dtype.ts";

/**
 * Values in memory, row-major: a typed array of the dtype. bool is Uint8Array (0 and 1), float16 and bfloat16 are Uint16Array, the 8-bit floats
 * Uint8Array (their bits); complex numbers are pairs, real before imaginary; float128 is its bytes; text is an array of Uint8Array.
 */
export type TensorData =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | BigUint64Array
  | BigInt64Array
  | Float32Array
  | Float64Array
  | readonly Uint8Array[];

/** Little-endian bytes as the typed array of their dtype; `buffer` is not copied. */
export function typed(buffer: ArrayBuffer, dtype: NumericDType): TensorData {
  switch (dtype) {
    case "int8":
      return new Int8Array(buffer);
    case "int16":
      return new Int16Array(buffer);
    case "uint16":
    case "float16":
    case "bfloat16":
      return new Uint16Array(buffer);
    case "int32":
      return new Int32Array(buffer);
    case "uint32":
      return new Uint32Array(buffer);
    case "int64":
      return new BigInt64Array(buffer);
    case "uint64":
      return new BigUint64Array(buffer);
    case "float32":
    case "complex64":
      return new Float32Array(buffer);
    case "float64":
    case "complex128":
      return new Float64Array(buffer);
    default:
      return new Uint8Array(buffer);
  }
}
