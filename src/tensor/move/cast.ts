import { CheckpointError } from "../../errors.ts";
import { dtypes, type NumericDType } from "../dtype.ts";
import { decode, encodeNumbers, largest, smallest } from "../numbers/numbers.ts";
import { castFast } from "./fast-casts.ts";

/** What rounding to a narrower type cost. Relative errors count where the exact value is not 0. */
export interface Loss {
  maxAbs: number;
  maxRel: number;
  /** Finite values that became infinite or NaN. */
  overflows: number;
  /** Values other than 0 that became 0. */
  underflows: number;
}

export function noLoss(): Loss {
  return { maxAbs: 0, maxRel: 0, overflows: 0, underflows: 0 };
}

export interface CastOptions {
  /** Element e is multiplied by `factors[⌊e / every⌋ mod factors.length]` before it is rounded. */
  readonly factors?: Float64Array;
  readonly every?: number;
  readonly loss?: Loss;
}

/** Elements that go through float64 at a time: both chunks stay in the first-level cache. */
const CHUNK = 1024;
const values = new Float64Array(CHUNK);

/** Whether every value of `from` is a value of `to`. */
export function isExact(from: NumericDType, to: NumericDType): boolean {
  if (from === to) return true;
  const a = dtypes[from];
  const b = dtypes[to];
  if (a.kind === "extended" || b.kind === "extended") return false;
  if (a.kind === "complex" || b.kind === "complex") return from === "complex64" && to === "complex128";
  if (b.kind === "bool" || (a.kind === "float" && b.kind !== "float")) return false;
  return contains(to, from);
}

/** Compares significant bits, the largest and the smallest magnitude of two types. */
function contains(to: NumericDType, from: NumericDType): boolean {
  const a = precision(from);
  const b = precision(to);
  const signed = dtypes[from].kind === "uint" || dtypes[from].kind === "bool" || dtypes[to].kind !== "uint";
  return signed && a.bits <= b.bits && largest(from) <= largest(to) && smallest(from) >= smallest(to);
}

function precision(dtype: NumericDType): { readonly bits: number } {
  const { kind, itemsize } = dtypes[dtype];
  if (kind === "bool") return { bits: 1 };
  if (kind === "int") return { bits: itemsize * 8 - 1 };
  if (kind === "uint") return { bits: itemsize * 8 };
  return { bits: significantBits[dtype] ?? 1 };
}

/** The implicit leading bit included. */
const significantBits: Partial<Record<NumericDType, number>> = {
  float16: 11,
  bfloat16: 8,
  float32: 24,
  float64: 53,
  float8_e4m3fn: 4,
  float8_e5m2: 3,
  float8_e4m3fnuz: 4,
  float8_e5m2fnuz: 3,
  float8_e8m0fnu: 1,
};

/** Dense elements, one behind the other. */
export interface DenseValues {
  readonly bytes: Uint8Array;
  readonly dtype: NumericDType;
}

/**
 * Converts `count` dense elements, through float64 and rounded once, to nearest, ties to even. `source` and `target` must not
 * overlap. Throws `unsupported` for complex numbers, which no other type holds.
 */
export function castValues(source: DenseValues, target: DenseValues, count: number, options: CastOptions = {}): void {
  const { bytes: from, dtype: fromType } = source;
  const { bytes: to, dtype: toType } = target;
  if (dtypes[fromType].kind === "complex" || dtypes[toType].kind === "complex") {
    throw new CheckpointError("unsupported", `${fromType} found, needed values that ${toType} can hold`);
  }
  const { factors, every = 1, loss } = options;
  if (factors === undefined && loss === undefined && castFast(from, fromType, to, toType, count)) return;
  const width = dtypes[fromType].itemsize;
  const outWidth = dtypes[toType].itemsize;
  for (let done = 0; done < count; done += CHUNK) {
    const n = Math.min(CHUNK, count - done);
    decode(from, done * width, fromType, values, n);
    if (factors !== undefined) {
      for (let k = 0; k < n; k++) {
        const which = Math.floor((done + k) / every) % factors.length;
        values[k] = (values[k] ?? 0) * (factors[which] ?? 1);
      }
    }
    const fast = factors === undefined && castFast(from.subarray(done * width), fromType, to.subarray(done * outWidth), toType, n);
    if (!fast) encodeNumbers(values, n, toType, to, done * outWidth);
    if (loss !== undefined) measure(values, n, to.subarray(done * outWidth), toType, loss);
  }
}

const rounded = new Float64Array(CHUNK);

function measure(exact: Float64Array, n: number, bytes: Uint8Array, dtype: NumericDType, loss: Loss): void {
  decode(bytes, 0, dtype, rounded, n);
  for (let k = 0; k < n; k++) {
    const want = exact[k] ?? 0;
    const got = rounded[k] ?? 0;
    if (want === got || !Number.isFinite(want)) continue;
    if (!Number.isFinite(got)) {
      loss.overflows += 1;
      continue;
    }
    if (got === 0) loss.underflows += 1;
    const difference = Math.abs(want - got);
    if (difference > loss.maxAbs) loss.maxAbs = difference;
    const relative = difference / Math.abs(want);
    if (relative > loss.maxRel) loss.maxRel = relative;
  }
}
