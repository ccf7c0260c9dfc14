import "./webassembly.ts";

/** A page of WebAssembly memory, in bytes. */
const PAGE = 65536;

const memories = new WeakMap<ArrayBufferLike, WebAssembly.Memory>();

/**
 * Three buffers side by side in one WebAssembly memory, which never grows, so that kernels can work from one to the other and
 * views stay valid; `shared` with other threads where that was asked for. Pages that are never touched take no room. Returns undefined where the
 * system gives no such memory.
 */
export function createArena(each: number, shared = false): readonly [Uint8Array, Uint8Array, Uint8Array] | undefined {
  const pages = Math.ceil(each / PAGE);
  try {
    const memory = new WebAssembly.Memory({ initial: 3 * pages, maximum: 3 * pages, shared });
    adoptMemory(memory);
    const buffer = (k: number): Uint8Array => new Uint8Array(memory.buffer, k * pages * PAGE, pages * PAGE);
    return [buffer(0), buffer(1), buffer(2)];
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

/** Makes a memory known by its buffer, as one that another thread made. */
export function adoptMemory(memory: WebAssembly.Memory): void {
  memories.set(memory.buffer, memory);
}
