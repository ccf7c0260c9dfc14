import { expectWire } from "../../encodings/protobuf/protobuf.ts";
import { type FieldRun, sourceFields, sourceRuns } from "../../encodings/protobuf/protobuf-source.ts";
import { countVarints, fixedValues, varintValues } from "../../encodings/protobuf/protobuf-values.ts";
import { CheckpointError } from "../../errors.ts";
import { memorySource } from "../../io/source/memory.ts";
import { checkRange, target } from "../../io/source/range.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { wholeOf, window } from "../../io/source/window.ts";
import { itemsize, type NumericDType } from "../../tensor/dtype.ts";

/**
 * Values of a TensorProto (tensorflow/core/framework/tensor.proto): tensor_content 4, raw and little-endian, or one typed
 * repeated field: float_val 5, double_val 6, int_val 7 (all integers up to 32 bits), string_val 8, scomplex_val 9, int64_val 10,
 * bool_val 11, dcomplex_val 12, half_val 13 (float16 and bfloat16 as their 16 bits), uint32_val 16, uint64_val 17, float8_val 18.
 */
const contentField = 4;
const stringField = 8;
/** One byte for each element: a `bytes` field, not a repeated one. */
const float8Field = 18;

const typedField: Readonly<Record<NumericDType, number>> = {
  float32: 5,
  float64: 6,
  int8: 7,
  uint8: 7,
  int16: 7,
  uint16: 7,
  int32: 7,
  complex64: 9,
  int64: 10,
  bool: 11,
  complex128: 12,
  float16: 13,
  bfloat16: 13,
  uint32: 16,
  uint64: 17,
  float8_e4m3fn: float8Field,
  float8_e5m2: float8Field,
  float8_e4m3fnuz: float8Field,
  float8_e5m2fnuz: float8Field,
  float8_e8m0fnu: float8Field,
  float128: contentField, // TensorFlow has no such type
};

/** Bytes of the fixed-width numbers in a typed field; undefined where they are varints. */
const fixedWidth: ReadonlyMap<number, 4 | 8> = new Map([
  [5, 4],
  [6, 8],
  [9, 4],
  [12, 8],
]);

/** Where a TensorProto is. */
export interface ProtoPlace {
  /** Of the message, in bytes. */
  readonly size: number;
  /** For walking its fields. */
  readonly message: ByteSource;
  /** Its bytes as a source to keep and read values from (which may watch a checksum). */
  part(offset: number, length: number): ByteSource;
}

/**
 * `count` little-endian elements. `fill`: fewer values than elements mean that the last one goes on (graphs), and a source of one
 * element means all of them; otherwise they are `malformed` (checkpoints).
 */
export async function protoValues(place: ProtoPlace, dtype: NumericDType, count: number, fill: boolean): Promise<ByteSource> {
  const number = typedField[dtype];
  const width = itemsize(dtype);
  const { message } = place;
  const runs: FieldRun[] = [];
  let content: FieldRun | undefined;
  for await (const run of sourceRuns(message)) {
    if (run.number === contentField) content = run;
    if (run.number === number) runs.push(run);
  }
  const raw = number === float8Field ? (content ?? runs[0]) : content;
  if (raw !== undefined && raw.length > 0) {
    expectWire(raw, 2, "content of a tensor");
    if (raw.length === count * width) return place.part(raw.offset, raw.length);
    throw new CheckpointError("malformed", `${count} elements of ${dtype} need ${count * width} bytes, ${raw.length} are there`);
  }
  const fixed = fixedWidth.get(number);
  if (fixed === undefined) {
    const there = fill ? await countVarints(message, runs) : count;
    const kept = place.part(0, place.size);
    return filled(varintValues(kept, runs, Math.min(there, count), width, dtype === "bool"), count * width, width, fill);
  }
  const [only] = runs;
  const packed = runs.length === 1 && only?.wire === 2 ? only : undefined;
  const values = packed === undefined ? fixedValues(place.part(0, place.size), runs, fixed) : place.part(packed.offset, packed.length);
  return filled(values, count * width, width, fill);
}

/** Checks the size of values, or lets the last element go on; where there is but one, that one is all there is of the source. */
function filled(values: ByteSource, size: number, width: number, fill: boolean): ByteSource {
  if (values.size === size || (fill && values.size === width)) return values;
  if (!fill || values.size > size || values.size % width !== 0) {
    throw new CheckpointError("malformed", `${size} bytes of values needed, ${values.size} are there`);
  }
  const there = values.size;
  // No value at all means zeros.
  if (there === 0) return memorySource(new Uint8Array(width), values.name);
  return {
    name: values.name,
    size,
    access: values.access,
    stored: [wholeOf(values)],
    async read(offset, length, into) {
      checkRange(values.name, size, offset, length, into);
      const out = target(length, into);
      const front = Math.max(0, Math.min(length, there - offset));
      if (front > 0) await values.read(offset, front, out);
      if (front === length) return out;
      const last = await values.read(there - width, width);
      for (let k = front; k < length; k++) out[k] = last[(offset + k) % width] ?? 0;
      return out;
    },
    async close() {},
  };
}

/** A string is handed on whole. */
const maxElement = 256 << 20;

/** The elements of a string tensor; `fill` as above. */
export async function* protoStrings(place: ProtoPlace, count: number, fill: boolean): AsyncGenerator<Uint8Array, void, undefined> {
  const kept = place.part(0, place.size);
  let made = 0;
  let last = new Uint8Array(0);
  for await (const field of sourceFields(kept)) {
    if (field.number !== stringField) continue;
    expectWire(field, 2, "a string");
    if (field.length > maxElement)
      throw new CheckpointError("unsupported", `a string of ${field.length} bytes, at most ${maxElement} are read`);
    last = new Uint8Array(await window(kept, field.offset, field.length).read(0, field.length));
    made += 1;
    if (made > count) break;
    yield last;
  }
  if (made > count || (made < count && !fill)) throw new CheckpointError("malformed", `${count} strings needed, ${made} or more are there`);
  for (; made < count; made++) yield last;
}
