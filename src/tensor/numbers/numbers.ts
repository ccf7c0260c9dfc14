import { CheckpointError } from "../../errors.ts";
import { dtypes, type NumericDType } from "../dtype.ts";
import { decodingTable, encodeSmall, isSmallFloat, type SmallFloatType } from "./small-floats.ts";

const aligned = new ArrayBuffer(16 << 10);

/** The same bytes where typed arrays can see them: themselves, or a copy if they are not aligned to the element. */
function view(bytes: Uint8Array, offset: number, length: number, unit: number): { readonly buffer: ArrayBufferLike; readonly at: number } {
  const at = bytes.byteOffset + offset;
  if (at % unit === 0) return { buffer: bytes.buffer, at };
  const buffer = length <= aligned.byteLength ? aligned : new ArrayBuffer(length);
  new Uint8Array(buffer).set(bytes.subarray(offset, offset + length));
  return { buffer, at: 0 };
}

/**
 * `count` little-endian elements from byte `offset` on as float64, exactly but for 64-bit integers beyond 2^53, which are
 * rounded. Throws `unsupported` for complex numbers and float128.
 */
export function decode(bytes: Uint8Array, offset: number, dtype: NumericDType, into: Float64Array, count: number): void {
  const { itemsize } = dtypes[dtype];
  if (isSmallFloat(dtype)) {
    const table = decodingTable(dtype);
    const { buffer, at } = view(bytes, offset, count * itemsize, itemsize);
    const units = itemsize === 1 ? new Uint8Array(buffer, at, count) : new Uint16Array(buffer, at, count);
    for (let k = 0; k < count; k++) into[k] = table[units[k] ?? 0] ?? 0;
    return;
  }
  if (dtype === "bool") {
    for (let k = 0; k < count; k++) into[k] = bytes[offset + k] === 0 ? 0 : 1;
    return;
  }
  const { buffer, at } = view(bytes, offset, count * itemsize, itemsize);
  const elements = typedArray(dtype, buffer, at, count);
  if (elements instanceof BigInt64Array || elements instanceof BigUint64Array) fromBig(elements, into);
  else into.set(elements);
}

function typedArray(dtype: NumericDType, buffer: ArrayBufferLike, at: number, count: number) {
  switch (dtype) {
    case "float32":
      return new Float32Array(buffer, at, count);
    case "float64":
      return new Float64Array(buffer, at, count);
    case "int8":
      return new Int8Array(buffer, at, count);
    case "uint8":
      return new Uint8Array(buffer, at, count);
    case "int16":
      return new Int16Array(buffer, at, count);
    case "uint16":
      return new Uint16Array(buffer, at, count);
    case "int32":
      return new Int32Array(buffer, at, count);
    case "uint32":
      return new Uint32Array(buffer, at, count);
    case "int64":
      return new BigInt64Array(buffer, at, count);
    case "uint64":
      return new BigUint64Array(buffer, at, count);
    default:
      throw new CheckpointError("unsupported", `${dtype} found, needed real numbers of at most 64 bits`);
  }
}

function fromBig(from: BigInt64Array | BigUint64Array, into: Float64Array): void {
  for (let k = 0; k < from.length; k++) into[k] = Number(from[k]);
}

/**
 * `count` numbers as little-endian elements from byte `offset` on, to nearest, ties to even. Floats beyond the type's range
 * become ∞ (NaN where it has none); integers are clamped, NaN becomes 0. Throws `unsupported` for complex numbers and float128.
 */
export function encodeNumbers(values: Float64Array, count: number, dtype: NumericDType, into: Uint8Array, offset: number): void {
  const { itemsize, kind } = dtypes[dtype];
  if (kind === "complex" || kind === "extended") {
    throw new CheckpointError("unsupported", `${dtype} found, needed a type of real numbers of at most 64 bits`);
  }
  const at = into.byteOffset + offset;
  const view = new DataView(into.buffer, at, count * itemsize);
  const aligned = at % itemsize === 0;
  if (isSmallFloat(dtype)) {
    if (itemsize === 1) encodeSmall(values, count, dtype, new Uint8Array(into.buffer, at, count));
    else encodeHalves(values, count, dtype, into, offset);
  } else if (aligned && dtype === "float32") {
    new Float32Array(into.buffer, at, count).set(values.subarray(0, count));
  } else if (aligned && dtype === "float64") {
    new Float64Array(into.buffer, at, count).set(values.subarray(0, count));
  } else if (dtype === "float32") {
    for (let k = 0; k < count; k++) view.setFloat32(k * 4, values[k] ?? 0, true);
  } else if (dtype === "float64") {
    for (let k = 0; k < count; k++) view.setFloat64(k * 8, values[k] ?? 0, true);
  } else if (dtype === "bool") {
    for (let k = 0; k < count; k++) view.setUint8(k, values[k] === 0 ? 0 : 1);
  } else {
    encodeIntegers(values, count, itemsize, kind === "int", view);
  }
}

function encodeHalves(values: Float64Array, count: number, dtype: SmallFloatType, into: Uint8Array, offset: number): void {
  const at = into.byteOffset + offset;
  const aligned = at % 2 === 0;
  const halves = aligned ? new Uint16Array(into.buffer, at, count) : new Uint16Array(count);
  encodeSmall(values, count, dtype, halves);
  if (!aligned) into.set(new Uint8Array(halves.buffer), offset);
}

function encodeIntegers(values: Float64Array, count: number, size: number, signed: boolean, view: DataView): void {
  const bits = size * 8 - (signed ? 1 : 0);
  const high = 2n ** BigInt(bits) - 1n;
  const low = signed ? -(2n ** BigInt(bits)) : 0n;
  for (let k = 0; k < count; k++) {
    const value = roundEven(values[k] ?? 0);
    if (size === 8) {
      const exact = value >= Number(high) ? high : value <= Number(low) ? low : BigInt(value);
      if (signed) view.setBigInt64(k * 8, exact, true);
      else view.setBigUint64(k * 8, exact, true);
      continue;
    }
    const clamped = Math.min(Math.max(value, Number(low)), Number(high));
    if (size === 4) view.setUint32(k * 4, clamped, true);
    else if (size === 2) view.setUint16(k * 2, clamped, true);
    else view.setUint8(k, clamped);
  }
}

function roundEven(value: number): number {
  if (Number.isNaN(value)) return 0;
  if (Math.abs(value) >= 2 ** 52) return value;
  const floor = Math.floor(value);
  const part = value - floor;
  if (part !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** The largest finite value of a type. */
export function largest(dtype: NumericDType): number {
  const { kind, itemsize } = dtypes[dtype];
  if (kind === "bool") return 1;
  if (kind === "uint") return 2 ** (itemsize * 8) - 1;
  if (kind === "int") return 2 ** (itemsize * 8 - 1) - 1;
  if (dtype === "float32") return 3.4028234663852886e38;
  if (dtype === "float64") return Number.MAX_VALUE;
  return isSmallFloat(dtype)
    ? decodingTable(dtype).reduce((most, value) => (Number.isFinite(value) && value > most ? value : most), 0)
    : Number.NaN;
}

/** The smallest magnitude other than 0 that a type holds. */
export function smallest(dtype: NumericDType): number {
  if (dtype === "float32") return 2 ** -149;
  if (dtype === "float64") return Number.MIN_VALUE;
  if (!isSmallFloat(dtype)) return 1;
  return decodingTable(dtype).reduce((least, value) => (value > 0 && value < least ? value : least), Number.POSITIVE_INFINITY);
}
