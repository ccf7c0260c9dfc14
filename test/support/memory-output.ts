import type { OutputFile, OutputSet } from "../../src/io/source/source.ts";

export interface MemoryOutput extends OutputSet {
  /** What was written, by name; also before the commit. */
  readonly files: ReadonlyMap<string, () => Uint8Array>;
  readonly state: { committed?: string; aborted: boolean };
}

/** An output set that keeps its files in memory. */
export function memoryOutput(): MemoryOutput {
  const files = new Map<string, () => Uint8Array>();
  const state: { committed?: string; aborted: boolean } = { aborted: false };
  return {
    files,
    state,
    async create(name) {
      const file = memoryFile(name);
      files.set(name, file.bytes);
      return file;
    },
    async commit(entry) {
      state.committed = entry;
    },
    async abort() {
      state.aborted = true;
    },
  };
}

export function memoryFile(name: string): OutputFile & { bytes(): Uint8Array } {
  let buffer = new Uint8Array(0);
  let size = 0;
  return {
    name,
    access: "random",
    get size() {
      return size;
    },
    async read(offset, length, into) {
      if (offset + length > size) throw new Error(`${name}: read of ${length} at ${offset} beyond ${size}`);
      const out = into?.subarray(0, length) ?? new Uint8Array(length);
      out.set(buffer.subarray(offset, offset + length));
      return out;
    },
    async write(offset, bytes) {
      if (offset + bytes.length > buffer.length) {
        const grown = new Uint8Array(2 * (offset + bytes.length));
        grown.set(buffer.subarray(0, size));
        buffer = grown;
      }
      buffer.set(bytes, offset);
      size = Math.max(size, offset + bytes.length);
    },
    async close() {},
    bytes: () => buffer.slice(0, size),
  };
}
