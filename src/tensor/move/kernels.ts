import "../../io/webassembly.ts";
import { memoryOf } from "../../io/arena.ts";
import { transposeModule } from "../wasm/transpose.ts";

/** Source and target by address; rows and columns; bytes from one row of the source, one column of the target to the next. */
type Transpose = (from: number, to: number, rows: number, columns: number, fromPitch: number, toPitch: number) => void;

/** The same place: not 0 where the rectangle and its transposition differ. */
type Difference = (...place: Parameters<Transpose>) => number;

interface Kernels {
  readonly single8: Transpose;
  readonly single16: Transpose;
  readonly single32: Transpose;
  readonly single64: Transpose;
  readonly square32: Transpose;
  readonly difference32: Difference;
  readonly difference4x32: Difference;
}

/** For memories that are shared, and for others. */
const modules = new Map<boolean, WebAssembly.Module>();
const instances = new WeakMap<WebAssembly.Memory, Kernels>();

/** A transposition of elements of this width between two places of one arena; undefined where the buffer is in none. */
export function transposeKernel(buffer: ArrayBufferLike, width: number): Transpose | undefined {
  const memory = memoryOf(buffer);
  if (memory === undefined) return undefined;
  const kernels = instances.get(memory) ?? instantiate(memory);
  if (width === 1) return kernels.single8;
  if (width === 2) return kernels.single16;
  if (width === 8) return kernels.single64;
  return width === 4 ? (...place) => transpose32(kernels, ...place) : undefined;
}

/** The comparison of four-byte elements with their transposition, between two places of one arena. */
export function differenceKernel(buffer: ArrayBufferLike): Difference | undefined {
  const memory = memoryOf(buffer);
  if (memory === undefined) return undefined;
  const { difference32, difference4x32 } = instances.get(memory) ?? instantiate(memory);
  return (from, to, rows, columns, fromPitch, toPitch) => {
    const even = rows - (rows % 4);
    const differing = difference4x32(from, to, even, columns, fromPitch, toPitch);
    return differing | difference32(from + even * fromPitch, to + even * 4, rows - even, columns, fromPitch, toPitch);
  };
}

function instantiate(memory: WebAssembly.Memory): Kernels {
  const shared = typeof SharedArrayBuffer === "function" && memory.buffer instanceof SharedArrayBuffer;
  const module = modules.get(shared) ?? new WebAssembly.Module(transposeModule(shared));
  modules.set(shared, module);
  const { exports } = new WebAssembly.Instance(module, { memory: { memory } });
  const named = (name: string): Difference => {
    const found = exports[name];
    if (typeof found !== "function") throw new Error(`the kernels lack ${name}`);
    return (...place) => Number(found(...place));
  };
  const kernels: Kernels = {
    single8: named("single8"),
    single16: named("single16"),
    single32: named("single32"),
    single64: named("single64"),
    square32: named("square32"),
    difference32: named("difference32"),
    difference4x32: named("difference4x32"),
  };
  instances.set(memory, kernels);
  return kernels;
}

/** Squares of four, then the columns and the rows that are left over. */
function transpose32(kernels: Kernels, ...[from, to, rows, columns, fromPitch, toPitch]: Parameters<Transpose>): void {
  const [evenRows, evenColumns] = [rows - (rows % 4), columns - (columns % 4)];
  kernels.square32(from, to, evenRows, evenColumns, fromPitch, toPitch);
  if (evenColumns < columns) {
    kernels.single32(from + evenColumns * 4, to + evenColumns * toPitch, rows, columns - evenColumns, fromPitch, toPitch);
  }
  if (evenRows < rows) kernels.single32(from + evenRows * fromPitch, to + evenRows * 4, rows - evenRows, evenColumns, fromPitch, toPitch);
}
