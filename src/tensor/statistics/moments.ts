import type { ChunkKernel, ChunkPass } from "./chunk-kernel.ts";

/** Running sums over the chunks of a tensor. */
export interface ChunkSums {
  /** Over the finite values; ∞ and −∞ before the first. */
  min: number;
  max: number;
  zeros: number;
  nan: number;
  /** How many are +∞ and −∞. */
  above: number;
  below: number;
  finite: number;
  /** Sum of the finite values, and what its rounding lost (Neumaier). */
  sum: number;
  lost: number;
  /** Running mean, and Σ (x − mean)². */
  mean: number;
  squares: number;
}

export function noSums(): ChunkSums {
  const none = { zeros: 0, nan: 0, above: 0, below: 0, finite: 0, sum: 0, lost: 0, mean: 0, squares: 0 };
  return { min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY, ...none };
}

/** Adds one value `times` over. */
export function addRepeated(value: number, times: number, sums: ChunkSums): void {
  if (Number.isNaN(value)) sums.nan += times;
  else if (value === Number.POSITIVE_INFINITY) sums.above += times;
  else if (value === Number.NEGATIVE_INFINITY) sums.below += times;
  else {
    sums.min = Math.min(sums.min, value);
    sums.max = Math.max(sums.max, value);
    if (value === 0) sums.zeros += times;
    addMoments(times, value * times, 0, sums);
  }
}

type Floats = Float32Array | Float64Array;

/**
 * Adds a chunk and returns its finite values (the chunk itself, or a copy). A plain sum inside a chunk that fits the
 * first-level cache, a compensated one over the chunks: the error stays near 1e-16 of the mean magnitude. Deviations are
 * taken from the chunk's own mean and combined by the formula of Chan, Golub and LeVeque (1979), so that a large mean
 * costs no digits.
 */
export function addChunk(chunk: Floats, sums: ChunkSums): Floats {
  const { min, max, zeros } = sums;
  const sum = first(chunk, sums);
  if (Number.isFinite(sum)) {
    combine(chunk, sum, sums);
    return chunk;
  }
  // NaN or ∞ in the sum: look at each value. (Or finite ones so huge that their sum is not; then their mean is not either.)
  Object.assign(sums, { min, max, zeros });
  const values = finiteOnly(chunk, sums);
  if (values.length > 0) combine(values, first(values, sums), sums);
  return values;
}

/** `addChunk` of the values that a kernel holds; undefined, and nothing added, where not all of them are finite. */
export function addLoaded(kernel: ChunkKernel, values: number, sums: ChunkSums): ChunkPass | undefined {
  const pass = kernel.first(values);
  if (!Number.isFinite(pass.sum)) return undefined;
  sums.min = Math.min(sums.min, pass.min);
  sums.max = Math.max(sums.max, pass.max);
  sums.zeros += pass.zeros;
  addMoments(values, pass.sum, kernel.squares(values, pass.sum / values), sums);
  return pass;
}

function first(chunk: Floats, sums: ChunkSums): number {
  return chunk instanceof Float32Array ? first32(chunk, sums) : first64(chunk, sums);
}

function combine(values: Floats, sum: number, sums: ChunkSums): void {
  const n = values.length;
  const mean = sum / n;
  addMoments(n, sum, values instanceof Float32Array ? second32(values, mean) : second64(values, mean), sums);
}

/** `squares`: Σ (x − sum ÷ n)². */
function addMoments(n: number, sum: number, squares: number, sums: ChunkSums): void {
  const mean = sum / n;
  addCompensated(sums, sum);
  const delta = mean - sums.mean;
  const all = sums.finite + n;
  sums.squares += squares + delta * delta * ((sums.finite / all) * n);
  sums.mean += delta * (n / all);
  sums.finite = all;
}

function addCompensated(sums: ChunkSums, value: number): void {
  const next = sums.sum + value;
  sums.lost += Math.abs(sums.sum) >= Math.abs(value) ? sums.sum - next + value : value - next + sums.sum;
  sums.sum = next;
}

function finiteOnly(chunk: Floats, sums: ChunkSums): Floats {
  const values = new Float64Array(chunk.length);
  let size = 0;
  for (const value of chunk) {
    if (Number.isNaN(value)) sums.nan += 1;
    else if (value === Number.POSITIVE_INFINITY) sums.above += 1;
    else if (value === Number.NEGATIVE_INFINITY) sums.below += 1;
    else values[size++] = value;
  }
  return values.subarray(0, size);
}

/** One pass for sum, extremes and zeros; one function for each kind of array, so that each is compiled for one. */
function firstPass<T extends Floats>(): (chunk: T, sums: ChunkSums) => number {
  return (chunk, sums) => {
    const n = chunk.length;
    let { min, max, zeros } = sums;
    // Four sums: additions that wait for each other take four times as long.
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let k = 0; k + 3 < n; k += 4) {
      const a = chunk[k] ?? 0;
      const b = chunk[k + 1] ?? 0;
      const c = chunk[k + 2] ?? 0;
      const d = chunk[k + 3] ?? 0;
      s0 += a;
      s1 += b;
      s2 += c;
      s3 += d;
      if (a < min) min = a;
      if (b < min) min = b;
      if (c < min) min = c;
      if (d < min) min = d;
      if (a > max) max = a;
      if (b > max) max = b;
      if (c > max) max = c;
      if (d > max) max = d;
      if (a === 0) zeros += 1;
      if (b === 0) zeros += 1;
      if (c === 0) zeros += 1;
      if (d === 0) zeros += 1;
    }
    for (let k = n - (n % 4); k < n; k++) {
      const a = chunk[k] ?? 0;
      s0 += a;
      if (a < min) min = a;
      if (a > max) max = a;
      if (a === 0) zeros += 1;
    }
    sums.min = min;
    sums.max = max;
    sums.zeros = zeros;
    return s0 + s1 + (s2 + s3);
  };
}

function secondPass<T extends Floats>(): (chunk: T, mean: number) => number {
  return (chunk, mean) => {
    const n = chunk.length;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let k = 0; k + 3 < n; k += 4) {
      const a = (chunk[k] ?? 0) - mean;
      const b = (chunk[k + 1] ?? 0) - mean;
      const c = (chunk[k + 2] ?? 0) - mean;
      const d = (chunk[k + 3] ?? 0) - mean;
      s0 += a * a;
      s1 += b * b;
      s2 += c * c;
      s3 += d * d;
    }
    for (let k = n - (n % 4); k < n; k++) {
      const a = (chunk[k] ?? 0) - mean;
      s0 += a * a;
    }
    return s0 + s1 + (s2 + s3);
  };
}

const first32 = firstPass<Float32Array>();
const first64 = firstPass<Float64Array>();
const second32 = secondPass<Float32Array>();
const second64 = secondPass<Float64Array>();
