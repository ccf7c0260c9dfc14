import type { Context } from "../../io/context.ts";
import { locateNamed } from "../../io/input.ts";
import { basename, dirname, join } from "../../io/path.ts";
import { isAddress } from "../../io/remote/address.ts";
import type { ByteSource } from "../../io/source/source.ts";
import type { FileLayout } from "../../writers/layout.ts";
import { keepsOwn } from "../plan/own-moves.ts";
import type { Layouts, OutputFiles } from "../target/conversion-target.ts";
import { type Like, sharedStem } from "./like.ts";
import { type Template, templatePieces } from "./template.ts";

/** The other checkpoint's own file with the values of a plan, and the files that are read with it. */
export function templateFiles(template: Template, like: Like): OutputFiles {
  return {
    describes: false,
    async layouts({ name }, { moves }, ctx) {
      const filled = moves.filter((move) => !keepsOwn(move));
      const own: FileLayout = { name, pieces: templatePieces(template, like.checkpoint, filled) };
      const { layouts, close } = await siblingsOf(like, name, ctx);
      return { layouts: [...layouts, own], close };
    },
  };
}

/**
 * Files that are read with the other checkpoint's own under the same stem (Darknet's .cfg, Caffe's .prototxt), as output files. Without a
 * path it is no file on disk, and has none. `name`: of the output.
 */
async function siblingsOf({ checkpoint, path }: Like, name: string, ctx: Context): Promise<Layouts> {
  const layouts: FileLayout[] = [];
  const opened: ByteSource[] = [];
  const own = basename(path ?? "");
  for (const file of path === undefined ? [] : checkpoint.files) {
    if (basename(file) === own || sharedStem(file) !== sharedStem(own)) continue;
    const source = await besideIt(path ?? "", basename(file), ctx);
    opened.push(source);
    const ending = basename(file).slice(sharedStem(file).length);
    layouts.push({ name: `${sharedStem(name)}${ending}`, pieces: [{ kind: "source", source, offset: 0, byteLength: source.size }] });
  }
  return {
    layouts,
    close: async () => {
      for (const source of opened) await source.close();
    },
  };
}

/** A file of the folder, or of the server's folder, that another is in. */
async function besideIt(path: string, name: string, ctx: Context): Promise<ByteSource> {
  const written = /^https?:/i.test(path) ? encodeURIComponent(name) : name;
  const place = isAddress(path) ? path.replace(/[^/?#]*(?=[?#]|$)/, written) : join(dirname(path), name);
  return (await locateNamed(place, ctx)).source;
}
