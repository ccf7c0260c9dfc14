import {
  add,
  and,
  assemble,
  type Code,
  constant,
  constant128,
  type Func,
  get,
  load32,
  load64Twice,
  load128,
  loop,
  set,
  shiftRight,
  shuffle,
  simd,
  store32,
  store128,
} from "./assembler.ts";

/**
 * Memory of the statistics' kernels, in bytes: results, one chunk of float32 values, and a counter of 32 bits for each value of a float32's
 * upper 19 bits. A chunk ends where the functions' only parameter says, a multiple of 32 bytes behind its beginning.
 */
export const SUM = 0; // two float64 to be added
export const LEAST = 16; // four float32
export const MOST = 32; // four float32
export const ZEROS = 48; // four int32
export const NEGATIVE_ZEROS = 64; // four int32
export const MEAN = 80; // one float64
export const CHUNK = 1024;
export const BUCKETS = 65536;
export const PAGES = 33;

const [END, AT, BUCKET] = [0, 1, 2] as const;
const FIRST_VECTOR = 3;

/** Opcodes: f32x4.eq, i32x4.eq, i32x4.sub, f64x2.promote_low_f32x4, f32x4.pmin and pmax, f64x2.add, sub and mul. */
const [F32_EQ, I32_EQ, I32_SUB, PROMOTE, PMIN, PMAX, ADD, SUBTRACT, MULTIPLY] = [
  0x41, 0x37, 0xb1, 0x5f, 0xea, 0xeb, 0xf0, 0xf1, 0xf2,
] as const;

const vectors = (count: number): number[] => Array.from({ length: count }, (_, k) => FIRST_VECTOR + k);

/** Lanes 2 and 3 in the place of 0 and 1. */
const upper = (value: number): Code => shuffle(get(value), get(value), [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15]);

/** Four float32 as two pairs of float64. */
const halves = (value: number): readonly Code[] => [simd(PROMOTE, get(value)), simd(PROMOTE, upper(value))];

const eachEight = (body: Code): Code => loop(AT, constant(CHUNK), get(END), 32, body);

const sumOf = (sums: readonly number[]): Code => {
  const [a = 0, b = 0, c = 0, d = 0] = sums;
  return simd(ADD, simd(ADD, get(a), get(b)), simd(ADD, get(c), get(d)));
};

/** Sum, extremes and zeros. With a NaN or an infinity inside only the sum says so, and nothing else counts. */
function first(): Func {
  const [s0 = 0, s1 = 0, s2 = 0, s3 = 0, least = 0, most = 0, zeros = 0, negative = 0, zero = 0, x = 0, y = 0] = vectors(11);
  const sums = [s0, s1, s2, s3];
  const body = [
    ...[...load128(get(AT), 0), ...set(x), ...load128(get(AT), 16), ...set(y)],
    ...[...halves(x), ...halves(y)].flatMap((half, k) => [...simd(ADD, get(sums[k] ?? 0), half), ...set(sums[k] ?? 0)]),
    // pmin(a, b) is b < a ? b : a.
    ...[x, y].flatMap((value) => [
      ...[...simd(PMIN, get(least), get(value)), ...set(least)],
      ...[...simd(PMAX, get(most), get(value)), ...set(most)],
      ...[...simd(I32_SUB, get(zeros), simd(F32_EQ, get(value), get(zero))), ...set(zeros)],
      ...[...simd(I32_SUB, get(negative), simd(I32_EQ, get(value), constant128(0x80000000))), ...set(negative)],
    ]),
  ];
  const results = [
    store128(constant(0), SUM, sumOf(sums)),
    store128(constant(0), LEAST, get(least)),
    store128(constant(0), MOST, get(most)),
    store128(constant(0), ZEROS, get(zeros)),
    store128(constant(0), NEGATIVE_ZEROS, get(negative)),
  ];
  const begin = [...constant128(0x7f800000), ...set(least), ...constant128(0xff800000), ...set(most)]; // ∞ and −∞
  return { name: "first", parameters: 1, counters: 2, vectors: 11, body: [...begin, ...eachEight(body), ...results.flat()] };
}

/** Σ (x − mean)² */
function squares(): Func {
  const [s0 = 0, s1 = 0, s2 = 0, s3 = 0, mean = 0, x = 0, y = 0, away = 0] = vectors(8);
  const sums = [s0, s1, s2, s3];
  const body = [
    ...[...load128(get(AT), 0), ...set(x), ...load128(get(AT), 16), ...set(y)],
    ...[...halves(x), ...halves(y)].flatMap((half, k) => [
      ...[...simd(SUBTRACT, half, get(mean)), ...set(away)],
      ...[...simd(ADD, get(sums[k] ?? 0), simd(MULTIPLY, get(away), get(away))), ...set(sums[k] ?? 0)],
    ]),
  ];
  const begin = [...load64Twice(constant(0), MEAN), ...set(mean)];
  return {
    name: "squares",
    parameters: 1,
    counters: 2,
    vectors: 8,
    body: [...begin, ...eachEight(body), ...store128(constant(0), SUM, sumOf(sums))],
  };
}

/** One more in the bucket of each value. */
function count(): Func {
  const body = [0, 4, 8, 12, 16, 20, 24, 28].flatMap((offset) => [
    // The upper 19 bits, times the 4 bytes of a counter.
    ...[...and(shiftRight(load32(get(AT), offset), 11), constant(0x1ffffc)), ...set(BUCKET)],
    ...store32(get(BUCKET), BUCKETS, add(load32(get(BUCKET), BUCKETS), constant(1))),
  ]);
  return { name: "count", parameters: 1, counters: 2, vectors: 0, body: eachEight(body) };
}

/** The kernels as a module of some 900 bytes. */
export function statisticsModule(): Uint8Array<ArrayBuffer> {
  return assemble([first(), squares(), count()]);
}
