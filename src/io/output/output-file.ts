import {
  closeSync,
  fchmodSync,
  fchownSync,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  type Stats,
  write,
  writeSync,
} from "node:fs";
import { CheckpointError } from "../../errors.ts";
import { checkRange, target } from "../source/range.ts";
import { LONG_WRITE, type OutputFile } from "../source/source.ts";
import { fromSystem, systemCode } from "../system-error.ts";

/**
 * So many bytes are sent to the disk at a time, while others are computed: all of a file at its end takes longer. 553 MB, read back: 1.8 to
 * 2.0 s in portions of 32 to 128 MB, 2.5 to 3.2 s without; 2.8 to 3.3 s past the page cache (O_DIRECT).
 */
const PORTION = 64 << 20;

/** A file being written under a temporary path; `name` is what a person may see. */
export interface OpenOutput extends OutputFile {
  readonly path: string;
  /**
   * Gives the file its length, and the permissions, and where that is permitted the owner, of the file that it is to replace. With `sync` all
   * of it is on the disk when this returns. Throws what went wrong on the way there, now or earlier.
   */
  finish(as: { readonly sync: boolean; readonly old?: Stats | undefined }): void;
}

/**
 * A new output, which nobody waits for; one that is to be on the disk at the end; or one that nobody needs afterwards and whose next byte waits
 * for the one before: it is written at once.
 */
export type Use = "new" | "synced" | "temporary";

/**
 * Creates `path`, which must not exist. Short writes are done when `write` returns; long ones are made by the thread pool while the caller
 * does other things: several may be under way, none over the same bytes. Throws `io` and `usage` as the operating system says.
 */
export function createOutput(path: string, name: string, use: Use): OpenOutput {
  try {
    return outputOn(openSync(path, "wx+", 0o666), path, name, use);
  } catch (error) {
    throw fromSystem(error, name);
  }
}

/** The same over a new file that is open already. */
export function outputOn(fd: number, path: string, name: string, use: Use): OpenOutput {
  let size = 0;
  let open = true;
  const underWay = new Set<Promise<void>>();
  const portions = use === "synced" ? new Portions(fd) : undefined;

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
  const writeLong = async (offset: number, bytes: Uint8Array): Promise<void> => {
    const writing = writeLater(fd, offset, bytes);
    // Closing waits for it, however it ends.
    const ended = writing.catch(() => undefined);
    underWay.add(ended);
    try {
      await writing;
    } catch (error) {
      throw fromSystem(error, name, offset);
    } finally {
      underWay.delete(ended);
    }
  };

  return {
    name,
    path,
    get descriptor() {
      return open ? fd : undefined;
    },
    get size() {
      return size;
    },
    access: "random",
    async read(offset, length, into) {
      checkRange(name, size, offset, length, into);
      const out = target(length, into);
      for (let done = 0; done < length; ) {
        const count = system(() => readSync(fd, out, done, length - done, offset + done), offset + done);
        if (count === 0) throw new CheckpointError("changed", "the file being written was cut short by another program", { file: name });
        done += count;
      }
      return out;
    },
    async write(offset, bytes) {
      if (use === "temporary" || bytes.length < LONG_WRITE) writeNow(offset, bytes);
      else await writeLong(offset, bytes);
      if (offset + bytes.length > size) size = offset + bytes.length;
      portions?.written(bytes.length);
    },
    finish({ sync, old }) {
      system(() => {
        // A hole at the end (an empty last piece) still counts as bytes of the file.
        if (fstatSync(fd).size < size) ftruncateSync(fd, size);
        if (old !== undefined) takeOver(fd, old);
        if (sync) fsyncSync(fd);
        portions?.check();
      });
    },
    async close() {
      if (!open) return;
      open = false;
      await Promise.all([...underWay, portions?.ended]);
      // Network drives say only here that there is no room.
      system(() => closeSync(fd));
    },
  };
}

/** Permissions and owner of an older file. The bits that run a program as its owner go with an owner that could be kept. */
function takeOver(fd: number, { mode, uid, gid }: Stats): void {
  const owned = owns(fd, uid, gid) || owns(fd, -1, gid);
  fchmodSync(fd, mode & (owned ? 0o7777 : 0o777));
}

/** -1 leaves the owner as it is. Only the superuser gives files away. */
function owns(fd: number, uid: number, gid: number): boolean {
  try {
    fchownSync(fd, uid, gid);
    return uid >= 0;
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return false;
  }
}

/** Sends a file to the disk portion by portion, in the thread pool. */
class Portions {
  readonly #fd: number;
  #waiting = 0;
  #busy = false;
  #failure: Error | undefined;
  /** When nothing is under way any more. */
  ended: Promise<void> = Promise.resolve();

  constructor(fd: number) {
    this.#fd = fd;
  }

  written(bytes: number): void {
    this.#waiting += bytes;
    if (this.#waiting < PORTION || this.#busy) return;
    this.#waiting = 0;
    this.#busy = true;
    this.ended = new Promise((resolve) => {
      fdatasync(this.#fd, (error) => {
        this.#busy = false;
        this.#failure ??= error ?? undefined;
        resolve();
      });
    });
  }

  /** Throws what went wrong so far: the system tells each failure once, and only to whoever asks first. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}

async function writeLater(fd: number, offset: number, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += await new Promise<number>((resolve, reject) => {
      write(fd, bytes, done, bytes.length - done, offset + done, (error, count) => (error === null ? resolve(count) : reject(error)));
    });
  }
}
