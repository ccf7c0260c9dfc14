import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { createTemporary, removeTemporary } from "./output/temporary-name.ts";
import type { OutputFile } from "./source/source.ts";

/* What is asked of the system that the library runs in: here Node, in `browser/system.ts` a browser. */

/** An empty file beside an output, or in the system's own folder where none is given; closing it removes it. */
export function temporaryFile(folder = tmpdir()): OutputFile {
  const file = createTemporary(folder, "spool", { shown: folder, use: "temporary" });
  // Without a name at once: a killed run leaves nothing behind. Windows keeps the name until the file is closed.
  const named = process.platform === "win32";
  if (!named) removeTemporary(file.path);
  return {
    name: file.name,
    get size() {
      return file.size;
    },
    access: "random",
    read: (offset, length, into) => file.read(offset, length, into),
    write: (offset, bytes) => file.write(offset, bytes),
    async close() {
      await file.close();
      if (named) removeTemporary(file.path);
    },
  };
}

/** A turn of the event loop for everybody else. */
export function turn(): Promise<void> {
  return new Promise<void>((resolve) => setImmediate(resolve));
}

export async function* standardInput(): AsyncGenerator<Uint8Array> {
  for await (const chunk of process.stdin) yield typeof chunk === "string" ? new TextEncoder().encode(chunk) : new Uint8Array(chunk);
}

/** The path of a `file:` address. Throws a TypeError for one of another machine. */
export function pathOfUrl(url: string | URL): string {
  return fileURLToPath(url);
}

/** Fewer objects than this do not fill the heap that every process has. */
const many = 10_000;

/**
 * Has V8 collect garbage early, for a process that is about to make as many objects of a kind: left to itself it lets several times what
 * lives are before it collects, since that is faster. For the rest of the process, so that only whoever owns it may ask; of no effect where
 * a later V8 does not know the words any more.
 */
export async function collectEarly(objects: number): Promise<void> {
  if (objects < many) return;
  // Loaded only here: it takes as long as a tenth of a plain inspection.
  const { setFlagsFromString } = await import("node:v8");
  // The space for new objects stays as small as it is (1 MB), what is old is looked through when it has grown by 15 %.
  setFlagsFromString("--semi-space-growth-factor=1");
  setFlagsFromString("--heap-growing-percent=15");
}
