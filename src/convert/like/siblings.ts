import { basename, dirname, join } from "node:path";
import { fileSource } from "../../io/source/file.ts";
import type { ByteSource } from "../../io/source/source.ts";
import type { FileLayout } from "../../writers/layout.ts";
import { type Like, stemOf } from "./like.ts";

/** Files that are read with the other checkpoint's own under the same stem (Darknet's .cfg, Caffe's .prototxt), as output files. */
export interface Siblings {
  readonly layouts: readonly FileLayout[];
  close(): Promise<void>;
}

/** `name`: of the output. Without a path the other checkpoint is no file on disk, and has none. */
export async function siblingsOf({ checkpoint, path }: Like, name: string): Promise<Siblings> {
  const layouts: FileLayout[] = [];
  const opened: ByteSource[] = [];
  const own = basename(path ?? "");
  for (const file of path === undefined ? [] : checkpoint.files) {
    if (basename(file) === own || stemOf(file) !== stemOf(own)) continue;
    const source = await fileSource(join(dirname(path ?? ""), basename(file)));
    opened.push(source);
    const ending = basename(file).slice(stemOf(file).length);
    layouts.push({ name: `${stemOf(name)}${ending}`, pieces: [{ kind: "source", source, offset: 0, byteLength: source.size }] });
  }
  return {
    layouts,
    close: async () => {
      for (const source of opened) await source.close();
    },
  };
}
