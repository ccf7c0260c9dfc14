import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OutputFile } from "../source/source.ts";
import { fromSystem } from "../system-error.ts";
import { createOutput } from "./output-file.ts";

/** A folder for files that another library opens by their paths; everything else uses `Context.temporary`, which has no names. */
export interface TemporaryFolder {
  path(name: string): string;
  create(name: string): OutputFile;
  /** Removes the folder with all files; safe to call twice. */
  remove(): void;
}

/** Throws `io` where the system's temporary folder cannot be written. */
export function temporaryFolder(): TemporaryFolder {
  let folder: string;
  try {
    folder = mkdtempSync(join(tmpdir(), "vggtool-"));
  } catch (error) {
    throw fromSystem(error, tmpdir());
  }
  return {
    path: (name) => join(folder, name),
    create: (name) => createOutput(join(folder, name), join(folder, name), "temporary"),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
