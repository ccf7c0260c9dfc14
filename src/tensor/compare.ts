import { CheckpointError } from "../errors.ts";
import { compareBytes } from "../io/bytes.ts";
import type { Context } from "../io/context.ts";
import { crewOf, divide } from "../io/crew/crew.ts";
import { WORTH_ASKING } from "../io/crew/job.ts";
import { dtypes, itemsize, type NumericDType } from "./dtype.ts";
import { type CastOptions, castValues } from "./move/cast.ts";
import { eachPair, type PairTile } from "./move/pairs.ts";
import { decode } from "./numbers/numbers.ts";
import { elementCount } from "./shape.ts";
import type { StatisticsBuilder } from "./statistics/statistics.ts";
import type { View } from "./view.ts";

/** How far two tensors are from each other, over all their elements. */
export interface Difference {
  readonly count: number;
  /** Elements whose values differ; NaN equals NaN, 0 equals −0. */
  readonly differing: number;
  readonly equal: boolean;
  /** max |a − b|; ∞ where only one of a pair is finite. */
  readonly maxAbs: number;
  /** maxAbs ÷ max |b|; 0 where both are 0. */
  readonly maxRel: number;
  /** Mean of |a − b| over the pairs of finite values. */
  readonly meanAbs: number;
  /** Σ ab ÷ √(Σ a² Σ b²) over the pairs of finite values; 1 where both are all 0, 0 where only one is. */
  readonly cosine: number;
  /** Σ ab ÷ Σ a²: the factor that brings A nearest to B; 1 where A is all 0. */
  readonly factor: number;
}

/** What is done to A's values before they are compared. */
export interface CompareOptions {
  /** A times `by[index along axis]`. */
  readonly scale?: { readonly axis: string; readonly by: Float64Array };
  /** A rounded to this type. */
  readonly rounded?: NumericDType;
  /** Values up to this far apart do not count as `differing`; 0 where absent. */
  readonly beyond?: number;
  /** Gets every a − b; nothing where the two have the same bits. */
  readonly differences?: StatisticsBuilder;
}

/**
 * Compares two views element by element, in tiles common to both: neither is put in order first. Throws `mismatch` where
 * axes or sizes differ, `unsupported` where only one is complex.
 */
export async function compare(a: View, b: View, ctx: Context, options: CompareOptions = {}): Promise<Difference> {
  if (dtypes[a.dtype].kind === "complex" || dtypes[b.dtype].kind === "complex") return complexDifference(a, b, ctx);
  const sums = new PairSums(options.beyond, options.differences);
  const exact = a.dtype === b.dtype && options.scale === undefined && options.rounded === undefined;
  const axis = options.scale?.axis;
  if (exact && (await identical(a, b, ctx))) {
    return { count: elementCount(a.shape), differing: 0, equal: true, maxAbs: 0, maxRel: 0, meanAbs: 0, cosine: 1, factor: 1 };
  }
  await eachPair(
    a,
    b,
    ctx,
    (pair) => {
      const { bytesA, bytesB, count } = pair;
      let left = bytesA;
      let type = a.dtype;
      if (options.scale !== undefined || options.rounded !== undefined) {
        type = options.rounded ?? "float64";
        const factors: CastOptions =
          options.scale === undefined
            ? {}
            : { factors: options.scale.by.subarray(pair.first, pair.first + pair.indices), every: pair.every };
        left = ctx.scratch(0, count * itemsize(type));
        castValues({ bytes: bytesA, dtype: a.dtype }, { bytes: left, dtype: type }, count, factors);
      }
      sums.add(left, type, bytesB, b.dtype, count);
      return true;
    },
    axis,
  );
  return sums.result();
}

/** Whether two views hold the same bits; stops at the first tile that does not. False where the dtypes differ. */
export async function identical(a: View, b: View, ctx: Context): Promise<boolean> {
  if (a.dtype !== b.dtype) return false;
  let same = true;
  await eachPair(a, b, ctx, ({ bytesA, bytesB }) => {
    same &&= sameBytes(bytesA, bytesB);
    return same;
  });
  return same;
}

/** Whether two ranges of one buffer are equal; helper threads that reach it take their part. */
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  const crew = a.length === b.length && a.length >= WORTH_ASKING && a.buffer === b.buffer ? crewOf(a.buffer) : undefined;
  if (crew === undefined) return compareBytes(a, b) === 0;
  const parts = divide(crew, {
    count: a.length,
    step: WORTH_ASKING / 4,
    own: (from, to) => Number(compareBytes(a.subarray(from, to), b.subarray(from, to)) === 0),
    job: (from, to) => ({ kind: "same", a: a.byteOffset + from, b: b.byteOffset + from, length: to - from }),
  });
  return parts.every(([same]) => same === 1);
}

/** Σ ab ÷ Σ a² for each index along an axis: the factors that bring A nearest to B, 1 where A is all 0. */
export async function factorsAlong(axis: string, a: View, b: View, ctx: Context): Promise<Float64Array> {
  const count = a.shape[a.axes.indexOf(axis)] ?? 0;
  const [ab, aa] = [new Float64Array(count), new Float64Array(count)];
  const visit = ({ bytesA, bytesB, count: all, first, every, indices }: PairTile): boolean => {
    for (let done = 0; done < all; done += CHUNK) {
      const n = Math.min(CHUNK, all - done);
      decode(bytesA, done * a.itemsize, a.dtype, chunkA, n);
      decode(bytesB, done * b.itemsize, b.dtype, chunkB, n);
      for (let k = 0; k < n; k++) {
        const at = first + (Math.floor((done + k) / every) % indices);
        const [x, y] = [chunkA[k] ?? 0, chunkB[k] ?? 0];
        ab[at] = (ab[at] ?? 0) + x * y;
        aa[at] = (aa[at] ?? 0) + x * x;
      }
    }
    return true;
  };
  await eachPair(a, b, ctx, visit, axis);
  return ab.map((value, k) => (aa[k] === 0 ? 1 : value / (aa[k] ?? 1)));
}

/** Complex tensors are compared as the pairs of real numbers that they are stored as. */
async function complexDifference(a: View, b: View, ctx: Context): Promise<Difference> {
  if (a.dtype !== b.dtype) {
    throw new CheckpointError("unsupported", `${a.dtype} against ${b.dtype} found, needed two complex or two real tensors`);
  }
  return compare(realPairs(a), realPairs(b), ctx);
}

function realPairs(view: View): View {
  const half = view.itemsize / 2;
  return {
    axes: [...view.axes, "re/im"],
    shape: [...view.shape, 2],
    dtype: view.dtype === "complex64" ? "float32" : "float64",
    itemsize: half,
    parts: view.parts.map((part) => ({
      ...part,
      start: [...part.start, 0],
      shape: [...part.shape, 2],
      strides: [...part.strides, half],
    })),
  };
}

const CHUNK = 1024;
const chunkA = new Float64Array(CHUNK);
const chunkB = new Float64Array(CHUNK);

/** Sums are taken chunk by chunk and then added: rounding errors grow with the number of chunks, not of elements. */
class PairSums {
  readonly #beyond: number;
  readonly #differences: StatisticsBuilder | undefined;
  #count = 0;
  #finite = 0;
  #differing = 0;
  #maxAbs = 0;
  #maxB = 0;
  #abs = 0;
  #aa = 0;
  #ab = 0;
  #bb = 0;

  constructor(beyond = 0, differences?: StatisticsBuilder) {
    this.#beyond = beyond;
    this.#differences = differences;
  }

  add(bytesA: Uint8Array, typeA: NumericDType, bytesB: Uint8Array, typeB: NumericDType, count: number): void {
    const a = itemsize(typeA);
    const b = itemsize(typeB);
    for (let done = 0; done < count; done += CHUNK) {
      const n = Math.min(CHUNK, count - done);
      decode(bytesA, done * a, typeA, chunkA, n);
      decode(bytesB, done * b, typeB, chunkB, n);
      this.#addChunk(n);
      if (this.#differences === undefined) continue;
      for (let k = 0; k < n; k++) chunkA[k] = (chunkA[k] ?? 0) - (chunkB[k] ?? 0);
      this.#differences.add(new Uint8Array(chunkA.buffer, 0, 8 * n), n);
    }
  }

  #addChunk(n: number): void {
    const beyond = this.#beyond;
    let differing = 0;
    let finite = n;
    let maxAbs = this.#maxAbs;
    let maxB = this.#maxB;
    let abs = 0;
    let aa = 0;
    let ab = 0;
    let bb = 0;
    for (let k = 0; k < n; k++) {
      const x = chunkA[k] ?? 0;
      const y = chunkB[k] ?? 0;
      const difference = Math.abs(x - y);
      // NaN where one is, or both are the same infinity; ∞ where an infinity meets something else.
      if (!(difference < Number.POSITIVE_INFINITY)) {
        finite -= 1;
        if (x !== y && !(Number.isNaN(x) && Number.isNaN(y))) {
          differing += 1;
          maxAbs = Number.POSITIVE_INFINITY;
        }
        continue;
      }
      if (difference > beyond) differing += 1;
      if (difference > maxAbs) maxAbs = difference;
      const size = Math.abs(y);
      if (size > maxB) maxB = size;
      abs += difference;
      aa += x * x;
      ab += x * y;
      bb += y * y;
    }
    this.#count += n;
    this.#finite += finite;
    this.#differing += differing;
    this.#maxAbs = maxAbs;
    this.#maxB = maxB;
    this.#abs += abs;
    this.#aa += aa;
    this.#ab += ab;
    this.#bb += bb;
  }

  result(): Difference {
    const norms = Math.sqrt(this.#aa) * Math.sqrt(this.#bb);
    const oneZero = this.#aa === 0 && this.#bb === 0 ? 1 : 0;
    return {
      count: this.#count,
      differing: this.#differing,
      equal: this.#differing === 0,
      maxAbs: this.#maxAbs,
      maxRel: this.#maxAbs === 0 ? 0 : this.#maxAbs / this.#maxB,
      meanAbs: this.#finite === 0 ? 0 : this.#abs / this.#finite,
      cosine: norms === 0 ? oneZero : Math.min(1, Math.max(-1, this.#ab / norms)),
      factor: this.#aa === 0 ? 1 : this.#ab / this.#aa,
    };
  }
}
