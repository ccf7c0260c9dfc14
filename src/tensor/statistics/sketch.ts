import type { ChunkKernel } from "./chunk-kernel.ts";

/** Sorted finite values, or representatives of them. */
export interface SortedValues {
  readonly size: number;
  /** The value of rank 0 … size − 1. */
  at(rank: number): number;
  /** Calls `visit` for groups of equal values, ascending. */
  each(visit: (value: number, count: number) => void): void;
}

/** All finite values of a small tensor, to be sorted. */
export class ExactValues {
  readonly #values: Float64Array;
  #size = 0;

  constructor(count: number) {
    this.#values = new Float64Array(count);
  }

  add(values: Float32Array | Float64Array): void {
    this.#values.set(values, this.#size);
    this.#size += values.length;
  }

  addRepeated(value: number, times: number): void {
    this.#values.fill(value, this.#size, this.#size + times);
    this.#size += times;
  }

  sorted(): SortedValues {
    const values = this.#values.subarray(0, this.#size).sort();
    return {
      size: values.length,
      at: (rank) => values[rank] ?? Number.NaN,
      each(visit) {
        for (const value of values) visit(value, 1);
      },
    };
  }
}

/**
 * Buckets are the upper 19 bits of the float32 value: sign, exponent, ten bits of mantissa. A value is at most half a
 * bucket, 2^-11 of its magnitude, from the middle of its bucket (as float32: 2^-24 more for other types; below the
 * smallest normal float32, 1.2e-38, the error is at most 7e-42 instead).
 */
const DROPPED_BITS = 13;
const BUCKETS = 2 ** (32 - DROPPED_BITS);
export const SKETCH_ACCURACY = 2 ** -11;

const NEGATIVE_ZERO = -(2 ** 31); // its bits as a signed integer
const LARGEST = 3.4028234663852886e38;

const single = new Float32Array(4096);
/** Counters of finished sketches, for the next one. */
const spare: Int32Array[] = [];

/** How many values are where, in bounded memory, for a tensor of any size. */
export class Sketch {
  readonly #kernel: ChunkKernel | undefined;
  readonly #buckets: Int32Array;
  /** Counts that may be beyond 32 bits, by bucket. */
  readonly #repeated = new Map<number, number>();
  #negativeZeros = 0;

  /** With a kernel, that one's counters. */
  constructor(kernel?: ChunkKernel) {
    this.#kernel = kernel;
    this.#buckets = kernel?.buckets ?? spare.pop()?.fill(0) ?? new Int32Array(BUCKETS);
  }

  /** The finite values that the kernel holds. */
  addLoaded(values: number, negativeZeros: number): void {
    this.#kernel?.count(values);
    this.#negativeZeros += negativeZeros;
  }

  /** At most 4,096 finite values. */
  add(values: Float32Array | Float64Array): void {
    const floats = values instanceof Float32Array ? values : narrowed(values);
    this.#negativeZeros += count(new Int32Array(floats.buffer, floats.byteOffset, floats.length), this.#buckets);
  }

  /** A finite value, as often as `times` says. */
  addRepeated(value: number, times: number): void {
    const [pattern = 0] = new Int32Array(narrowed(Float64Array.of(value)).slice().buffer);
    if (pattern === NEGATIVE_ZERO) this.#negativeZeros += times;
    const bucket = pattern >>> DROPPED_BITS;
    this.#repeated.set(bucket, (this.#repeated.get(bucket) ?? 0) + times);
  }

  /**
   * To be called once, at the end. `zeros`: how many values were 0 or −0, so that they are not in the middle of the
   * smallest bucket; `low` and `high`: the extremes.
   */
  sorted(zeros: number, low: number, high: number): SortedValues {
    const buckets = new Uint32Array(this.#buckets.buffer, this.#buckets.byteOffset, BUCKETS);
    const release = (): void => {
      if (this.#kernel === undefined) spare.push(this.#buckets);
      else this.#kernel.release();
    };
    const amountIn = (bucket: number): number => (buckets[bucket] ?? 0) + (this.#repeated.get(bucket) ?? 0);
    const sign = BUCKETS / 2;
    const infinity = 0x7f800000 >>> DROPPED_BITS;
    const values: number[] = [];
    const ends: number[] = [];
    let size = 0;
    const push = (value: number, amount: number): void => {
      size += amount;
      values.push(Math.min(Math.max(value, low), high));
      ends.push(size);
    };
    for (let key = infinity - 1; key >= 0; key--) {
      const amount = amountIn(sign + key) - (key === 0 ? this.#negativeZeros : 0);
      if (amount > 0) push(-middle(key), amount);
    }
    if (zeros > 0) push(0, zeros);
    for (let key = 0; key < infinity; key++) {
      const amount = amountIn(key) - (key === 0 ? zeros - this.#negativeZeros : 0);
      if (amount > 0) push(middle(key), amount);
    }
    release();
    return {
      size,
      at(rank) {
        if (rank <= 0) return low;
        if (rank >= size - 1) return high;
        return values[bucketOf(ends, rank)] ?? Number.NaN;
      },
      each(visit) {
        values.forEach((value, k) => {
          visit(value, (ends[k] ?? 0) - (ends[k - 1] ?? 0));
        });
      },
    };
  }
}

function count(bits: Int32Array, buckets: Int32Array): number {
  let negativeZeros = 0;
  for (let k = 0; k < bits.length; k++) {
    const pattern = bits[k] ?? 0;
    if (pattern === NEGATIVE_ZERO) negativeZeros += 1;
    const bucket = pattern >>> DROPPED_BITS;
    // Signed arithmetic is much faster here; read as unsigned at the end, a counter holds 2^32 − 1.
    buckets[bucket] = ((buckets[bucket] ?? 0) + 1) | 0;
  }
  return negativeZeros;
}

/** To float32; what is beyond its range counts as its largest value, what is no zero stays none. */
function narrowed(values: Float64Array): Float32Array {
  for (let k = 0; k < values.length; k++) {
    const value = values[k] ?? 0;
    const rounded = Math.fround(Math.min(Math.max(value, -LARGEST), LARGEST));
    single[k] = rounded === 0 && value !== 0 ? Math.sign(value) * 2 ** -149 : rounded;
  }
  return single.subarray(0, values.length);
}

const bits = new DataView(new ArrayBuffer(4));

/** The value in the middle of a bucket without sign. */
function middle(key: number): number {
  bits.setUint32(0, key * 2 ** DROPPED_BITS + 2 ** (DROPPED_BITS - 1));
  return bits.getFloat32(0);
}

/** The first entry whose end is beyond a rank. */
function bucketOf(ends: readonly number[], rank: number): number {
  let low = 0;
  let high = ends.length - 1;
  while (low < high) {
    const half = Math.floor((low + high) / 2);
    if ((ends[half] ?? 0) > rank) high = half;
    else low = half + 1;
  }
  return low;
}
