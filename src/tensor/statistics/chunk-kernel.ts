import "../../io/webassembly.ts";
import { BUCKETS, CHUNK, LEAST, MEAN, MOST, NEGATIVE_ZEROS, PAGES, SUM, statisticsModule, ZEROS } from "../wasm/statistics.ts";

/** Values of a chunk at most; it stays in the first-level cache through three passes. */
export const CHUNK_VALUES = 2048;
/** The kernels take this many values a step: other lengths are not for them. */
const STEP = 8;

/** What one pass over a chunk tells; nothing but `sum` counts where that is not finite. */
export interface ChunkPass {
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  /** 0 and −0. */
  readonly zeros: number;
  readonly negativeZeros: number;
}

type Kernel = (values: number) => void;

let module: WebAssembly.Module | undefined;
const spare: ChunkKernel[] = [];

/** One chunk of float32 values at a time, and counters of how many are where. Taken for a tensor, and given back with `release`. */
export class ChunkKernel {
  /** As `Sketch` counts them: by the upper 19 bits. */
  readonly buckets: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #doubles: Float64Array;
  readonly #floats: Float32Array;
  readonly #integers: Int32Array;
  readonly #kernels: { readonly first: Kernel; readonly squares: Kernel; readonly count: Kernel };

  private constructor(memory: WebAssembly.Memory) {
    module ??= new WebAssembly.Module(statisticsModule());
    const { exports } = new WebAssembly.Instance(module, { memory: { memory } });
    const named = (name: string): Kernel => {
      const found = exports[name];
      if (typeof found !== "function") throw new Error(`the kernels lack ${name}`);
      return (values) => {
        found(CHUNK + 4 * values);
      };
    };
    this.#kernels = { first: named("first"), squares: named("squares"), count: named("count") };
    this.#bytes = new Uint8Array(memory.buffer, CHUNK, 4 * CHUNK_VALUES);
    this.#doubles = new Float64Array(memory.buffer, 0, CHUNK / 8);
    this.#floats = new Float32Array(memory.buffer, 0, CHUNK / 4);
    this.#integers = new Int32Array(memory.buffer, 0, CHUNK / 4);
    this.buckets = new Int32Array(memory.buffer, BUCKETS, 2 ** 19);
  }

  /** With all counters at 0; undefined where the system gives no WebAssembly memory. */
  static take(): ChunkKernel | undefined {
    const used = spare.pop();
    if (used !== undefined) {
      used.buckets.fill(0);
      return used;
    }
    try {
      return new ChunkKernel(new WebAssembly.Memory({ initial: PAGES, maximum: PAGES }));
    } catch (error) {
      // A limit on address space (ulimit -v).
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  release(): void {
    spare.push(this);
  }

  /** Takes a chunk over, bit by bit; false where its length does not suit. */
  load(chunk: Float32Array): boolean {
    if (chunk.length % STEP !== 0 || chunk.length > CHUNK_VALUES) return false;
    this.#bytes.set(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    return true;
  }

  first(values: number): ChunkPass {
    this.#kernels.first(values);
    const floats = this.#floats;
    const integers = this.#integers;
    let min = Number.POSITIVE_INFINITY;
    let max = Number.NEGATIVE_INFINITY;
    let zeros = 0;
    let negativeZeros = 0;
    for (let lane = 0; lane < 4; lane++) {
      const least = floats[LEAST / 4 + lane] ?? 0;
      const most = floats[MOST / 4 + lane] ?? 0;
      if (least < min) min = least;
      if (most > max) max = most;
      zeros += integers[ZEROS / 4 + lane] ?? 0;
      negativeZeros += integers[NEGATIVE_ZEROS / 4 + lane] ?? 0;
    }
    return { sum: this.#sum(), min, max, zeros, negativeZeros };
  }

  /** Σ (x − mean)² */
  squares(values: number, mean: number): number {
    this.#doubles[MEAN / 8] = mean;
    this.#kernels.squares(values);
    return this.#sum();
  }

  count(values: number): void {
    this.#kernels.count(values);
  }

  #sum(): number {
    return (this.#doubles[SUM / 8] ?? 0) + (this.#doubles[SUM / 8 + 1] ?? 0);
  }
}
