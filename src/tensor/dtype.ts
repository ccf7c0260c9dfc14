/**
 * Element types, named as NumPy and ml_dtypes name them. One row each; a tensor's bytes are always the little-endian
 * form of its row.
 */
interface DTypeRow {
  /** Bytes of one element. */
  readonly itemsize: number;
  /** How it is compared and summarised. */
  readonly kind: "float" | "int" | "uint" | "bool" | "complex" | "extended";
  /** Bytes of the unit that byte order applies to: half an element for complex numbers. */
  readonly unit: number;
}

const table = {
  bool: { itemsize: 1, kind: "bool", unit: 1 },
  int8: { itemsize: 1, kind: "int", unit: 1 },
  uint8: { itemsize: 1, kind: "uint", unit: 1 },
  int16: { itemsize: 2, kind: "int", unit: 2 },
  uint16: { itemsize: 2, kind: "uint", unit: 2 },
  int32: { itemsize: 4, kind: "int", unit: 4 },
  uint32: { itemsize: 4, kind: "uint", unit: 4 },
  int64: { itemsize: 8, kind: "int", unit: 8 },
  uint64: { itemsize: 8, kind: "uint", unit: 8 },
  float16: { itemsize: 2, kind: "float", unit: 2 },
  bfloat16: { itemsize: 2, kind: "float", unit: 2 },
  float32: { itemsize: 4, kind: "float", unit: 4 },
  float64: { itemsize: 8, kind: "float", unit: 8 },
  float8_e4m3fn: { itemsize: 1, kind: "float", unit: 1 },
  float8_e5m2: { itemsize: 1, kind: "float", unit: 1 },
  float8_e4m3fnuz: { itemsize: 1, kind: "float", unit: 1 },
  float8_e5m2fnuz: { itemsize: 1, kind: "float", unit: 1 },
  float8_e8m0fnu: { itemsize: 1, kind: "float", unit: 1 },
  complex64: { itemsize: 8, kind: "complex", unit: 4 },
  complex128: { itemsize: 16, kind: "complex", unit: 8 },
  // NumPy's longdouble: x86's 80 bits and 6 bytes of padding, or IEEE's binary128 (ARM). Files do not say which, so its bytes are
  // listed, hashed and carried along, and never read as numbers.
  float128: { itemsize: 16, kind: "extended", unit: 16 },
} as const satisfies Record<string, DTypeRow>;

export type NumericDType = keyof typeof table;
export type DType = NumericDType | "string";

export const dtypes: Readonly<Record<NumericDType, DTypeRow>> = table;

export function isNumericDType(name: string): name is NumericDType {
  return Object.hasOwn(table, name);
}

/** Bytes of one element. */
export function itemsize(dtype: NumericDType): number {
  return table[dtype].itemsize;
}
