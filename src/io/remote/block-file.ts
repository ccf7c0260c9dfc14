import type { OutputFile } from "../source/source.ts";

/** Bytes that one request brings: four under way at once bring 160 MB a second from a server that takes 50 ms for each answer. */
const BLOCK = 2 << 20;
/** Blocks behind the one that is asked for that are fetched meanwhile. */
const AHEAD = 3;

/** Fills `into` with the bytes from `offset` on. */
type Fetch = (offset: number, length: number, into: Uint8Array) => Promise<Uint8Array>;

/**
 * A file on a server whose values are read in short pieces all over it (a kernel that is transposed is read so): each block is fetched once, whole,
 * into a temporary file, and read from there. Memory holds no more than the blocks that are coming.
 */
export class BlockFile {
  readonly #size: number;
  readonly #fetch: Fetch;
  readonly #make: () => Promise<OutputFile>;
  #made: Promise<OutputFile> | undefined;
  /** In the file. */
  readonly #there = new Set<number>();
  readonly #coming = new Map<number, Promise<void>>();
  /** Memory of blocks that have come. */
  readonly #free: Uint8Array[] = [];

  constructor(size: number, fetch: Fetch, make: () => Promise<OutputFile>) {
    this.#size = size;
    this.#fetch = fetch;
    this.#make = make;
  }

  /** Made when the first block has come: what the disk refuses is an error of whoever waits for that block. */
  #file(): Promise<OutputFile> {
    this.#made ??= this.#make();
    return this.#made;
  }

  /** Fills `out` with the bytes from `offset` on. */
  async read(offset: number, out: Uint8Array): Promise<void> {
    const first = Math.floor(offset / BLOCK);
    const last = Math.floor((offset + out.length - 1) / BLOCK);
    for (let block = first; block <= last; block++) {
      const needed = this.#ready(block);
      for (let ahead = block + 1; ahead <= block + AHEAD && this.#coming.size <= AHEAD; ahead++) this.#startAhead(ahead);
      await needed;
    }
    await (await this.#file()).read(offset, out.length, out);
  }

  #ready(block: number): Promise<void> | undefined {
    return this.#there.has(block) ? undefined : (this.#coming.get(block) ?? this.#start(block));
  }

  /** What fails ahead of its time is asked for again when it is needed, and fails then. */
  #startAhead(block: number): void {
    if (block * BLOCK >= this.#size || this.#there.has(block) || this.#coming.has(block)) return;
    this.#start(block).catch(() => undefined);
  }

  #start(block: number): Promise<void> {
    const offset = block * BLOCK;
    const length = Math.min(BLOCK, this.#size - offset);
    const memory = this.#free.pop() ?? new Uint8Array(BLOCK);
    const coming = this.#fetch(offset, length, memory.subarray(0, length))
      .then(async (bytes) => (await this.#file()).write(offset, bytes))
      .then(() => {
        this.#there.add(block);
      })
      .finally(() => {
        this.#coming.delete(block);
        this.#free.push(memory);
      });
    this.#coming.set(block, coming);
    return coming;
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#coming.values());
    await (await this.#made)?.close();
  }
}
