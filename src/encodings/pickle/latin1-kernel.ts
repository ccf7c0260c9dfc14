/*
 * Bytes that were written as text: byte b became the character U+00bb, and that became UTF-8. Below 0x80 a byte means
 * itself; 0x80 … 0xbf follow a C2; 0xc0 … 0xff follow a C3 and have lost their 0x40. So: add 0x40 behind a C3, drop C2 and C3.
 *
 * JavaScript does 190 MB/s of that, this kernel of 16 bytes at a time more than 1 GB/s. Dropping is a table look-up: for each of
 * the 256 patterns of eight bytes kept or dropped, the indices of those kept, for `i8x16.swizzle`.
 *
 * Memory: 0 table of indices 0 … 7, 2048 table of indices 8 … 15, 8191 the byte before the input, 8192 input, then output.
 */

/** Bytes decoded at a time; a multiple of 16. */
export const BLOCK = 1 << 18;

const highTable = 2048;
const carryAt = 8191;
const inputAt = carryAt + 1;
const outputAt = inputAt + BLOCK + 64;
/** Of 64 KiB; stores reach up to 16 bytes behind the output. */
const pages = Math.ceil((outputAt + BLOCK + 64) / 65536);

// WebAssembly instructions (webassembly.github.io/spec/core/binary/instructions.html). All operands here fit in one byte.
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const i32 = { const: 0x41, add: 0x6a, and: 0x71, xor: 0x73, shl: 0x74, shrU: 0x76, popcnt: 0x69, ltU: 0x49 };
const select = 0x1b;
const simd = (code: number, ...operands: number[]): number[] => [0xfd, code, ...operands];
const load = (offset: number): number[] => simd(0x00, 0, offset);
const store = simd(0x0b, 0, 0);
const load64 = (offset: number[]): number[] => simd(0x5d, 0, ...offset);
const swizzle = simd(0x0e);
const splat = simd(0x0f);
const eq = simd(0x23);
const ltS = simd(0x25);
const and = simd(0x4e);
const andnot = simd(0x4f);
const or = simd(0x50);
const xor = simd(0x51);
const anyTrue = simd(0x53);
const bitmask = simd(0x64);

// Locals. `from` points at the byte before the block: prev is loaded from there, cur one byte on.
const [from, end, out] = [0, 1, 2];
const keep = 3; // i32: a bit for each byte that stays
const [cur, prev, bad, cont, lead, fe, c2, c3, x40, below] = [4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
const constant = (byte: number[], local: number): number[] => [i32.const, ...byte, ...splat, ...set(local)];

const body = [
  ...[2, 1, 0x7f, 10, 0x7b], // one local of i32, ten of v128
  ...constant([0x7e], fe), // -2: the low bit of C2 and C3 masked away
  ...constant([0x42], c2), // -62
  ...constant([0x43], c3), // -61
  ...constant([0xc0, 0x00], x40), // 64
  ...constant([0x40], below), // -64: as signed bytes, 0x80 … 0xbf are below
  ...[0x03, 0x40], // loop
  ...[...get(from), ...load(0), ...set(prev)],
  ...[...get(from), ...load(1), ...set(cur)],
  ...[...get(cur), ...get(below), ...ltS, ...set(cont)],
  ...[...get(cur), ...get(fe), ...and, ...get(c2), ...eq, ...set(lead)],
  // bad |= cont xor (prev is a lead byte)
  ...[...get(bad), ...get(cont), ...get(prev), ...get(fe), ...and, ...get(c2), ...eq, ...xor, ...or],
  // bad |= cur is negative, no continuation and no lead byte; bad starts as 0, so `cur < 0` compares with a fresh zero
  ...[...get(cur), i32.const, 0, ...splat, ...ltS, ...get(cont), ...andnot, ...get(lead), ...andnot, ...or, ...set(bad)],
  // cur |= 0x40 behind a C3
  ...[...get(cur), ...get(prev), ...get(c3), ...eq, ...get(x40), ...and, ...or, ...set(cur)],
  ...[...get(lead), ...bitmask, i32.const, 0xff, 0xff, 0x03, i32.xor, ...set(keep)],
  // the low eight bytes
  ...[...get(out), ...get(cur), ...get(keep), i32.const, 0xff, 0x01, i32.and, i32.const, 3, i32.shl, ...load64([0]), ...swizzle, ...store],
  ...[...get(out), ...get(keep), i32.const, 0xff, 0x01, i32.and, i32.popcnt, i32.add, ...set(out)],
  // the high eight bytes; 0x80 0x10 is the offset 2048
  ...[...get(out), ...get(cur), ...get(keep), i32.const, 8, i32.shrU, i32.const, 3, i32.shl, ...load64([0x80, 0x10]), ...swizzle, ...store],
  ...[...get(out), ...get(keep), i32.const, 8, i32.shrU, i32.popcnt, i32.add, ...set(out)],
  ...[...get(from), i32.const, 16, i32.add, ...set(from)],
  ...[...get(from), ...get(end), i32.ltU, 0x0d, 0], // br_if loop
  0x0b, // end of loop
  ...[i32.const, 0, ...get(out), ...get(bad), ...anyTrue, select], // 0 where something was bad, else the end of the output
  0x0b,
];

const leb = (value: number): number[] => (value < 0x80 ? [value] : [0x80 + (value % 0x80), ...leb(Math.floor(value / 0x80))]);
const section = (id: number, bytes: number[]): number[] => [id, ...leb(bytes.length), ...bytes];
const module = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // "\0asm", version 1
  ...section(1, [1, 0x60, 3, 0x7f, 0x7f, 0x7f, 1, 0x7f]), // one type: (i32, i32, i32) -> i32
  ...section(3, [1, 0]), // one function of it
  ...section(5, [1, 0, ...leb(pages)]), // one memory
  ...section(7, [2, 1, 0x66, 0, 0, 1, 0x6d, 2, 0]), // exported as "f" and "m"
  ...section(10, [1, ...leb(body.length), ...body]),
]);

// Node has it; its types are in TypeScript's DOM library, which is not loaded here.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: Readonly<Record<string, unknown>> };
  readonly Memory: new (descriptor: { initial: number }) => { readonly buffer: ArrayBuffer };
};

interface Kernel {
  /** Where the input goes: BLOCK bytes. */
  readonly input: Uint8Array;
  /**
   * Decodes the first `length` bytes of `input`, a multiple of 16, after the byte `carry`. Returns a view of the output, valid until the
   * next call; undefined where the input is no UTF-8 of U+0000 … U+00FF. A C2 or C3 at the very end counts as good.
   */
  decode(length: number, carry: number): Uint8Array | undefined;
}

let shared: Kernel | undefined;

/** The one kernel of the process: its input and output are used up before anything else runs. */
export function latin1Kernel(): Kernel {
  shared ??= createKernel();
  return shared;
}

function createKernel(): Kernel {
  const { f, m } = new WebAssembly.Instance(new WebAssembly.Module(module)).exports;
  if (typeof f !== "function" || !(m instanceof WebAssembly.Memory)) throw new TypeError("the latin-1 kernel lacks its exports");
  const memory = new Uint8Array(m.buffer);
  for (let pattern = 0; pattern < 256; pattern += 1) {
    let kept = 0;
    for (let bit = 0; bit < 8; bit += 1) {
      if (((pattern >> bit) & 1) === 0) continue;
      memory[pattern * 8 + kept] = bit;
      memory[highTable + pattern * 8 + kept] = 8 + bit;
      kept += 1;
    }
  }
  return {
    input: memory.subarray(inputAt, inputAt + BLOCK),
    decode(length, carry) {
      memory[carryAt] = carry;
      const stop: unknown = f(carryAt, carryAt + length, outputAt);
      return typeof stop === "number" && stop !== 0 ? memory.subarray(outputAt, stop) : undefined;
    },
  };
}
