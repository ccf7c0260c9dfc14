import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, write, writeSync } from "node:fs";
import { CheckpointError } from "../errors.ts";
import { BLOCK, type DirectFile, directPart, openDirect } from "./direct.ts";
import { checkRange, target } from "./range.ts";
import type { OutputFile } from "./source.ts";
import { fromSystem } from "./system-error.ts";

/** A file being written under a temporary path, or without one; `name` is what a person may see. */
export interface OpenOutput extends OutputFile {
  readonly path: string;
  sync(): void;
}

/**
 * Creates `path`, which must not exist. Short writes are done when `write` returns; long ones out of an arena, at an offset that fits their
 * address, go to the disk past the page cache while the caller does other things: several may be under way, none over the same bytes.
 * Throws `io` and `usage` as the operating system says.
 */
export function createOutput(path: string, name: string): OpenOutput {
  try {
    return outputOn(openSync(path, "wx+", 0o666), path, name);
  } catch (error) {
    throw fromSystem(error, name);
  }
}

/** The same over a new file that is open already. */
export function outputOn(fd: number, path: string, name: string): OpenOutput {
  let size = 0;
  let open = true;
  /** null: there is no such way, or it was refused. */
  let direct: DirectFile | null | undefined;
  const underWay = new Set<Promise<unknown>>();

  const system = <T>(work: () => T, offset?: number): T => {
    try {
      return work();
    } catch (error) {
      throw fromSystem(error, name, offset);
    }
  };
  const writeNow = (offset: number, bytes: Uint8Array): void => {
    for (let done = 0; done < bytes.length; ) {
      done += system(() => writeSync(fd, bytes, done, bytes.length - done, offset + done), offset + done);
    }
  };
  const readNow = (offset: number, out: Uint8Array): void => {
    for (let done = 0; done < out.length; ) {
      const count = system(() => readSync(fd, out, done, out.length - done, offset + done), offset + done);
      if (count === 0) throw cut();
      done += count;
    }
  };
  const cut = (): CheckpointError =>
    new CheckpointError("changed", "the file being written was cut short by another program", { file: name });

  /** Whole blocks past the page cache, as far as that goes; how many bytes were done. */
  const throughDirect = async (
    bytes: Uint8Array,
    step: (file: DirectFile, done: number) => Promise<number | undefined>,
  ): Promise<number> => {
    let done = 0;
    while (done < bytes.length && done % BLOCK === 0 && direct) {
      const count = await step(direct, done);
      if (count === undefined) break;
      if (count === 0) throw cut();
      done += count;
    }
    return done;
  };
  const writeDirect = async (offset: number, bytes: Uint8Array): Promise<void> => {
    const done = await throughDirect(bytes, (file, at) => file.write(offset + at, bytes.subarray(at)));
    writeNow(offset + done, bytes.subarray(done));
  };
  const readDirect = async (offset: number, out: Uint8Array): Promise<void> => {
    const done = await throughDirect(out, (file, at) => file.read(offset + at, out.subarray(at)));
    readNow(offset + done, out.subarray(done));
  };
  /** Waits for all of them, whatever happens to one, and keeps the file open as long. */
  const together = async (work: readonly Promise<void>[], offset: number): Promise<void> => {
    const all = Promise.allSettled(work);
    underWay.add(all);
    const failed = (await all).find((result) => result.status === "rejected");
    underWay.delete(all);
    if (failed !== undefined) throw fromSystem(failed.reason, name, offset);
  };

  return {
    name,
    path,
    get size() {
      return size;
    },
    access: "random",
    async read(offset, length, into) {
      checkRange(name, size, offset, length, into);
      const out = target(length, into);
      const part = direct ? directPart(offset, out) : undefined;
      if (part === undefined) {
        readNow(offset, out);
      } else {
        const [from, to] = part;
        readNow(offset, out.subarray(0, from));
        readNow(offset + to, out.subarray(to));
        await together([readDirect(offset + from, out.subarray(from, to))], offset);
      }
      return out;
    },
    async write(offset, bytes) {
      const part = directPart(offset, bytes);
      if (part !== undefined && direct === undefined) direct = openDirect(fd) ?? null;
      if (part === undefined || !direct) {
        writeNow(offset, bytes);
      } else {
        const [from, to] = part;
        // The ends, too, in the thread pool: the file is locked while blocks are written.
        const ends = [writeLater(fd, offset, bytes.subarray(0, from)), writeLater(fd, offset + to, bytes.subarray(to))];
        await together([...ends, writeDirect(offset + from, bytes.subarray(from, to))], offset);
      }
      if (offset + bytes.length > size) size = offset + bytes.length;
    },
    sync() {
      system(() => {
        // A hole at the end (an empty last piece) still counts as bytes of the file.
        if (fstatSync(fd).size < size) ftruncateSync(fd, size);
        fsyncSync(fd);
      });
    },
    async close() {
      if (!open) return;
      open = false;
      await Promise.all(underWay);
      if (direct) direct.close();
      closeSync(fd);
    },
  };
}

async function writeLater(fd: number, offset: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += await new Promise<number>((resolve, reject) => {
      write(fd, bytes, done, bytes.length - done, offset + done, (error, count) => (error === null ? resolve(count) : reject(error)));
    });
  }
}
