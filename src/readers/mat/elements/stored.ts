import { byteSwapped, mapped } from "../../../io/source/mapped.ts";
import type { ByteSource } from "../../../io/source/source.ts";
import { window } from "../../../io/source/window.ts";
import { itemsize, type NumericDType } from "../../../tensor/dtype.ts";

/** A run of stored numbers; their type may be narrower than the class that MATLAB shows. */
export interface Stored {
  readonly source: ByteSource;
  readonly offset: number;
  /** In bytes. */
  readonly length: number;
  readonly dtype: NumericDType;
  readonly bigEndian: boolean;
}

/** Little-endian values of one dtype, one behind the other. */
export interface Values {
  readonly source: ByteSource;
  readonly offset: number;
}

type Reads = (view: DataView, at: number) => number | bigint;
type Writes = (view: DataView, at: number, value: number | bigint) => void;

/** One element of the stored types, little-endian. */
export const littleEndianReads: Partial<Record<NumericDType, Reads>> = {
  int8: (view, at) => view.getInt8(at),
  uint8: (view, at) => view.getUint8(at),
  int16: (view, at) => view.getInt16(at, true),
  uint16: (view, at) => view.getUint16(at, true),
  int32: (view, at) => view.getInt32(at, true),
  uint32: (view, at) => view.getUint32(at, true),
  int64: (view, at) => view.getBigInt64(at, true),
  uint64: (view, at) => view.getBigUint64(at, true),
  float32: (view, at) => view.getFloat32(at, true),
  float64: (view, at) => view.getFloat64(at, true),
};

const writes: Partial<Record<NumericDType, Writes>> = {
  bool: (view, at, value) => view.setUint8(at, Number(value) === 0 ? 0 : 1),
  int8: (view, at, value) => view.setInt8(at, Number(value)),
  uint8: (view, at, value) => view.setUint8(at, Number(value)),
  int16: (view, at, value) => view.setInt16(at, Number(value), true),
  uint16: (view, at, value) => view.setUint16(at, Number(value), true),
  int32: (view, at, value) => view.setInt32(at, Number(value), true),
  uint32: (view, at, value) => view.setUint32(at, Number(value), true),
  int64: (view, at, value) => view.setBigInt64(at, whole(value), true),
  uint64: (view, at, value) => view.setBigUint64(at, whole(value), true),
  float32: (view, at, value) => view.setFloat32(at, Number(value), true),
  float64: (view, at, value) => view.setFloat64(at, Number(value), true),
};

/** Reads one number of a type in either byte order. */
export function numberReader(dtype: NumericDType, littleEndian: boolean): Reads {
  const read = littleEndianReads[dtype];
  if (read === undefined) throw new RangeError(`no numbers of ${dtype}`);
  if (littleEndian) return read;
  const width = itemsize(dtype);
  return (view, at) => {
    const bytes = new Uint8Array(view.buffer, view.byteOffset + at, width).toReversed();
    return read(new DataView(bytes.buffer), 0);
  };
}

function whole(value: number | bigint): bigint {
  if (typeof value === "bigint") return value;
  return Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The stored numbers as little-endian values of `dtype`; reads nothing. Equal types are passed on bit by bit; a byte that is not 0 is true, as in SciPy. */
export function valuesAs(stored: Stored, dtype: NumericDType): Values {
  const same = stored.dtype === dtype;
  const width = itemsize(stored.dtype);
  if (same && (!stored.bigEndian || width === 1)) return { source: stored.source, offset: stored.offset };
  const plain = window(stored.source, stored.offset, stored.length);
  const little = stored.bigEndian ? byteSwapped(plain, width) : plain;
  if (same) return { source: little, offset: 0 };
  const read = littleEndianReads[stored.dtype];
  const write = writes[dtype];
  if (read === undefined || write === undefined) throw new RangeError(`no numbers of ${stored.dtype} as ${dtype}`);
  const widthOut = itemsize(dtype);
  const source = mapped(little, width, widthOut, (input, output) => {
    const from = viewOf(input);
    const to = viewOf(output);
    for (let k = 0, count = input.length / width; k < count; k += 1) write(to, k * widthOut, read(from, k * width));
  });
  return { source, offset: 0 };
}

/** All stored numbers, as JavaScript numbers (64-bit integers rounded); for small index arrays. */
export async function readNumbers(stored: Stored, from: number, count: number): Promise<Float64Array> {
  const { source, offset } = valuesAs(stored, "float64");
  const bytes = await source.read(offset + from * 8, count * 8);
  const numbers = new Float64Array(count);
  const view = viewOf(bytes);
  for (let k = 0; k < count; k += 1) numbers[k] = view.getFloat64(k * 8, true);
  return numbers;
}
