import type { NumericDType } from "../dtype.ts";
import { decode } from "../numbers/numbers.ts";
import type { ScanTile } from "./scan.ts";

/** Values of one output that lie together, from which on the statistics lose no time over taking them apart. */
const LONG_RUN = 1024;

/** Statistics that values are added to. */
interface Summing {
  /** Σ x² so far. */
  readonly energy: number;
  add(bytes: Uint8Array, count: number): void;
}

/** What the weights of each output of a layer add up to, gathered while all values go by. */
export class OutputSums {
  /** Σ x²; not finite where one of the weights is not. */
  readonly energy: Float64Array;
  /** Largest |x|, of `add` alone and where it was asked for; means nothing where the energy is not finite. */
  readonly largest: Float64Array;
  readonly #sizes: boolean;
  #decoded = new Float64Array(0);

  /** `sizes`: the largest |x| too. */
  constructor(outputs: number, sizes: boolean) {
    this.energy = new Float64Array(outputs);
    this.largest = new Float64Array(outputs);
    this.#sizes = sizes;
  }

  /** A tile whose marked axis is the layer's outputs. */
  add(tile: ScanTile, dtype: NumericDType): void {
    const values = this.#valuesOf(tile, dtype);
    if (tile.every === 1) this.#addColumns(values, tile.first, tile.indices);
    else this.#addRows(values, tile);
  }

  /**
   * The same of a tile whose outputs have long runs of values, which go into the statistics one by one: what those sum up anyway is taken
   * from there. False, having done nothing, for other tiles.
   */
  addRuns({ bytes, count, first, every, indices }: ScanTile, width: number, into: Summing): boolean {
    if (every < LONG_RUN) return false;
    for (let run = 0; run * every < count; run++) {
      const values = Math.min(every, count - run * every);
      const before = into.energy;
      into.add(bytes.subarray(run * every * width, (run * every + values) * width), values);
      const index = first + (run % indices);
      this.energy[index] = (this.energy[index] ?? 0) + into.energy - before;
    }
    return true;
  }

  #valuesOf({ bytes, count }: ScanTile, dtype: NumericDType): Float32Array | Float64Array {
    if (dtype === "float32" && bytes.byteOffset % 4 === 0) return new Float32Array(bytes.buffer, bytes.byteOffset, count);
    if (this.#decoded.length < count) this.#decoded = new Float64Array(count);
    decode(bytes, 0, dtype, this.#decoded, count);
    return this.#decoded.subarray(0, count);
  }

  /** The outputs are the innermost axis: each has every so many-th value. */
  #addColumns(values: Float32Array | Float64Array, first: number, indices: number): void {
    const energy = this.energy.subarray(first, first + indices);
    let row = 0;
    // Four rows at once: a sum is read and written once for four squares.
    for (const four = 4 * indices; row + four <= values.length; row += four) {
      const second = row + indices;
      const third = second + indices;
      const fourth = third + indices;
      for (let k = 0; k < indices; k++) {
        const p = values[row + k] ?? 0;
        const q = values[second + k] ?? 0;
        const r = values[third + k] ?? 0;
        const s = values[fourth + k] ?? 0;
        energy[k] = (energy[k] ?? 0) + (p * p + q * q + (r * r + s * s));
      }
    }
    for (; row < values.length; row += indices) {
      for (let k = 0; k < indices; k++) energy[k] = (energy[k] ?? 0) + (values[row + k] ?? 0) ** 2;
    }
    if (this.#sizes) this.#addLargest(values, first, indices);
  }

  #addLargest(values: Float32Array | Float64Array, first: number, indices: number): void {
    const largest = this.largest.subarray(first, first + indices);
    for (let row = 0; row < values.length; row += indices) {
      for (let k = 0; k < indices; k++) {
        const size = Math.abs(values[row + k] ?? 0);
        if (size > (largest[k] ?? 0)) largest[k] = size;
      }
    }
  }

  #addRows(values: Float32Array | Float64Array, { first, every, indices }: ScanTile): void {
    for (let row = 0; row * every < values.length; row++) {
      const end = Math.min(values.length, (row + 1) * every);
      let [even, odd] = [0, 0];
      let most = 0;
      let k = row * every;
      // Two sums: additions that wait for each other take twice as long.
      for (; k + 1 < end; k += 2) {
        const a = values[k] ?? 0;
        const b = values[k + 1] ?? 0;
        even += a * a;
        odd += b * b;
        const size = Math.max(Math.abs(a), Math.abs(b));
        if (size > most) most = size;
      }
      const last = k < end ? (values[k] ?? 0) : 0;
      const index = first + (row % indices);
      this.energy[index] = (this.energy[index] ?? 0) + even + odd + last * last;
      this.largest[index] = Math.max(this.largest[index] ?? 0, most, Number.isNaN(last) ? 0 : Math.abs(last));
    }
  }
}
