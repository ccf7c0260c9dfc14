import type { NumericDType } from "../../tensor/dtype.ts";

/** Array classes 6 to 15 of level 5. */
const classes: readonly NumericDType[] = ["float64", "float32", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"];

export function numericDTypeOf(arrayClass: number): NumericDType | undefined {
  return classes[arrayClass - 6];
}
