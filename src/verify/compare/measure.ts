import type { ToleranceRecord } from "../record.ts";

/** How far two streams of values are apart; fed batch by batch. */
export interface DifferenceMeter {
  add(a: Float32Array, b: Float32Array): void;
  /** pass: max|a − b| ≤ atol + rtol · max|b|. */
  result(tolerance: ToleranceRecord): DifferenceResult;
}

export interface DifferenceResult {
  readonly maxAbs: number;
  /** maxAbs / max|b|; 0 where both are 0 throughout. */
  readonly maxRel: number;
  readonly meanAbs: number;
  /** Of a and b as vectors; 1 where both are 0 throughout. */
  readonly cosine: number;
  readonly pass: boolean;
}

export function difference(): DifferenceMeter {
  let [maxAbs, maxB, sum, count, ab, aa, bb] = [0, 0, 0, 0, 0, 0, 0];
  return {
    add(a, b) {
      count += a.length;
      for (let k = 0; k < a.length; k++) {
        const x = a[k] ?? 0;
        const y = b[k] ?? Number.NaN;
        const apart = x === y ? 0 : Math.abs(x - y);
        // A NaN stays: no comparison with it is true.
        if (!(apart <= maxAbs)) maxAbs = Number.isNaN(maxAbs) ? maxAbs : apart;
        const size = Math.abs(y);
        if (size > maxB) maxB = size;
        sum += apart;
        ab += x * y;
        aa += x * x;
        bb += y * y;
      }
    },
    result({ rtol, atol }) {
      const norm = Math.sqrt(aa * bb);
      return {
        maxAbs,
        maxRel: maxAbs === 0 ? 0 : maxAbs / maxB,
        meanAbs: count === 0 ? 0 : sum / count,
        cosine: norm === 0 ? (aa === bb ? 1 : 0) : Math.min(Math.max(ab / norm, -1), 1),
        pass: maxAbs <= atol + rtol * maxB,
      };
    },
  };
}

/** Smallest and largest value, and how many are none. */
export interface RangeMeter {
  add(values: Float32Array): void;
  result(): { readonly min: number; readonly max: number; readonly notFinite: number };
}

export function range(): RangeMeter {
  let [min, max, notFinite, any] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, false];
  return {
    add(values) {
      for (let k = 0; k < values.length; k++) {
        const value = values[k] ?? 0;
        if (!Number.isFinite(value)) {
          notFinite += 1;
          continue;
        }
        any = true;
        if (value < min) min = value;
        if (value > max) max = value;
      }
    },
    result: () => (any ? { min, max, notFinite } : { min: Number.NaN, max: Number.NaN, notFinite }),
  };
}
