import { dtypes, itemsize, type NumericDType } from "../dtype.ts";
import { decode } from "../numbers/numbers.ts";
import { CHUNK_VALUES, ChunkKernel } from "./chunk-kernel.ts";
import { addChunk, addLoaded, addRepeated, noSums } from "./moments.ts";
import type { OutputSums } from "./output-sums.ts";
import { ExactValues, SKETCH_ACCURACY, Sketch, type SortedValues } from "./sketch.ts";

/** What one pass over all elements of a tensor tells. Mean, deviation, quantiles and histogram are of the finite values. */
export interface Statistics {
  readonly count: number;
  /** Exact, of all values but NaN; undefined where there are none. A bigint only beyond 2^53. */
  readonly min: number | bigint | undefined;
  readonly max: number | bigint | undefined;
  /** To some 1e-15 of the mean magnitude. Undefined where no value is finite. */
  readonly mean: number | undefined;
  /** Of the population (÷ n). */
  readonly std: number | undefined;
  /** 0 and −0. */
  readonly zeros: number;
  readonly nan: number;
  /** Both infinities. */
  readonly inf: number;
  /** Values at 1, 5, 25, 50, 75, 95, 99 %, interpolated as NumPy does, each within `accuracy` of the exact one. */
  readonly percentiles: ReadonlyMap<number, number>;
  /** The quantiles k/32 for k = 0 … 32: the shape of the distribution. Empty where no value is finite. */
  readonly quantiles: readonly number[];
  /** Bins of equal width from the smallest to the largest finite value, both included. */
  readonly histogram: { readonly from: number; readonly to: number; readonly counts: readonly number[] } | undefined;
  /** Largest relative error of a percentile and of a value's place in the histogram; 0: exact. */
  readonly accuracy: number;
  /** Of a layer's weights, where they were asked for. */
  readonly outputs?: OutputSums;
}

const PERCENTILES = [1, 5, 25, 50, 75, 95, 99] as const;
const OCTILES = 32;

/** Tensors up to this many elements are sorted; larger ones are counted in buckets (2 MB, cleared for each tensor). */
const EXACT_LIMIT = 1 << 16;
/** Bins for the largest tensors; small ones get about √n. */
const MOST_BINS = 64;

const decoded = new Float64Array(CHUNK_VALUES);

/** Collects the statistics of one tensor from its elements in any order. Not for complex numbers. */
export class StatisticsBuilder {
  readonly #dtype: NumericDType;
  readonly #sums = noSums();
  readonly #places: ExactValues | Sketch;
  /** For large tensors of float32. */
  readonly #kernel: ChunkKernel | undefined;
  #count = 0;
  #big: { min: bigint; max: bigint } | undefined;

  /** `count`: elements to come. */
  constructor(dtype: NumericDType, count: number) {
    this.#dtype = dtype;
    this.#kernel = count <= EXACT_LIMIT || dtype !== "float32" ? undefined : ChunkKernel.take();
    this.#places = count <= EXACT_LIMIT ? new ExactValues(count) : new Sketch(this.#kernel);
  }

  /** Dense little-endian elements. */
  add(bytes: Uint8Array, count: number): void {
    const width = itemsize(this.#dtype);
    this.#count += count;
    const direct =
      this.#dtype === "float32" && bytes.byteOffset % 4 === 0 ? new Float32Array(bytes.buffer, bytes.byteOffset, count) : undefined;
    for (let done = 0; done < count; done += CHUNK_VALUES) {
      const n = Math.min(CHUNK_VALUES, count - done);
      if (direct === undefined) decode(bytes, done * width, this.#dtype, decoded, n);
      const values = direct === undefined ? decoded.subarray(0, n) : direct.subarray(done, done + n);
      if (!this.#addByKernel(values)) this.#places.add(addChunk(values, this.#sums));
    }
    if (width === 8 && dtypes[this.#dtype].kind !== "float") this.#addBig(bytes, count);
  }

  /** The same, each element as often as `times` says: what a stride of 0 repeats. */
  addRepeated(bytes: Uint8Array, count: number, times: number): void {
    const width = itemsize(this.#dtype);
    this.#count += count * times;
    for (let done = 0; done < count; done += CHUNK_VALUES) {
      const n = Math.min(CHUNK_VALUES, count - done);
      decode(bytes, done * width, this.#dtype, decoded, n);
      for (const value of decoded.subarray(0, n)) {
        addRepeated(value, times, this.#sums);
        if (Number.isFinite(value)) this.#places.addRepeated(value, times);
      }
    }
    if (width === 8 && dtypes[this.#dtype].kind !== "float") this.#addBig(bytes, count);
  }

  /** False, having done nothing, where a chunk is not for the kernel. */
  #addByKernel(values: Float32Array | Float64Array): boolean {
    const [kernel, places] = [this.#kernel, this.#places];
    if (kernel === undefined || !(places instanceof Sketch) || !(values instanceof Float32Array) || !kernel.load(values)) return false;
    const pass = addLoaded(kernel, values.length, this.#sums);
    if (pass === undefined) return false;
    places.addLoaded(values.length, pass.negativeZeros);
    return true;
  }

  /** 64-bit integers beyond 2^53 lose their last digits as numbers; their extremes are kept apart. */
  #addBig(bytes: Uint8Array, count: number): void {
    if (this.#sums.max < 2 ** 53 && this.#sums.min > -(2 ** 53)) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset, count * 8);
    for (let k = 0; k < count; k++) {
      const value = this.#dtype === "int64" ? view.getBigInt64(k * 8, true) : view.getBigUint64(k * 8, true);
      this.#big ??= { min: value, max: value };
      if (value < this.#big.min) this.#big.min = value;
      if (value > this.#big.max) this.#big.max = value;
    }
  }

  /** Σ x² of what was added so far; NaN from the first value on that is not finite. */
  get energy(): number {
    const { squares, finite, mean, nan, above, below } = this.#sums;
    return nan + above + below > 0 ? Number.NaN : squares + finite * mean * mean;
  }

  finish(): Statistics {
    const { zeros, nan, above, below, finite, sum, lost, squares, min, max } = this.#sums;
    const values = this.#places.sorted(zeros, min, max);
    const seen = this.#count > nan;
    return {
      count: this.#count,
      min: !seen ? undefined : below > 0 ? Number.NEGATIVE_INFINITY : this.#exact("min"),
      max: !seen ? undefined : above > 0 ? Number.POSITIVE_INFINITY : this.#exact("max"),
      mean: finite === 0 ? undefined : (sum + lost) / finite,
      std: finite === 0 ? undefined : Math.sqrt(squares / finite),
      zeros,
      nan,
      inf: above + below,
      percentiles: new Map(finite === 0 ? [] : PERCENTILES.map((percent) => [percent, quantile(values, percent / 100)])),
      quantiles: finite === 0 ? [] : Array.from({ length: OCTILES + 1 }, (_, k) => quantile(values, k / OCTILES)),
      histogram: finite === 0 ? undefined : histogram(values, min, max),
      accuracy: this.#places instanceof Sketch ? SKETCH_ACCURACY : 0,
    };
  }

  #exact(which: "min" | "max"): number | bigint {
    const value = this.#sums[which];
    const exact = this.#big?.[which];
    return exact !== undefined && Math.abs(value) >= 2 ** 53 ? exact : value;
  }
}

/** Linear interpolation between the two ranks around q · (n − 1): NumPy's default. */
function quantile(values: SortedValues, q: number): number {
  const rank = q * (values.size - 1);
  const below = Math.floor(rank);
  const low = values.at(below);
  if (rank === below) return low;
  return low + (values.at(below + 1) - low) * (rank - below);
}

function histogram(values: SortedValues, from: number, to: number): Statistics["histogram"] {
  const bins = from === to ? 1 : Math.min(MOST_BINS, Math.max(1, Math.ceil(Math.sqrt(values.size))));
  const counts = Array.from({ length: bins }, () => 0);
  // The width of a range such as ±1.7e308 is beyond float64: halves are not.
  const half = to / 2 - from / 2;
  values.each((value, count) => {
    const bin = half === 0 ? 0 : Math.min(bins - 1, Math.max(0, Math.floor(((value / 2 - from / 2) / half) * bins)));
    counts[bin] = (counts[bin] ?? 0) + count;
  });
  return { from, to, counts };
}
