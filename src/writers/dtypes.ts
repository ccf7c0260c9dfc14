import type { NumericDType } from "../tensor/dtype.ts";

/** What each format can store; a tensor of another type is widened by whoever plans. */
type Types = ReadonlySet<NumericDType>;

const numpy = [
  "bool",
  "int8",
  "uint8",
  "int16",
  "uint16",
  "int32",
  "uint32",
  "int64",
  "uint64",
  "float16",
  "float32",
  "float64",
  "complex64",
  "complex128",
] as const satisfies readonly NumericDType[];

export const npzTypes: Types = new Set<NumericDType>([...numpy, "float128"]);

/** The kind of an array's elements in NumPy's type strings ("<f4"). */
export const numpyLetters = { float: "f", int: "i", uint: "u", bool: "b", complex: "c", extended: "f" } as const;

/** Keras 3 keeps bfloat16 as bytes with an attribute. */
export const kerasTypes: Types = new Set<NumericDType>([...numpy, "bfloat16"]);

export const safetensorsTypes: Types = new Set<NumericDType>([
  ...numpy.filter((dtype) => dtype !== "complex128"),
  "bfloat16",
  "float8_e4m3fn",
  "float8_e5m2",
  "float8_e8m0fnu",
]);

/** What Paddle and PyTorch both store: no unsigned type beyond 8 bits. */
const tensorTypes: Types = new Set<NumericDType>([...numpy.filter((dtype) => !/^uint(16|32|64)$/.test(dtype)), "bfloat16"]);

/** paddle.load turns NumPy's uint16 into bfloat16, so uint16 itself has no place; nor have uint32 and uint64. */
export const paddleTypes = tensorTypes;

/** Storages of torch.save; unsigned types beyond 8 bits have no storage class (they go through `_rebuild_tensor_v3`). */
export const torchTypes = tensorTypes;

/** BlobProto has `data` and `double_data`; its half precision (`raw_data`) only NVIDIA's fork reads. */
export const caffeTypes: Types = new Set<NumericDType>(["float32", "float64"]);

/** TensorProto.DataType (onnx.proto). */
export const onnxTypes: Types = new Set<NumericDType>([...numpy, "bfloat16", "float8_e4m3fn", "float8_e5m2"]);

/** DataType of TensorFlow 2.15 (readers/tensorflow/types.ts has the numbers). */
export const tfTypes: Types = onnxTypes;

/** Of a layers model's weights; float16 exists as a quantisation only. */
export const tfjsTypes: Types = new Set<NumericDType>(["float32", "int32", "bool", "complex64"]);

/** vl_simplenn computes in single precision, or in double where all arrays are. */
export const matconvnetTypes: Types = new Set<NumericDType>(["float32", "float64"]);
