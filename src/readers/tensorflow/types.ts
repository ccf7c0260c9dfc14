import type { DType } from "../../tensor/dtype.ts";

/**
 * tensorflow/core/framework/types.proto. The quantised integers are their plain integers: that is what TensorFlow hands to
 * NumPy. References (+100) occur in graphs only.
 */
const table: ReadonlyMap<number, DType> = new Map<number, DType>([
  [1, "float32"],
  [2, "float64"],
  [3, "int32"],
  [4, "uint8"],
  [5, "int16"],
  [6, "int8"],
  [7, "string"],
  [8, "complex64"],
  [9, "int64"],
  [10, "bool"],
  [11, "int8"], // QINT8
  [12, "uint8"], // QUINT8
  [13, "int32"], // QINT32
  [14, "bfloat16"],
  [15, "int16"], // QINT16
  [16, "uint16"], // QUINT16
  [17, "uint16"],
  [18, "complex128"],
  [19, "float16"],
  [22, "uint32"],
  [23, "uint64"],
  [24, "float8_e5m2"],
  [25, "float8_e4m3fn"],
]);

/** Types that a checkpoint may hold and that are no array of numbers or strings. */
const opaque: ReadonlyMap<number, string> = new Map([
  [20, "DT_RESOURCE"],
  [21, "DT_VARIANT"],
  [29, "DT_INT4"],
  [30, "DT_UINT4"],
]);

/** The element type of a DataType number; undefined where it is none that can be listed. */
export function tfDtype(type: number): DType | undefined {
  return table.get(type > 100 ? type - 100 : type);
}

/** A DataType number for people. */
export function tfTypeName(type: number): string {
  return opaque.get(type) ?? `data type ${type}`;
}

/** DataType number of a dtype, for writing; undefined where TensorFlow 2.15 has none. */
export function tfTypeNumber(dtype: DType): number | undefined {
  for (const [number, name] of table) if (name === dtype && (number < 11 || number > 13)) return number;
  return undefined;
}
