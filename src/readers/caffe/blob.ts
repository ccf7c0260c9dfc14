import { expectWire, int32, uint32 } from "../../encodings/protobuf/protobuf.ts";
import { type FieldRun, fieldPayload, sourceRuns } from "../../encodings/protobuf/protobuf-source.ts";
import { fixedValues } from "../../encodings/protobuf/protobuf-values.ts";
import { CheckpointError } from "../../errors.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { window } from "../../io/source/window.ts";
import { itemsize, type NumericDType } from "../../tensor/dtype.ts";
import { byteLength, elementCount } from "../../tensor/shape.ts";
import { readDims } from "./parameters.ts";

/**
 * BlobProto: num 1, channels 2, height 3, width 4 (the four dimensions of old files), data 5 (float), diff 6, shape 7
 * {dim 1}, double_data 8, double_diff 9; NVIDIA's Caffe and OpenCV's shrinkCaffeModel also raw_data_type 10 and raw_data 12.
 * The gradients (diff) are not read.
 */
export interface Blob {
  readonly dtype: NumericDType;
  readonly shape: readonly number[];
  /** Little-endian, row-major. */
  readonly values: ByteSource;
}

/** NVIDIA's caffe.proto, enum Type. */
const rawTypes: readonly NumericDType[] = ["float64", "float32", "float16", "int32", "uint32"];
/** A shape is a few numbers. */
const maxShape = 1 << 12;
/** Caffe's own limit (kMaxBlobAxes). */
const maxAxes = 32;

/** Reads where a blob's values lie. Throws `malformed` where they are missing or too few or many for its shape. */
export async function readBlob(source: ByteSource, offset: number, length: number): Promise<Blob> {
  const legacy: [number, number, number, number] = [0, 0, 0, 0];
  let dims: readonly number[] | undefined;
  const data: FieldRun[] = [];
  const doubles: FieldRun[] = [];
  let raw: FieldRun | undefined;
  let rawType = -1;
  for await (const run of sourceRuns(source, offset, offset + length)) {
    if (run.number <= 4) legacy[run.number - 1] = int32(run, "a dimension");
    else if (run.number === 5) data.push(run);
    else if (run.number === 7) dims = readDims(await fieldPayload(source, run, maxShape, "the shape of a blob"));
    else if (run.number === 8) doubles.push(run);
    else if (run.number === 10) rawType = uint32(run, "the type of raw data");
    else if (run.number === 12) raw = run;
  }
  const shape = dims ?? legacy;
  if (shape.length > maxAxes) throw new CheckpointError("malformed", `a blob of ${shape.length} axes, Caffe has at most ${maxAxes}`);
  const blob = stored(source, { data, doubles, raw, rawType });
  const needed = byteLength(shape, blob.dtype);
  if (needed !== blob.values.size) {
    const there = blob.values.size / itemsize(blob.dtype);
    if (there === 0)
      throw new CheckpointError("malformed", `it has no data, its shape [${shape.join(", ")}] needs ${elementCount(shape)} values`);
    throw new CheckpointError("malformed", `its shape [${shape.join(", ")}] needs ${elementCount(shape)} values, ${there} are there`);
  }
  return { ...blob, shape };
}

interface Found {
  readonly data: readonly FieldRun[];
  readonly doubles: readonly FieldRun[];
  readonly raw: FieldRun | undefined;
  readonly rawType: number;
}

function stored(source: ByteSource, { data, doubles, raw, rawType }: Found): { readonly dtype: NumericDType; readonly values: ByteSource } {
  if (data.length > 0 || (doubles.length === 0 && raw === undefined)) return { dtype: "float32", values: fixedValues(source, data, 4) };
  if (doubles.length > 0 || raw === undefined) return { dtype: "float64", values: fixedValues(source, doubles, 8) };
  expectWire(raw, 2, "raw data");
  const dtype = rawTypes[rawType];
  if (dtype === undefined)
    throw new CheckpointError("unsupported", `raw data of type ${rawType}; types 0 to ${rawTypes.length - 1} are known`);
  return { dtype, values: window(source, raw.offset, raw.length) };
}
