import "./webassembly.ts";

/** A page of WebAssembly memory, in bytes. */
const PAGE = 65536;

const memories = new WeakMap<ArrayBufferLike, WebAssembly.Memory>();

/**
 * Two buffers side by side in one WebAssembly memory, which never grows, so that kernels can work from one to the other and
 * views stay valid. Pages that are never touched take no room. Returns undefined where the system gives no such memory.
 */
export function createArena(each: number): readonly [Uint8Array, Uint8Array] | undefined {
  const pages = Math.ceil(each / PAGE);
  try {
    const memory = new WebAssembly.Memory({ initial: 2 * pages, maximum: 2 * pages });
    memories.set(memory.buffer, memory);
    return [new Uint8Array(memory.buffer, 0, pages * PAGE), new Uint8Array(memory.buffer, pages * PAGE, pages * PAGE)];
  } catch (error) {
    // A limit on address space (ulimit -v): plain buffers do as well, without the fast kernels.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The memory that a buffer of an arena belongs to. */
export function memoryOf(buffer: ArrayBufferLike): WebAssembly.Memory | undefined {
  return memories.get(buffer);
}
