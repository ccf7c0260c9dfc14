import { CheckpointError } from "../../errors.ts";
import { compareBytes } from "../bytes.ts";
import type { Context } from "../context.ts";
import { crewOf } from "../crew/crew.ts";
import { WORTH_ASKING } from "../crew/job.ts";
import type { OutputFile, OutputSet } from "../source/source.ts";

/** Bytes read back at a time: they stay in the second-level cache between reading and comparing. */
const CHUNK = 1 << 20;

/**
 * The same set, whose files have moves prove what they write, and compare every write with what can be read of it afterwards. Its writes
 * throw `mismatch` where the two differ.
 */
export function readBack(set: OutputSet, ctx: Context): OutputSet {
  const comparing = new Comparing(ctx);
  return {
    create: async (name) => new ReadBackFile(await set.create(name), comparing),
    commit: (entry) => set.commit(entry),
    abort: () => set.abort(),
  };
}

/** Comparisons, one after the other: they share a buffer. */
class Comparing {
  readonly #ctx: Context;
  #last: Promise<void> = Promise.resolve();

  constructor(ctx: Context) {
    this.#ctx = ctx;
  }

  compare(file: OutputFile, offset: number, written: Uint8Array): Promise<void> {
    const mine = this.#last.then(() => this.#compare(file, offset, written));
    // One that fails tells its own write, and the next one begins all the same.
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  async #compare(file: OutputFile, offset: number, written: Uint8Array): Promise<void> {
    const fd = file.descriptor;
    const crew = fd !== undefined && written.length >= WORTH_ASKING ? crewOf(written.buffer) : undefined;
    const half = Math.ceil(written.length / 2);
    const answer =
      fd === undefined
        ? undefined
        : crew?.ask({ kind: "sameFile", fd, offset: offset + half, at: written.byteOffset + half, length: written.length - half });
    try {
      await this.#compareHere(file, offset, answer === undefined ? written : written.subarray(0, half));
    } finally {
      // A helper that finds a difference, or cannot read, leaves it to this thread to say so.
      if (answer !== undefined && answer() !== 1) await this.#compareHere(file, offset, written);
    }
  }

  async #compareHere(file: OutputFile, offset: number, written: Uint8Array): Promise<void> {
    for (let at = 0; at < written.length; at += CHUNK) {
      const part = written.subarray(at, at + CHUNK);
      const found = await file.read(offset + at, part.length, this.#ctx.scratch(2, CHUNK));
      if (compareBytes(found, part) === 0) continue;
      throw new CheckpointError("mismatch", "what was written cannot be read back", {
        file: file.name,
        offset: offset + at + found.findIndex((value, k) => value !== part[k]),
        hint: "nothing was kept; the disk or its memory is not to be trusted",
      });
    }
  }
}

class ReadBackFile implements OutputFile {
  readonly access = "random";
  readonly proves = true;
  readonly within: { readonly source: OutputFile; readonly offset: 0 };
  readonly #file: OutputFile;
  readonly #comparing: Comparing;

  constructor(file: OutputFile, comparing: Comparing) {
    this.#file = file;
    this.#comparing = comparing;
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
    await this.#comparing.compare(this.#file, offset, bytes);
  }

  read(offset: number, length: number, into?: Uint8Array): Promise<Uint8Array> {
    return this.#file.read(offset, length, into);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
