import { CheckpointError } from "../../errors.ts";
import { checkRange, target } from "../source/range.ts";
import type { OutputFile } from "../source/source.ts";
import { memoryFile, type StoredBytes } from "./memory-file.ts";

/*
 * Files that a page writes: in its origin's private file system (WHATWG File System, 3), which workers read and write at any place without
 * holding any of it in memory. Where there is none, as for a page that was opened from the disk, they are in memory.
 */

/** What is used of that API; TypeScript declares it in the library for browsers only. */
interface Directory {
  getDirectoryHandle(name: string, options?: { readonly create: boolean }): Promise<Directory>;
  getFileHandle(name: string, options?: { readonly create: boolean }): Promise<FileHandle>;
  removeEntry(name: string, options?: { readonly recursive: boolean }): Promise<void>;
  keys(): AsyncIterable<string>;
}

interface FileHandle {
  createSyncAccessHandle(): Promise<AccessHandle>;
  getFile(): Promise<Blob>;
}

interface AccessHandle {
  read(into: Uint8Array, options: { readonly at: number }): number;
  write(bytes: Uint8Array, options: { readonly at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

interface Locks {
  request(name: string, work: () => Promise<void>): Promise<void>;
  query(): Promise<{ readonly held?: readonly { readonly name?: string }[] }>;
}

declare const navigator: { readonly storage?: { getDirectory(): Promise<Directory> }; readonly locks?: Locks } | undefined;

/** Folders of this program in the storage of its origin, one for each page that is open. */
const prefix = "vggtool-";

let opened: Promise<Directory | undefined> | undefined;
let count = 0;

/** The folder of this page; undefined where the browser gives none. */
function folder(): Promise<Directory | undefined> {
  opened ??= openFolder();
  return opened;
}

async function openFolder(): Promise<Directory | undefined> {
  const { storage, locks } = typeof navigator === "undefined" ? {} : (navigator ?? {});
  if (storage === undefined || locks === undefined) return undefined;
  let root: Directory;
  try {
    root = await storage.getDirectory();
  } catch {
    return undefined; // a page from the disk, or one in private mode: what is written is kept in memory
  }
  await removeAbandoned(root, locks);
  const own = `${prefix}${crypto.randomUUID()}`;
  // Kept as long as the worker lives, so that pages opened later leave the folder alone.
  await new Promise<void>((resolve, reject) => {
    const forever = (): Promise<void> => {
      resolve();
      return new Promise<void>(() => {});
    };
    locks.request(own, forever).catch(reject);
  });
  return root.getDirectoryHandle(own, { create: true });
}

/** Folders of pages that are closed. */
async function removeAbandoned(root: Directory, locks: Locks): Promise<void> {
  const held = new Set((await locks.query()).held?.map(({ name }) => name));
  for await (const name of root.keys()) {
    if (name.startsWith(prefix) && !held.has(name)) await root.removeEntry(name, { recursive: true });
  }
}

/** A file that is being written. */
export interface StoredFile extends OutputFile {
  /** All that was written, as a file that the browser gives to whoever saves it. Nothing is written afterwards. */
  finished(): Promise<Blob>;
  /** Closes the file and removes it. */
  close(): Promise<void>;
}

/** An empty file; `name` is what a person may see of it. Its place is made when it is first written to. */
export function storedFile(name: string): StoredFile {
  let made: Promise<StoredBytes> | undefined;
  const place = (): Promise<StoredBytes> => {
    made ??= makeStored(name);
    return made;
  };
  let size = 0;
  return {
    name,
    get size() {
      return size;
    },
    access: "random",
    async read(offset, length, into) {
      checkRange(name, size, offset, length, into);
      const out = target(length, into);
      (await place()).read(offset, out);
      return out;
    },
    async write(offset, bytes) {
      (await place()).write(offset, bytes);
      size = Math.max(size, offset + bytes.length);
    },
    finished: async () => (await place()).finished(size),
    async close() {
      const stored = await made;
      made = undefined;
      await stored?.remove();
    },
  };
}

async function makeStored(name: string): Promise<StoredBytes> {
  const directory = await folder();
  if (directory === undefined) return memoryFile();
  count += 1;
  const own = `${count}`;
  const handle = await directory.getFileHandle(own, { create: true });
  const access = await handle.createSyncAccessHandle();
  let open = true;
  const close = (): void => {
    if (open) access.close();
    open = false;
  };
  return {
    read(offset, into) {
      // Behind the last byte that was written, up to where the file reaches, are zeros.
      const read = access.read(into, { at: offset });
      into.fill(0, read);
    },
    write(offset, bytes) {
      if (access.write(bytes, { at: offset }) !== bytes.length) {
        throw new CheckpointError("io", "the browser gives the page no more room", {
          file: name,
          hint: "free some space on the disk, or convert with the command: npx vggtool convert",
        });
      }
    },
    async finished(size) {
      access.truncate(size);
      access.flush();
      close();
      return handle.getFile();
    },
    async remove() {
      close();
      await directory.removeEntry(own);
    },
  };
}
