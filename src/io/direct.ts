import { closeSync, constants, openSync, read, write } from "node:fs";
import { memoryOf } from "./arena.ts";
import { systemCode } from "./system-error.ts";

/**
 * Unit that offsets, lengths and addresses of direct reads and writes are multiples of: the largest logical block of usual disks, and the
 * page that an arena begins at.
 */
export const BLOCK = 4096;

/** Below this many bytes a request costs more than the copy into the page cache that it saves. */
export const DIRECT_BYTES = 256 << 10;

/** The part of a buffer, from one index to another, that can go to the disk without the page cache; undefined where none is worth it. */
export function directPart(offset: number, bytes: Uint8Array): readonly [from: number, to: number] | undefined {
  if (bytes.length < DIRECT_BYTES || memoryOf(bytes.buffer) === undefined || (bytes.byteOffset - offset) % BLOCK !== 0) return undefined;
  const from = (BLOCK - (offset % BLOCK)) % BLOCK;
  const to = bytes.length - ((offset + bytes.length) % BLOCK);
  return to - from < DIRECT_BYTES ? undefined : [from, to];
}

/** A second way to an open file, past the page cache (O_DIRECT): what has to be on disk at the end need not be copied first. */
export class DirectFile {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Bytes written from `offset` on, all of them or fewer; undefined where the file system will not do it this way. Throws as the system does. */
  write(offset: number, bytes: Uint8Array): Promise<number | undefined> {
    return unlessRefused((done) => write(this.#fd, bytes, 0, bytes.length, offset, done));
  }

  /** Bytes read, as `write`. */
  read(offset: number, into: Uint8Array): Promise<number | undefined> {
    return unlessRefused((done) => read(this.#fd, into, 0, into.length, offset, done));
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Opens a file once more, even one without a name; undefined where the system or the file system has no such way (tmpfs before Linux 6.6). */
export function openDirect(fd: number): DirectFile | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    return new DirectFile(openSync(`/proc/self/fd/${fd}`, constants.O_RDWR | constants.O_DIRECT));
  } catch (error) {
    // Whatever is in the way (EINVAL, no /proc, no file descriptor left), the plain way is there.
    if (systemCode(error) !== undefined) return undefined;
    throw error;
  }
}

type Done = (error: NodeJS.ErrnoException | null, count: number) => void;

function unlessRefused(start: (done: Done) => void): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    start((error, count) => {
      if (error === null) resolve(count);
      else if (error.code === "EINVAL" || error.code === "EOPNOTSUPP") resolve(undefined);
      else reject(error);
    });
  });
}
