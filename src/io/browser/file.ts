import { CheckpointError } from "../../errors.ts";
import type { OpenedFiles } from "../opened.ts";
import type { ByteSource } from "../source/source.ts";
import { fileAt } from "./disk.ts";

/** A file of the page's disk. Throws `not-found`. */
export async function fileSource(path: string, opened?: OpenedFiles): Promise<ByteSource> {
  const file = fileAt(path);
  if (file === undefined) throw new CheckpointError("not-found", "no such file among those that the page was given", { file: path });
  opened?.note(path, { etag: undefined, bytes: file.size });
  const source = await file.open(path);
  return {
    name: path,
    size: source.size,
    access: source.access,
    whole: true,
    read: (offset, length, into) => source.read(offset, length, into),
    readRuns: source.readRuns,
    close: () => source.close(),
  };
}
