import { CheckpointError } from "../../errors.ts";
import { Cursor } from "../../io/source/cursor.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { itemsize, type NumericDType } from "../../tensor/dtype.ts";
import { byteLength } from "../../tensor/shape.ts";

/**
 * `mx.nd.save` (apache/mxnet src/ndarray/ndarray.cc, little-endian): u64 0x112, u64 0, u64 n, n arrays, u64 m (n, or 0 for a
 * list), m names of u64 length and bytes. An array:
 *
 *   u32 0xf993fac9 (V2) or 0xf993faca (V3, NumPy shapes): i32 storage type, [sparse: shape of the stored values], shape
 *   u32 0xf993fac8 (V1): shape
 *   u32 anything else: it is the number of dimensions itself, dimensions follow as u32 (the oldest form)
 *   shape    u32 (V3: i32) ndim, i64 dims
 *   then     i32 device type, i32 device id, i32 dtype, [sparse: i32 dtype and shape of each auxiliary array], values, auxiliaries
 *
 * In V1 and V2 no dimensions mean no array, and nothing follows; in V3 they are a scalar, and −1 is no array.
 */
export interface NdArray {
  /** undefined: no plain array; `what` says what it is. */
  readonly dtype: NumericDType | undefined;
  readonly what: "dense" | "none" | "row_sparse" | "csr";
  readonly shape: readonly number[];
  /** Of the values, in the file. */
  readonly offset: number;
}

export interface NdArrayFile {
  readonly arrays: readonly NdArray[];
  /** As many as arrays, or none: a list. */
  readonly names: readonly string[];
  /** Newest form that occurs. */
  readonly version: 0 | 1 | 2 | 3;
}

const listMagic = 0x112;
const v1Magic = 0xf993fac8;
const v2Magic = 0xf993fac9;
const v3Magic = 0xf993faca;
/** MXNet's own arrays stop at 32. */
const maxDims = 32;
/** A name has some 50 bytes; none is longer than a page. */
const maxName = 1 << 16;

/** mshadow/base.h, enum TypeFlag. */
const types: ReadonlyMap<number, NumericDType> = new Map<number, NumericDType>([
  [0, "float32"],
  [1, "float64"],
  [2, "float16"],
  [3, "uint8"],
  [4, "int32"],
  [5, "int8"],
  [6, "int64"],
  [7, "bool"],
  [8, "int16"],
  [9, "uint16"],
  [10, "uint32"],
  [11, "uint64"],
  [12, "bfloat16"],
]);

/** Walks the file from array to array without reading values. Throws `malformed`, `truncated`, `unsupported`. */
export async function readNdArrays(source: ByteSource): Promise<NdArrayFile> {
  const cursor = new Cursor(source, 0, source.size, { chunk: 4096 });
  await cursor.need(24);
  const magic = cursor.u64();
  if (magic !== listMagic)
    throw new CheckpointError("malformed", `a list of arrays begins with 0x112, here is 0x${magic.toString(16)}`, { file: source.name });
  cursor.skip(8);
  const count = cursor.u64();
  // An array has at least its number of dimensions.
  if (count * 4 > cursor.remaining) {
    throw new CheckpointError("truncated", `${count} arrays in ${cursor.remaining} bytes`, { file: source.name });
  }
  const arrays: NdArray[] = [];
  let version: NdArrayFile["version"] = 0;
  for (let k = 0; k < count; k++) {
    const { array, form } = await readArray(cursor);
    arrays.push(array);
    if (form > version) version = form;
  }
  return { arrays, names: await readNames(cursor, count), version };
}

async function readNames(cursor: Cursor, count: number): Promise<readonly string[]> {
  await cursor.need(8);
  const named = cursor.u64();
  if (named !== 0 && named !== count) {
    throw new CheckpointError("malformed", `${named} names for ${count} arrays`, { file: cursor.source.name, offset: cursor.position - 8 });
  }
  const names: string[] = [];
  for (let k = 0; k < named; k++) {
    await cursor.need(8);
    const length = cursor.u64();
    if (length > maxName)
      throw new CheckpointError("malformed", `a name of ${length} bytes`, { file: cursor.source.name, offset: cursor.position - 8 });
    await cursor.need(length);
    names.push(new TextDecoder().decode(cursor.bytes(length)));
  }
  return names;
}

type Form = NdArrayFile["version"];

async function readArray(cursor: Cursor): Promise<{ readonly array: NdArray; readonly form: Form }> {
  await cursor.need(4);
  const first = cursor.u32();
  if (first === v2Magic || first === v3Magic) {
    const form = first === v2Magic ? 2 : 3;
    return { array: await readModern(cursor, form), form };
  }
  const form = first === v1Magic ? 1 : 0;
  const shape = form === 1 ? await readShape(cursor, 1) : await readDims(cursor, first, 4);
  if (shape === undefined || shape.length === 0) return { array: none(cursor), form };
  return { array: await readDense(cursor, shape), form };
}

function none(cursor: Cursor): NdArray {
  return { dtype: undefined, what: "none", shape: [], offset: cursor.position };
}

async function readModern(cursor: Cursor, form: 2 | 3): Promise<NdArray> {
  await cursor.need(4);
  const storage = cursor.i32();
  if (storage === 0) {
    const shape = await readShape(cursor, form);
    return shape === undefined ? none(cursor) : readDense(cursor, shape);
  }
  if (storage !== 1 && storage !== 2) {
    throw new CheckpointError("malformed", `storage type ${storage} is none of 0, 1, 2`, {
      file: cursor.source.name,
      offset: cursor.position - 4,
    });
  }
  const stored = (await readShape(cursor, form)) ?? [];
  const shape = (await readShape(cursor, form)) ?? [];
  await cursor.need(12);
  cursor.skip(8);
  const dtype = readType(cursor);
  let bytes = byteLength(stored, dtype);
  for (let k = 0; k < storage; k++) {
    await cursor.need(4);
    const type = readType(cursor);
    bytes += byteLength((await readShape(cursor, form)) ?? [], type);
  }
  const offset = cursor.position;
  cursor.skip(bytes);
  return { dtype: undefined, what: storage === 1 ? "row_sparse" : "csr", shape, offset };
}

async function readDense(cursor: Cursor, shape: readonly number[]): Promise<NdArray> {
  await cursor.need(12);
  cursor.skip(8); // device
  const dtype = readType(cursor);
  const offset = cursor.position;
  const bytes = byteLength(shape, dtype);
  if (bytes > cursor.remaining) {
    const elements = bytes / itemsize(dtype);
    throw new CheckpointError("truncated", `${elements} elements of ${dtype} need ${bytes} bytes, ${cursor.remaining} are left`, {
      file: cursor.source.name,
      offset,
    });
  }
  cursor.skip(bytes);
  return { dtype, what: "dense", shape, offset };
}

function readType(cursor: Cursor): NumericDType {
  const type = cursor.i32();
  const dtype = types.get(type);
  if (dtype !== undefined) return dtype;
  throw new CheckpointError("unsupported", `arrays of type ${type}; types 0 to 12 are known`, {
    file: cursor.source.name,
    offset: cursor.position - 4,
  });
}

/** undefined: there is no array. */
async function readShape(cursor: Cursor, form: 1 | 2 | 3): Promise<readonly number[] | undefined> {
  await cursor.need(4);
  const ndim = cursor.i32();
  if (form === 3 ? ndim === -1 : ndim === 0) return undefined;
  return readDims(cursor, ndim, 8);
}

async function readDims(cursor: Cursor, ndim: number, width: 4 | 8): Promise<readonly number[]> {
  if (ndim < 0 || ndim > maxDims) {
    throw new CheckpointError("malformed", `an array of ${ndim} dimensions, at most ${maxDims} exist`, {
      file: cursor.source.name,
      offset: cursor.position - 4,
    });
  }
  await cursor.need(ndim * width);
  const dims: number[] = [];
  for (let k = 0; k < ndim; k++) dims.push(width === 4 ? cursor.u32() : cursor.i64());
  if (dims.some((dim) => dim < 0)) {
    throw new CheckpointError("malformed", `its shape [${dims.join(", ")}] has a negative dimension`, {
      file: cursor.source.name,
      offset: cursor.position,
    });
  }
  return dims;
}
