import "../../io/webassembly.ts";
import {
  and,
  assemble,
  type Code,
  constant,
  type Func,
  get,
  load32,
  loop,
  set,
  shiftLeft,
  shiftRight,
  xor,
} from "../../tensor/wasm/assembler.ts";
import { crcTables } from "./crc-tables.ts";

/** Slicing by 16: sixteen tables of 1 kB in the first-level cache, of which only four wait for the step before. */
const SLICES = 16;
const TABLE_BYTES = 1024;
const DATA = SLICES * TABLE_BYTES;
const PAGES = 2;
const DATA_BYTES = PAGES * 65536 - DATA;

/** The checksum register after some bytes, from the one before them (without the inversions at both ends). */
export type Register = (bytes: Uint8Array, state: number) => number;

/** A kernel for a reflected polynomial; undefined where the system gives no WebAssembly memory. */
export function makeCrcKernel(polynomial: number): Register | undefined {
  let memory: WebAssembly.Memory;
  try {
    memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
  } catch (error) {
    // A limit on address space (ulimit -v).
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(assemble([slices(), single()])), { memory: { memory } });
  const call = (name: string, from: number, end: number, state: number): number => {
    const found = exports[name];
    if (typeof found !== "function") throw new Error(`the kernels lack ${name}`);
    return Number(found(from, end, state));
  };
  new Uint32Array(memory.buffer).set(crcTables(polynomial, SLICES));
  const data = new Uint8Array(memory.buffer, DATA, DATA_BYTES);
  return (bytes, start) => {
    let state = start;
    for (let at = 0; at < bytes.length; at += DATA_BYTES) {
      const part = bytes.subarray(at, at + DATA_BYTES);
      data.set(part);
      const even = part.length - (part.length % SLICES);
      state = call("slices", DATA, DATA + even, state);
      state = call("single", DATA + even, DATA + part.length, state);
    }
    return state;
  };
}

/** (param $from i32) (param $end i32) (param $state i32) (local $at i32) (local $word i32) (local $next i32) (result i32) */
const [FROM, END, STATE, AT, WORD, NEXT] = [0, 1, 2, 3, 4, 5] as const;

/** Sixteen bytes a step; `end - from` is a multiple of 16. */
function slices(): Func {
  const lookups = (word: number, first: number): Code => {
    // Byte 0 is furthest from the end: it has the last of the four tables. The index is scaled to 4 bytes on the way.
    const index = [
      shiftLeft(and(get(word), constant(0xff)), 2),
      and(shiftRight(get(word), 6), constant(0x3fc)),
      and(shiftRight(get(word), 14), constant(0x3fc)),
      and(shiftRight(get(word), 22), constant(0x3fc)),
    ];
    return index.map((code, k) => load32(code, (first - k) * TABLE_BYTES)).reduce(xor);
  };
  const later = [1, 2, 3].map((k) => [
    ...[...load32(get(AT), 4 * k), ...set(WORD)],
    ...[...(k === 1 ? lookups(WORD, 11) : xor(get(NEXT), lookups(WORD, 15 - 4 * k))), ...set(NEXT)],
  ]);
  // What depends on the step before comes last.
  const first = [...xor(get(STATE), load32(get(AT), 0)), ...set(WORD), ...xor(get(NEXT), lookups(WORD, 15)), ...set(STATE)];
  const body = loop(AT, get(FROM), get(END), SLICES, [...later.flat(), ...first]);
  return { name: "slices", parameters: 3, result: true, counters: 3, vectors: 0, body: [...body, ...get(STATE)] };
}

/** Byte by byte. */
function single(): Func {
  const index = shiftLeft(and(xor(get(STATE), [...get(AT), 0x2d, 0, 0]), constant(0xff)), 2);
  const step = [...xor(load32(index, 0), shiftRight(get(STATE), 8)), ...set(STATE)];
  const body = loop(AT, get(FROM), get(END), 1, step);
  return { name: "single", parameters: 3, result: true, counters: 3, vectors: 0, body: [...body, ...get(STATE)] };
}
