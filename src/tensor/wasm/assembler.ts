/**
 * As much of a WebAssembly assembler as the kernels need: instructions are arrays of bytes, put together by functions that
 * are named like the text format. Opcodes and section layout: WebAssembly Core Specification 2.0, chapter 5.
 */
export type Code = readonly number[];

/** Unsigned LEB128. */
function unsigned(value: number): Code {
  const low = value % 128;
  return value < 128 ? [low] : [low + 128, ...unsigned(Math.floor(value / 128))];
}

/** Signed LEB128. */
function signed(value: number): Code {
  const low = ((value % 128) + 128) % 128;
  const rest = (value - low) / 128;
  const done = (rest === 0 && low < 64) || (rest === -1 && low >= 64);
  return done ? [low] : [low + 128, ...signed(rest)];
}

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number): Code => [0x21, ...unsigned(local)];
export const constant = (value: number): Code => [0x41, ...signed(value)];
export const add = (a: Code, b: Code): Code => [...a, ...b, 0x6a];
export const multiply = (a: Code, b: Code): Code => [...a, ...b, 0x6c];
export const and = (a: Code, b: Code): Code => [...a, ...b, 0x71];
export const or = (a: Code, b: Code): Code => [...a, ...b, 0x72];
export const xor = (a: Code, b: Code): Code => [...a, ...b, 0x73];
export const shiftLeft = (a: Code, bits: number): Code => [...a, ...constant(bits), 0x74];
/** i32.shr_u */
export const shiftRight = (a: Code, bits: number): Code => [...a, ...constant(bits), 0x76];

/** i32.load of `offset` bytes behind an address that is a multiple of 4, mostly. */
export const load32 = (address: Code, offset: number): Code => [...address, 0x28, 2, ...unsigned(offset)];

/** Loads and stores of one element at an address, none aligned: `load(address)`, `store(address, value)`. */
export interface Access {
  readonly load: (address: Code) => Code;
  readonly store: (address: Code, value: Code) => Code;
}

function access(load: Code, store: Code): Access {
  const memarg = [0, 0]; // alignment 2^0, offset 0
  return {
    load: (address) => [...address, ...load, ...memarg],
    store: (address, value) => [...address, ...value, ...store, ...memarg],
  };
}

/** i32.load8_u and i32.store8, i32.load16_u and i32.store16, i32, i64, v128. */
export const access8 = access([0x2d], [0x3a]);
export const access16 = access([0x2f], [0x3b]);
export const access32 = access([0x28], [0x36]);
export const access64 = access([0x29], [0x37]);
export const access128 = access([0xfd, 0x00], [0xfd, 0x0b]);

/** A 128-bit instruction over what its operands leave; opcodes beyond 0x7f take two bytes. */
export const simd = (opcode: number, ...operands: readonly Code[]): Code => [...operands.flat(), 0xfd, ...unsigned(opcode)];

/** v128.load and v128.store at `offset` bytes behind an address; both are multiples of 16. */
export const load128 = (address: Code, offset: number): Code => [...simd(0x00, address), 4, ...unsigned(offset)];
export const store128 = (address: Code, offset: number, value: Code): Code => [...simd(0x0b, address, value), 4, ...unsigned(offset)];

/** v128.load32_zero: four bytes in the first lane, at any address; v128.load32_lane: in another lane of a vector. */
export const load32First = (address: Code): Code => [...simd(0x5c, address), 0, 0];
export const load32Lane = (address: Code, vector: Code, lane: number): Code => [...simd(0x56, address, vector), 0, 0, lane];

/** v128.xor, v128.or, v128.any_true */
export const xor128 = (a: Code, b: Code): Code => simd(0x51, a, b);
export const or128 = (a: Code, b: Code): Code => simd(0x50, a, b);
export const anyTrue = (vector: Code): Code => simd(0x53, vector);

/** v128.load64_splat: one 64-bit number in both lanes. */
export const load64Twice = (address: Code, offset: number): Code => [...simd(0x0a, address), 3, ...unsigned(offset)];

/** v128.const of four equal 32-bit lanes. */
export function constant128(lane: number): Code {
  const bytes = new Uint8Array(new Uint32Array([lane, lane, lane, lane]).buffer);
  return [...simd(0x0c), ...bytes];
}

/** i32.store */
export const store32 = (address: Code, offset: number, value: Code): Code => [...address, ...value, 0x36, 2, ...unsigned(offset)];

/** i8x16.shuffle: lanes 0–15 are the bytes of `a`, 16–31 those of `b`. */
export const shuffle = (a: Code, b: Code, lanes: readonly number[]): Code => [...a, ...b, 0xfd, 0x0d, ...lanes];

/** `for (counter = from; counter < end; counter += step) body` over unsigned numbers. */
export function loop(counter: number, from: Code, end: Code, step: number, body: Code): Code {
  const leave = [...get(counter), ...end, 0x4f, 0x0d, 1]; // i32.ge_u; br_if 1
  const next = [...add(get(counter), constant(step)), ...set(counter), 0x0c, 0]; // br 0
  return [...from, ...set(counter), 0x02, 0x40, 0x03, 0x40, ...leave, ...body, ...next, 0x0b, 0x0b];
}

/** The smaller of two unsigned numbers: select(a, b, a < b). */
export const smaller = (a: Code, b: Code): Code => [...a, ...b, ...a, ...b, 0x49, 0x1b];

export interface Func {
  readonly name: string;
  /** All parameters are i32. */
  readonly parameters: number;
  /** Whether the body leaves an i32; no result without. */
  readonly result?: boolean;
  /** Locals behind the parameters: i32 first, then v128. */
  readonly counters: number;
  readonly vectors: number;
  readonly body: Code;
}

const I32 = 0x7f;
const V128 = 0x7b;

/** Pages of the largest memory that there is: what a module says that takes any. */
const MOST_PAGES = 65536;

/** A module that imports one memory as "memory" "memory", which is shared between threads or is not, and exports its functions. */
export function assemble(functions: readonly Func[], shared = false): Uint8Array<ArrayBuffer> {
  const list = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
  const sized = (code: Code): Code => [...unsigned(code.length), ...code];
  const name = (text: string): Code => sized([...new TextEncoder().encode(text)]);
  const section = (id: number, items: readonly Code[]): Code => [id, ...sized(list(items))];
  const types = functions.map(({ parameters, result }) => [
    0x60,
    ...list(Array.from({ length: parameters }, () => [I32])),
    ...list(result === true ? [[I32]] : []),
  ]);
  const bodies = functions.map(({ counters, vectors, body }) => {
    const locals = list([
      [...unsigned(counters), I32],
      [...unsigned(vectors), V128],
    ]);
    return sized([...locals, ...body, 0x0b]);
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // "\0asm", version 1
    ...section(1, types),
    ...section(2, [[...name("memory"), ...name("memory"), 0x02, ...(shared ? [0x03, 0x01, ...unsigned(MOST_PAGES)] : [0x00, 0x01])]]),
    ...section(
      3,
      functions.map((_, k) => unsigned(k)),
    ),
    ...section(
      7,
      functions.map((func, k) => [...name(func.name), 0x00, ...unsigned(k)]),
    ),
    ...section(10, bodies),
  ]);
}
