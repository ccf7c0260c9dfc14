import type { NumericDType } from "../dtype.ts";

/**
 * Floating types of 8 and 16 bits. Sources: IEEE 754-2019 (binary16), the bfloat16 definition of TensorFlow, OCP 8-bit
 * Floating Point Specification 1.0 (e4m3fn, e5m2), arXiv 2206.02915 (fnuz), OCP Microscaling 1.0 (e8m0).
 */
export interface SmallFloat {
  readonly exponentBits: number;
  /** Stored mantissa bits, without the implicit leading one. */
  readonly mantissaBits: number;
  readonly bias: number;
  /** Bits of a NaN. */
  readonly nan: number;
  /** Bits of +∞ where the type has one. */
  readonly infinity?: number;
  /** Bits of the largest finite value. */
  readonly max: number;
  /** Whether there is a sign bit. */
  readonly signed: boolean;
  /** fnuz: the bits of −0 are the NaN, a zero has no sign. */
  readonly oneZero?: true;
  /** e8m0: bits 0 are the smallest power of two; there is no 0. */
  readonly noZero?: true;
}

export type SmallFloatType = Extract<NumericDType, "float16" | "bfloat16" | `float8_${string}`>;

const smallFloats: Readonly<Record<SmallFloatType, SmallFloat>> = {
  float16: { exponentBits: 5, mantissaBits: 10, bias: 15, nan: 0x7e00, infinity: 0x7c00, max: 0x7bff, signed: true },
  bfloat16: { exponentBits: 8, mantissaBits: 7, bias: 127, nan: 0x7fc0, infinity: 0x7f80, max: 0x7f7f, signed: true },
  float8_e4m3fn: { exponentBits: 4, mantissaBits: 3, bias: 7, nan: 0x7f, max: 0x7e, signed: true },
  float8_e5m2: { exponentBits: 5, mantissaBits: 2, bias: 15, nan: 0x7e, infinity: 0x7c, max: 0x7b, signed: true },
  float8_e4m3fnuz: { exponentBits: 4, mantissaBits: 3, bias: 8, nan: 0x80, max: 0x7f, signed: true, oneZero: true },
  float8_e5m2fnuz: { exponentBits: 5, mantissaBits: 2, bias: 16, nan: 0x80, max: 0x7f, signed: true, oneZero: true },
  float8_e8m0fnu: { exponentBits: 8, mantissaBits: 0, bias: 127, nan: 0xff, max: 0xfe, signed: false, noZero: true },
};

export function isSmallFloat(dtype: NumericDType): dtype is SmallFloatType {
  return Object.hasOwn(smallFloats, dtype);
}

function valueOfBits(bits: number, type: SmallFloat): number {
  const { exponentBits, mantissaBits, bias } = type;
  const signBit = type.signed ? 2 ** (exponentBits + mantissaBits) : Number.POSITIVE_INFINITY;
  const negative = bits >= signBit;
  const magnitude = negative ? bits - signBit : bits;
  if (bits === type.nan || (!type.oneZero && magnitude > (type.infinity ?? type.max))) return Number.NaN;
  if (magnitude === type.infinity) return negative ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const exponent = Math.floor(magnitude / 2 ** mantissaBits);
  const mantissa = magnitude % 2 ** mantissaBits;
  const subnormal = exponent === 0 && !type.noZero;
  const value = (subnormal ? mantissa : mantissa + 2 ** mantissaBits) * 2 ** ((subnormal ? 1 : exponent) - bias - mantissaBits);
  return negative ? -value : value;
}

const tables = new Map<SmallFloatType, Float64Array>();

/** The value of every bit pattern: 256 or 65,536 entries, made at first use. */
export function decodingTable(dtype: SmallFloatType): Float64Array {
  let table = tables.get(dtype);
  if (table === undefined) {
    const type = smallFloats[dtype];
    const patterns = 2 ** (type.exponentBits + type.mantissaBits + (type.signed ? 1 : 0));
    table = Float64Array.from({ length: patterns }, (_, bits) => valueOfBits(bits, type));
    tables.set(dtype, table);
  }
  return table;
}

/** Adding and subtracting 2^52 rounds a smaller non-negative float64 to a whole number, ties to even. */
const ROUND = 2 ** 52;

/**
 * The bits of the nearest value of the type, ties to even, for each of `count` numbers, without a detour through float32.
 * Beyond the largest finite value: ∞ where the type has it, else NaN.
 */
export function encodeSmall(values: Float64Array, count: number, dtype: SmallFloatType, into: Uint8Array | Uint16Array): void {
  const type = smallFloats[dtype];
  const { mantissaBits, bias } = type;
  const signBit = type.signed ? 2 ** (type.exponentBits + mantissaBits) : 0;
  const lowest = (type.noZero ? 0 : 1) - bias; // exponent of the smallest normal value
  const perOctave = 2 ** mantissaBits;
  const overflow = type.infinity ?? type.nan;
  const smallest = 2 ** lowest;
  for (let k = 0; k < count; k++) {
    const value = values[k] ?? 0;
    const magnitude = Math.abs(value);
    let bits: number;
    if (Number.isNaN(value)) {
      bits = type.nan;
    } else if (type.noZero && (value <= 0 || magnitude === Number.POSITIVE_INFINITY)) {
      bits = type.nan;
    } else if (magnitude === Number.POSITIVE_INFINITY) {
      bits = overflow;
    } else {
      const exponent = magnitude < smallest ? lowest : exponentOf(magnitude);
      const steps = magnitude * powerOfTwo(mantissaBits - exponent);
      const whole = steps + ROUND - ROUND;
      // A mantissa that rounds up to the next power of two carries into the exponent by itself.
      bits = (exponent - lowest) * perOctave + (type.noZero ? Math.max(whole, 1) - 1 : whole);
      if (bits > type.max) bits = overflow;
    }
    const negative = value < 0 || (value === 0 && 1 / value < 0);
    if (negative && bits !== type.nan && !(type.oneZero && bits === 0)) bits += signBit;
    into[k] = bits;
  }
}

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);

/** ⌊log2⌋ of a normal float64 (its high word is the second: little-endian machines, all that Node runs on but s390x). */
function exponentOf(magnitude: number): number {
  float[0] = magnitude;
  return ((words[1] ?? 0) >>> 20) - 1023;
}

/** 2^exponent for −1022 … 1023, exactly. */
function powerOfTwo(exponent: number): number {
  words[0] = 0;
  words[1] = (exponent + 1023) << 20;
  return float[0] ?? 0;
}
