import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { CheckpointError } from "../errors.ts";
import { checkRange, target } from "./range.ts";
import type { OutputFile } from "./source.ts";
import { fromSystem } from "./system-error.ts";

/** A file being written under a temporary path; `name` is what a person may see. */
export interface OpenOutput extends OutputFile {
  readonly path: string;
  sync(): void;
}

/** Creates `path`, which must not exist. Throws `io` and `usage` as the operating system says. */
export function createOutput(path: string, name: string): OpenOutput {
  let fd: number;
  try {
    fd = openSync(path, "wx+", 0o666);
  } catch (error) {
    throw fromSystem(error, name);
  }
  let size = 0;
  let open = true;
  const system = <T>(work: () => T, offset?: number): T => {
    try {
      return work();
    } catch (error) {
      throw fromSystem(error, name, offset);
    }
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
      for (let done = 0; done < length; ) {
        const count = system(() => readSync(fd, out, done, length - done, offset + done), offset + done);
        if (count === 0) throw new CheckpointError("changed", "the file being written was cut short by another program", { file: name });
        done += count;
      }
      return out;
    },
    async write(offset, bytes) {
      for (let done = 0; done < bytes.length; ) {
        done += system(() => writeSync(fd, bytes, done, bytes.length - done, offset + done), offset + done);
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
      closeSync(fd);
    },
  };
}
