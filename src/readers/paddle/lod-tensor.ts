import { fields, int64s, uint32 } from "../../encodings/protobuf/protobuf.ts";
import { CheckpointError } from "../../errors.ts";
import { Cursor } from "../../io/source/cursor.ts";
import type { ByteSource } from "../../io/source/source.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import { byteLength } from "../../tensor/shape.ts";

/*
 * A LoDTensor as Paddle streams it (paddle/fluid/framework/lod_tensor.cc, tensor_util.cc TensorToStream), little-endian, nothing
 * padded, nothing checked:
 *   u32 version 0 | u64 LoD levels | for each: u64 bytes, u64 offsets | u32 tensor version 0 | i32 size of the description |
 *   TensorDesc { 1 data_type, 2 repeated int64 dims } | the values, row-major
 * Several of them back to back make up a combined file.
 */

export interface StreamTensor {
  readonly dtype: NumericDType;
  readonly shape: readonly number[];
  /** Of the values in the source. */
  readonly offset: number;
  /** Behind the values, where the next tensor starts. */
  readonly end: number;
}

/** VarType.Type of paddle/fluid/framework/framework.proto. */
const lodTensorTypes: ReadonlyMap<number, NumericDType> = new Map([
  [0, "bool"],
  [1, "int16"],
  [2, "int32"],
  [3, "int64"],
  [4, "float16"],
  [5, "float32"],
  [6, "float64"],
  [19, "uint64"], // SIZE_T
  [20, "uint8"],
  [21, "int8"],
  [22, "bfloat16"],
  [23, "complex64"],
  [24, "complex128"],
  [32, "float8_e4m3fn"],
  [33, "float8_e5m2"],
]);

/** A description has some 30 bytes; NumPy and Paddle know at most 64 dims of 11 bytes. */
const maxDescription = 1024;
/** Levels of detail nest sequences in sequences; more than a few mean that this is something else. */
const maxLevels = 16;
/** Only headers are read; the values are skipped. */
const CHUNK = 256;

/** Whether bytes begin like a tensor without levels: two versions and a count of zero, then a plausible description. */
export function looksLikeLodTensor(head: Uint8Array): boolean {
  if (head.length < 22 || head.subarray(0, 16).some((byte) => byte !== 0)) return false;
  const size = new DataView(head.buffer, head.byteOffset, head.byteLength).getInt32(16, true);
  // Field 1, a varint: the data type.
  return size >= 2 && size <= maxDescription && head[20] === 0x08 && lodTensorTypes.has(head[21] ?? 255);
}

/** The tensor whose header starts at `offset`. Throws `truncated`, `malformed`, `unsupported` (element types that are unknown). */
export async function readStreamTensor(source: ByteSource, offset: number): Promise<StreamTensor> {
  const cursor = new Cursor(source, offset, source.size, { chunk: CHUNK });
  const where = { file: source.name, offset };
  const fail = (message: string): CheckpointError => new CheckpointError("malformed", message, where);
  await cursor.need(12);
  const version = cursor.u32();
  const levels = cursor.u64();
  if (version !== 0) throw fail(`a Paddle tensor of version ${version}, only 0 exists`);
  if (levels > maxLevels) throw fail(`a Paddle tensor with ${levels} levels of detail`);
  for (let level = 0; level < levels; level += 1) {
    await cursor.need(8);
    const bytes = cursor.u64();
    if (bytes % 8 !== 0) throw fail(`a level of detail of ${bytes} bytes, which are no whole offsets`);
    cursor.skip(bytes);
  }
  await cursor.need(8);
  const tensorVersion = cursor.u32();
  const size = cursor.i32();
  if (tensorVersion !== 0) throw fail(`a Paddle tensor of version ${tensorVersion}, only 0 exists`);
  if (size < 2 || size > maxDescription) throw fail(`a tensor description of ${size} bytes`);
  await cursor.need(size);
  const { dtype, shape } = describe(cursor.bytes(size), fail);
  const start = cursor.position;
  const length = byteLength(shape, dtype);
  if (length > cursor.remaining) {
    throw new CheckpointError(
      "truncated",
      `a tensor of shape [${shape.join(", ")}] needs ${length} bytes, ${cursor.remaining} are left`,
      where,
    );
  }
  return { dtype, shape, offset: start, end: start + length };
}

function describe(bytes: Uint8Array, fail: (message: string) => CheckpointError): { dtype: NumericDType; shape: readonly number[] } {
  const { type, shape } = readDescription(bytes);
  if (type === undefined) throw fail("a tensor description without a type");
  const dtype = lodTensorTypes.get(type);
  if (dtype === undefined) throw new CheckpointError("unsupported", `Paddle's type ${type} is unknown`, fail("").where);
  return { dtype, shape };
}

/** TensorDesc: type number and dims (−1 in a program: not known). Dims are unpacked by Paddle; packed ones mean the same. */
export function readDescription(bytes: Uint8Array): { readonly type: number | undefined; readonly shape: readonly number[] } {
  let type: number | undefined;
  const shape: number[] = [];
  for (const field of fields(bytes)) {
    if (field.number === 1) type = uint32(field, "data_type");
    if (field.number === 2) shape.push(...int64s(field, "dims"));
  }
  return { type, shape };
}

/** All tensors of a combined file, in order; the last ends where the file does. Throws as `readStreamTensor`. */
export async function readStream(source: ByteSource): Promise<readonly StreamTensor[]> {
  const tensors: StreamTensor[] = [];
  for (let at = 0; at < source.size; at = tensors.at(-1)?.end ?? source.size) tensors.push(await readStreamTensor(source, at));
  return tensors;
}
