import { CheckpointError } from "../../../errors.ts";
import { inflated } from "../../../io/source/decoded.ts";
import type { ByteSource } from "../../../io/source/source.ts";
import { window } from "../../../io/source/window.ts";
import type { Chunk } from "./chunk-index.ts";
import { undoFilters } from "./filters.ts";
import type { ChunkLibrary } from "./library.ts";
import type { Hdf5Filter } from "./storage.ts";

/** Decoded chunks kept: one row of the chunks that a tile of 16 MiB touches. */
const cacheBytes = 24 * 1024 * 1024;
/** A chunk is decoded whole in memory; h5py and MATLAB make them of some 100 KiB. A larger one of deflate alone streams. */
const maxDecoded = 64 * 1024 * 1024;

/** Decoded chunks of one file by address, the least recently used dropped first. */
export class ChunkCache {
  readonly #chunks = new Map<number, Uint8Array>();
  #bytes = 0;

  get(address: number): Uint8Array | undefined {
    const bytes = this.#chunks.get(address);
    if (bytes !== undefined) {
      this.#chunks.delete(address);
      this.#chunks.set(address, bytes);
    }
    return bytes;
  }

  put(address: number, bytes: Uint8Array): void {
    this.#chunks.set(address, bytes);
    this.#bytes += bytes.length;
    for (const [oldest, old] of this.#chunks) {
      if (this.#bytes <= cacheBytes || oldest === address) return;
      this.#chunks.delete(oldest);
      this.#bytes -= old.length;
    }
  }
}

/** How the chunks of a dataset are kept. */
export interface ChunkCoding {
  readonly filters: readonly Hdf5Filter[];
  /** Bytes of a decoded chunk. */
  readonly size: number;
  /** Only where the filters need it. */
  readonly library?: () => Promise<ChunkLibrary>;
}

/** One chunk's elements as a source of `size` bytes. `offset` is where the stored chunk starts in `source`. */
export function chunkSource(source: ByteSource, offset: number, chunk: Chunk, coding: ChunkCoding, cache: ChunkCache): ByteSource {
  const { filters, size, library } = coding;
  const stored = window(source, offset, chunk.size);
  const applied = filters.filter((_, index) => Math.floor(chunk.mask / 2 ** index) % 2 === 0);
  if (applied.length === 0) {
    if (chunk.size >= size) return window(stored, 0, size);
    throw new CheckpointError("truncated", `chunk of ${chunk.size} bytes, ${size} needed`, { file: source.name, offset });
  }
  if (size > maxDecoded) {
    const [only] = applied;
    if (applied.length === 1 && only?.id === 1) return inflated(stored, size, "zlib");
    throw new CheckpointError("unsupported", `chunk of ${size} bytes, at most ${maxDecoded} are decoded at once`, {
      file: source.name,
      offset,
    });
  }
  return {
    name: source.name,
    size,
    access: "random",
    stored: [{ source, offset, length: chunk.size }],
    async read(at, length, into) {
      let bytes = cache.get(offset);
      if (bytes === undefined) {
        const data = await stored.read(0, chunk.size);
        bytes =
          library === undefined
            ? undoFilters(data, filters, chunk.mask, size, source.name)
            : (await library()).decode(data, chunk.mask, size);
        cache.put(offset, bytes);
      }
      if (at < 0 || length < 0 || at + length > size) {
        throw new CheckpointError("truncated", `${length} bytes at ${at} of a chunk of ${size}`, { file: source.name, offset });
      }
      const part = bytes.subarray(at, at + length);
      if (into === undefined) return part.slice();
      into.set(part);
      return into.subarray(0, length);
    },
    async close() {},
  };
}
