import { CheckpointError } from "../../errors.ts";
import { findFormat } from "../../formats.ts";
import { basename } from "../../io/path.ts";
import type { Identity } from "../../model/identity.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import { type Target, targetOfEnding, targets } from "../target/targets.ts";

/** The checkpoint that the output has to be like: the user's own freshly saved model. */
export interface Like {
  readonly checkpoint: Checkpoint;
  readonly identity: Identity | undefined;
  /** As the person named it. */
  readonly path?: string;
}

/** What it is called in sentences. */
export const otherTitle = "the other checkpoint";

/** The target that writes the other checkpoint's format. Throws `unsupported` where none does. */
export function likeRow(like: Like, out: string | undefined): Target {
  const id = findFormat(like.checkpoint.format)?.writtenAs ?? like.checkpoint.format;
  const rows = targets.filter(({ format }) => format === id);
  const ending = rows.find(({ extensions }) => extensions.some((extension) => out?.toLowerCase().endsWith(extension) === true));
  // OUT's ending may name another format, as it does without an example: names and axes are the other checkpoint's all the same.
  const other = ending === undefined ? targetOfEnding(out) : undefined;
  const target = ending ?? other ?? rows[0];
  if (target === undefined) {
    throw new CheckpointError("unsupported", `${otherTitle} is ${like.checkpoint.format}, which cannot be written`, {
      hint: "say the format with --to; names and axes still come from the other checkpoint",
    });
  }
  return target;
}

/** What its names are called where they are none of a known scheme: its file's own name. */
export function namesOf({ path }: Like): string {
  return path === undefined ? otherTitle : basename(path);
}

/** The file that a person would name. */
export function entryOf({ checkpoint, path }: Like): string {
  return checkpoint.files.length === 1 ? (checkpoint.files[0] ?? "") : (path ?? "");
}

/** The name that the files of one checkpoint share: `vgg16` of vgg16-0007.params and vgg16-symbol.json. */
export function sharedStem(name: string): string {
  return basename(name)
    .replace(/\.[a-z0-9]+$/i, "")
    .replace(/-(\d{4}|symbol)$/, "");
}

export function endingOf(name: string): string {
  const ending = /(\.weights)?\.[a-z0-9]+$/i.exec(name)?.[0].toLowerCase() ?? "";
  return ending === ".hdf5" ? ".h5" : ending;
}
