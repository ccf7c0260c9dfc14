import {
  type Access,
  access8,
  access16,
  access32,
  access64,
  access128,
  add,
  anyTrue,
  assemble,
  type Code,
  constant,
  type Func,
  get,
  load32First,
  load32Lane,
  loop,
  multiply,
  or,
  or128,
  set,
  shuffle,
  smaller,
  xor,
  xor128,
} from "./assembler.ts";

/**
 * Transpositions of a rectangle: `rows` rows of `columns` elements, rows `fromPitch` bytes apart, columns of the result
 * `toPitch` bytes apart. In every function, parameters and locals are:
 *
 *     (param $from i32) (param $to i32) (param $rows i32) (param $columns i32) (param $fromPitch i32) (param $toPitch i32)
 *     (local $block i32) (local $end i32) (local $column i32) (local $row i32) (local $at i32) (local $out i32)
 */
const [FROM, TO, ROWS, COLUMNS, FROM_PITCH, TO_PITCH, BLOCK, END, COLUMN, ROW, AT, OUT] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] as const;
const PARAMETERS = 6;
const COUNTERS = 6;

/**
 * Rows of a block: of 4-byte elements, four cache lines of the result are then written one behind the other. Tried on rows of 6 to 18 kB,
 * 16 KiB among them: 1.0 ns an element, against 1.4 to 2.1 with 16 rows and as much or more with 128.
 */
const BLOCK_ROWS = 64;
/** The same for comparisons: 1.4 to 1.8 ns with 16 rows, 1.6 to 4 with 64. */
const COMPARED_ROWS = 16;

/** Blocks of rows, then columns, then the rows of the block: reads run along a block's rows, writes fill cache lines. */
function blocked(rowStep: number, columnStep: number, body: Code): Code {
  const inner = loop(COLUMN, constant(0), get(COLUMNS), columnStep, loop(ROW, get(BLOCK), get(END), rowStep, body));
  const end = [...smaller(add(get(BLOCK), constant(BLOCK_ROWS)), get(ROWS)), ...set(END)];
  return loop(BLOCK, constant(0), get(ROWS), BLOCK_ROWS, [...end, ...inner]);
}

/** to[column · toPitch + row · width] = from[row · fromPitch + column · width], element by element. */
function single(name: string, width: number, { load, store }: Access): Func {
  const at = add(add(get(FROM), multiply(get(ROW), get(FROM_PITCH))), multiply(get(COLUMN), constant(width)));
  const out = add(add(get(TO), multiply(get(COLUMN), get(TO_PITCH))), multiply(get(ROW), constant(width)));
  return { name, parameters: PARAMETERS, counters: COUNTERS, vectors: 0, body: blocked(1, 1, store(out, load(at))) };
}

/**
 * Squares of 4 × 4 four-byte elements; rows and columns are multiples of 4. Four rows a, b, c, d become four columns by two
 * steps of shuffles: a0 b0 a1 b1, c0 d0 c1 d1, a2 b2 a3 b3, c2 d2 c3 d3; then their halves.
 */
function square(): Func {
  const [A, B, C, D] = [12, 13, 14, 15];
  const [P, Q, R, S] = [16, 17, 18, 19];
  const bytes = (...words: readonly number[]): number[] => words.flatMap((word) => [0, 1, 2, 3].map((k) => word * 4 + k));
  const [low, high] = [bytes(0, 4, 1, 5), bytes(2, 6, 3, 7)];
  const [firstHalves, lastHalves] = [bytes(0, 1, 4, 5), bytes(2, 3, 6, 7)];
  const at = add(add(get(FROM), multiply(get(ROW), get(FROM_PITCH))), multiply(get(COLUMN), constant(4)));
  const out = add(add(get(TO), multiply(get(COLUMN), get(TO_PITCH))), multiply(get(ROW), constant(4)));
  const loadRow = (row: number): Code => [...access128.load(get(AT)), ...set(row), ...add(get(AT), get(FROM_PITCH)), ...set(AT)];
  const storeColumn = (value: Code): Code => [...access128.store(get(OUT), value), ...add(get(OUT), get(TO_PITCH)), ...set(OUT)];
  const body = [
    ...[...at, ...set(AT), ...out, ...set(OUT)],
    ...[A, B, C, D].flatMap(loadRow),
    ...[...shuffle(get(A), get(B), low), ...set(P), ...shuffle(get(C), get(D), low), ...set(Q)],
    ...[...shuffle(get(A), get(B), high), ...set(R), ...shuffle(get(C), get(D), high), ...set(S)],
    ...storeColumn(shuffle(get(P), get(Q), firstHalves)),
    ...storeColumn(shuffle(get(P), get(Q), lastHalves)),
    ...storeColumn(shuffle(get(R), get(S), firstHalves)),
    ...storeColumn(shuffle(get(R), get(S), lastHalves)),
  ];
  return { name: "square32", parameters: PARAMETERS, counters: COUNTERS, vectors: 8, body: blocked(4, 4, body) };
}

/**
 * Whether a rectangle of four-byte elements and its transposition differ: 0 where they do not. Walked by pointers, a few elements of the
 * result at a time, and not as the transpositions walk.
 */
function difference(): Func {
  const DIFFERENCE = 12;
  const pair = xor(access32.load(get(AT)), access32.load(get(OUT)));
  const step = [...add(get(AT), get(FROM_PITCH)), ...set(AT), ...add(get(OUT), constant(4)), ...set(OUT)];
  const line = loop(ROW, get(BLOCK), get(END), 1, [...or(get(DIFFERENCE), pair), ...set(DIFFERENCE), ...step]);
  const body = [...compared(line), ...get(DIFFERENCE)];
  return { name: "difference32", parameters: PARAMETERS, result: true, counters: COUNTERS + 1, vectors: 0, body };
}

/** The same, four rows at a time: their number is a multiple of 4. Elements are fetched one by one, and four of the result at once. */
function differenceOfFours(): Func {
  const [DIFFERENCE, FOUR] = [12, 13];
  const next = [...add(get(AT), get(FROM_PITCH)), ...set(AT)];
  const first = [...load32First(get(AT)), ...set(FOUR), ...next];
  const others = [1, 2, 3].flatMap((lane) => [...load32Lane(get(AT), get(FOUR), lane), ...set(FOUR), ...next]);
  const differing = or128(get(DIFFERENCE), xor128(get(FOUR), access128.load(get(OUT))));
  const step = [...differing, ...set(DIFFERENCE), ...add(get(OUT), constant(16)), ...set(OUT)];
  const body = [...compared(loop(ROW, get(BLOCK), get(END), 4, [...first, ...others, ...step])), ...anyTrue(get(DIFFERENCE))];
  return { name: "difference4x32", parameters: PARAMETERS, result: true, counters: COUNTERS, vectors: 2, body };
}

/** Blocks of rows, then columns: a line of the block begins at AT in the source and at OUT in the result. */
function compared(line: Code): Code {
  const at = add(add(get(FROM), multiply(get(BLOCK), get(FROM_PITCH))), multiply(get(COLUMN), constant(4)));
  const out = add(add(get(TO), multiply(get(COLUMN), get(TO_PITCH))), multiply(get(BLOCK), constant(4)));
  const columns = loop(COLUMN, constant(0), get(COLUMNS), 1, [...at, ...set(AT), ...out, ...set(OUT), ...line]);
  const end = [...smaller(add(get(BLOCK), constant(COMPARED_ROWS)), get(ROWS)), ...set(END)];
  return loop(BLOCK, constant(0), get(ROWS), COMPARED_ROWS, [...end, ...columns]);
}

/** The kernels as a module of some 1,600 bytes, over a memory that is shared between threads or is not. */
export function transposeModule(shared: boolean): Uint8Array<ArrayBuffer> {
  const functions = [
    single("single8", 1, access8),
    single("single16", 2, access16),
    single("single32", 4, access32),
    single("single64", 8, access64),
    square(),
    difference(),
    differenceOfFours(),
  ];
  return assemble(functions, shared);
}
