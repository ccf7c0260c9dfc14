import { CheckpointError } from "../errors.ts";
import type { Context } from "./context.ts";
import { BLOCK } from "./direct.ts";
import type { OutputFile, OutputSet } from "./source.ts";

/** Bytes read back at a time: they stay in the second-level cache between reading and comparing. */
const CHUNK = 1 << 20;
/** Reads under way at once: a disk gives more to several. */
const AT_ONCE = 4;

/**
 * The same set, whose files have moves prove what they write, and compare every write with what can be read of it afterwards: past the page cache where it was written so. Its
 * writes throw `mismatch` where the two differ.
 */
export function readBack(set: OutputSet, ctx: Context): OutputSet {
  const buffers = new Buffers(ctx);
  return {
    create: async (name) => new ReadBackFile(await set.create(name), buffers),
    commit: (entry) => set.commit(entry),
    abort: () => set.abort(),
  };
}

/** Room for some chunks, lent in turn. */
class Buffers {
  readonly #ctx: Context;
  readonly #free = Array.from({ length: AT_ONCE }, (_, k) => k);
  readonly #waiting: ((slot: number) => void)[] = [];

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  async lend<T>(use: (buffer: Uint8Array) => Promise<T>): Promise<T> {
    const slot = this.#free.pop() ?? (await new Promise<number>((resolve) => this.#waiting.push(resolve)));
    const size = CHUNK + BLOCK;
    try {
      return await use(this.#ctx.scratch(2, AT_ONCE * size).subarray(slot * size, (slot + 1) * size));
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(slot);
      else next(slot);
    }
  }
}

class ReadBackFile implements OutputFile {
  readonly access = "random";
  readonly proves = true;
  readonly within: { readonly source: OutputFile; readonly offset: 0 };
  readonly #file: OutputFile;
  readonly #buffers: Buffers;

  constructor(file: OutputFile, buffers: Buffers) {
    this.#file = file;
    this.#buffers = buffers;
    this.within = { source: file, offset: 0 };
  }

  get name(): string {
    return this.#file.name;
  }

  get size(): number {
    return this.#file.size;
  }

  async write(offset: number, bytes: Uint8Array): Promise<void> {
    await this.#file.write(offset, bytes);
    const chunks: Promise<void>[] = [];
    for (let at = 0; at < bytes.length; at += CHUNK) {
      const chunk = bytes.subarray(at, at + CHUNK);
      chunks.push(this.#buffers.lend((buffer) => this.#compare(offset + at, chunk, buffer)));
    }
    const failed = (await Promise.allSettled(chunks)).find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  async #compare(offset: number, written: Uint8Array, buffer: Uint8Array): Promise<void> {
    const shift = offset % BLOCK;
    const found = await this.#file.read(offset, written.length, buffer.subarray(shift, shift + written.length));
    if (Buffer.compare(found, written) === 0) return;
    const byte = found.findIndex((value, k) => value !== written[k]);
    throw new CheckpointError("mismatch", "what was written cannot be read back", {
      file: this.name,
      offset: offset + byte,
      hint: "nothing was kept; the disk or its memory is not to be trusted",
    });
  }

  read(offset: number, length: number, into?: Uint8Array): Promise<Uint8Array> {
    return this.#file.read(offset, length, into);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
