import { expectWire, fields, fieldText, int64, int64s, uint32 } from "../../encodings/protobuf/protobuf.ts";
import { type FieldRun, fieldPayload, sourceRuns } from "../../encodings/protobuf/protobuf-source.ts";
import { fixedValues, varintValues } from "../../encodings/protobuf/protobuf-values.ts";
import type { WireField } from "../../encodings/protobuf/protobuf-wire.ts";
import { CheckpointError } from "../../errors.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { window } from "../../io/source/window.ts";
import { type DType, itemsize, type NumericDType } from "../../tensor/dtype.ts";
import { byteLength, elementCount } from "../../tensor/shape.ts";

/**
 * TensorProto (onnx/onnx onnx.proto): dims 1, data_type 2, segment 3, float_data 4, int32_data 5, string_data 6, int64_data 7,
 * name 8, raw_data 9, double_data 10, uint64_data 11, external_data 13 {key 1, value 2}, data_location 14 (1: external).
 * raw_data and external files are little-endian, whatever the host.
 */
export interface OnnxTensor {
  readonly name: string;
  /** undefined: a type that is smaller than a byte, or one nobody knows. */
  readonly dtype: DType | undefined;
  readonly type: number;
  readonly shape: readonly number[];
  readonly place: Place;
}

type Place =
  | { readonly kind: "raw"; readonly run: WireField }
  | { readonly kind: "typed"; readonly runs: readonly FieldRun[] }
  | { readonly kind: "strings"; readonly message: WireField }
  | { readonly kind: "external"; readonly location: string; readonly offset: number; readonly length: number | undefined };

/** TensorProto.DataType. */
const types: ReadonlyMap<number, DType> = new Map<number, DType>([
  [1, "float32"],
  [2, "uint8"],
  [3, "int8"],
  [4, "uint16"],
  [5, "int16"],
  [6, "int32"],
  [7, "int64"],
  [8, "string"],
  [9, "bool"],
  [10, "float16"],
  [11, "float64"],
  [12, "uint32"],
  [13, "uint64"],
  [14, "complex64"],
  [15, "complex128"],
  [16, "bfloat16"],
  [17, "float8_e4m3fn"],
  [18, "float8_e4m3fnuz"],
  [19, "float8_e5m2"],
  [20, "float8_e5m2fnuz"],
  [24, "float8_e8m0fnu"],
]);

/** Types of less than a byte, for people. */
const small: ReadonlyMap<number, string> = new Map([
  [21, "uint4"],
  [22, "int4"],
  [23, "float4_e2m1"],
  [25, "uint2"],
  [26, "int2"],
]);

function onnxDtype(type: number): DType | undefined {
  return types.get(type);
}

export function onnxTypeName(type: number): string {
  return types.get(type) ?? small.get(type) ?? `data type ${type}`;
}

/** Field that holds the values of a type where raw_data does not; every other type is in int32_data, one element a varint. */
const int32Data = 5;
const typedField: ReadonlyMap<DType, number> = new Map<DType, number>([
  ["float32", 4],
  ["complex64", 4],
  ["float64", 10],
  ["complex128", 10],
  ["int64", 7],
  ["uint32", 11],
  ["uint64", 11],
]);

/** Names, locations and shapes. */
const maxSmall = 1 << 16;

/** Reads what a tensor says of itself; its values stay where they are. Throws `malformed`. */
export async function readTensor(source: ByteSource, place: WireField): Promise<OnnxTensor> {
  expectWire(place, 2, "a tensor");
  let name = "";
  let type = 0;
  let location = 0;
  let raw: WireField | undefined;
  const shape: number[] = [];
  const external: [string, string][] = [];
  const data: FieldRun[] = [];
  let segmented = false;
  for await (const run of sourceRuns(source, place.offset, place.offset + place.length)) {
    if (run.number === 1) shape.push(...(await dims(source, run)));
    else if (run.number === 2) type = uint32(run, "data_type");
    else if (run.number === 3) segmented = true;
    else if (run.number === 8) name = new TextDecoder().decode(await fieldPayload(source, run, maxSmall, "a name"));
    else if (run.number === 9) raw = run;
    else if (run.number === 13) external.push(keyValue(await fieldPayload(source, run, maxSmall, "external_data")));
    else if (run.number === 14) location = uint32(run, "data_location");
    else if ([4, 5, 7, 10, 11].includes(run.number)) data.push(run);
  }
  const dtype = onnxDtype(type);
  const where = { tensor: name, offset: place.offset, file: source.name };
  if (segmented) throw new CheckpointError("unsupported", "it is stored in segments, which no exporter writes", where);
  if (shape.some((size) => size < 0))
    throw new CheckpointError("malformed", `its shape [${shape.join(", ")}] has a negative dimension`, where);
  if (location === 1) return { name, dtype, type, shape, place: externalPlace(new Map(external), where) };
  if (dtype === "string") return { name, dtype, type, shape, place: { kind: "strings", message: place } };
  if (raw !== undefined) {
    expectWire(raw, 2, "raw_data");
    return { name, dtype, type, shape, place: { kind: "raw", run: raw } };
  }
  const field = dtype === undefined ? int32Data : (typedField.get(dtype) ?? int32Data);
  return { name, dtype, type, shape, place: { kind: "typed", runs: data.filter((run) => run.number === field) } };
}

async function dims(source: ByteSource, run: FieldRun): Promise<readonly number[]> {
  if (run.wire === 0 && run.count === 1) return [int64(run, "a dimension")];
  // Unpacked dimensions come as one run of tags and values: with the first tag in front they are a message of their own.
  const from = run.wire === 2 ? run.offset : run.offset - run.tagLength;
  const length = run.wire === 2 ? run.length : run.length + run.tagLength;
  if (length > maxSmall) throw new CheckpointError("malformed", `${length} bytes of dimensions`, { file: source.name, offset: run.offset });
  const bytes = await source.read(from, length);
  if (run.wire === 2) return [...int64s({ ...run, bytes }, "a dimension")];
  return [...fields(bytes)].map((field) => int64(field, "a dimension"));
}

function keyValue(bytes: Uint8Array): [string, string] {
  let key = "";
  let value = "";
  for (const field of fields(bytes)) {
    if (field.number === 1) key = fieldText(field, "key of external_data");
    if (field.number === 2) value = fieldText(field, "value of external_data");
  }
  return [key, value];
}

function externalPlace(entries: ReadonlyMap<string, string>, where: { readonly tensor: string }): Place {
  const location = entries.get("location");
  if (location === undefined || location === "")
    throw new CheckpointError("malformed", "its values are in another file, which is not named", where);
  const number = (key: string): number | undefined => {
    const value = entries.get(key);
    if (value === undefined || value === "") return undefined;
    const parsed = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (Number.isSafeInteger(parsed)) return parsed;
    throw new CheckpointError("malformed", `the ${key} of its external data is ${JSON.stringify(value)}, needed a number`, where);
  };
  return { kind: "external", location, offset: number("offset") ?? 0, length: number("length") };
}

/** The little-endian values of a numeric tensor that is in the model. Throws `malformed` where there are too few or many. */
export function inlineValues(source: ByteSource, tensor: OnnxTensor, dtype: NumericDType): ByteSource {
  const { place, shape, name } = tensor;
  const needed = byteLength(shape, dtype);
  const tooFew = (there: number): CheckpointError =>
    new CheckpointError("malformed", `${needed} bytes needed for ${dtype} [${shape.join(", ")}], ${there} are there`, { tensor: name });
  if (place.kind === "raw") {
    if (place.run.length !== needed) throw tooFew(place.run.length);
    return window(source, place.run.offset, place.run.length);
  }
  if (place.kind !== "typed") throw new RangeError(`values of ${name} are not in the model`);
  const field = typedField.get(dtype) ?? int32Data;
  if (field === 4 || field === 10) {
    const values = fixedValues(source, place.runs, field === 4 ? 4 : 8);
    if (values.size !== needed) throw tooFew(values.size);
    return values;
  }
  const count = elementCount(shape);
  const bytes = place.runs.reduce((sum, run) => sum + run.length, 0);
  if (count > bytes)
    throw new CheckpointError("malformed", `${count} values needed, its ${bytes} bytes cannot hold them`, { tensor: name });
  return varintValues(source, place.runs, count, itemsize(dtype), dtype === "bool");
}
