import { isNumericDType, type NumericDType } from "../../tensor/dtype.ts";

/** By the class of a storage or an old tensor, without its ending: torch.FloatStorage, torch.cuda.HalfTensor. */
const classes: ReadonlyMap<string, NumericDType> = new Map([
  ["Float", "float32"],
  ["Double", "float64"],
  ["Half", "float16"],
  ["BFloat16", "bfloat16"],
  ["Byte", "uint8"],
  ["Char", "int8"],
  ["Short", "int16"],
  ["Int", "int32"],
  ["Long", "int64"],
  ["Bool", "bool"],
  ["ComplexFloat", "complex64"],
  ["ComplexDouble", "complex128"],
  ["QInt8", "int8"],
  ["QUInt8", "uint8"],
  ["QInt32", "int32"],
  ["Untyped", "uint8"],
]);
const aliases: ReadonlyMap<string, NumericDType> = new Map([
  ["torch.float", "float32"],
  ["torch.double", "float64"],
  ["torch.half", "float16"],
  ["torch.short", "int16"],
  ["torch.int", "int32"],
  ["torch.long", "int64"],
  ["torch.cfloat", "complex64"],
  ["torch.cdouble", "complex128"],
]);
/** ScalarType of torch.export's schema (torch/_export/serde/schema.py). */
const scalarTypes: ReadonlyMap<number, NumericDType> = new Map([
  [1, "uint8"],
  [2, "int8"],
  [3, "int16"],
  [4, "int32"],
  [5, "int64"],
  [6, "float16"],
  [7, "float32"],
  [8, "float64"],
  [10, "complex64"],
  [11, "complex128"],
  [12, "bool"],
  [13, "bfloat16"],
  [28, "uint16"],
  [29, "float8_e4m3fn"],
  [30, "float8_e5m2"],
  [31, "float8_e4m3fnuz"],
  [32, "float8_e5m2fnuz"],
]);

/** "torch.FloatStorage", "torch.cuda.HalfStorage", "torch.storage.UntypedStorage" → the dtype of its elements. */
export function storageDType(path: string): NumericDType | undefined {
  const name = /^torch\.(?:\w+\.)*(\w+)Storage$/.exec(path)?.[1];
  return name === undefined ? undefined : classes.get(name);
}

/** "torch.FloatTensor", "torch.cuda.FloatTensor": classes that old files build tensors with. */
export function tensorClassDType(path: string): NumericDType | undefined {
  const name = /^torch\.(?:cuda\.)?(\w+)Tensor$/.exec(path)?.[1];
  return name === undefined ? undefined : classes.get(name);
}

/** "torch.float32"; undefined for dtypes that no tensor here has (complex32, quantised, sub-byte). */
export function namedDType(path: string): NumericDType | undefined {
  const name = path.replace(/^torch\./, "");
  return aliases.get(path) ?? (isNumericDType(name) ? name : undefined);
}

export function exportedDType(scalarType: number): NumericDType | undefined {
  return scalarTypes.get(scalarType);
}
