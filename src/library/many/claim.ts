import { isCheckpointError } from "../../errors.ts";
import type { Context } from "../../io/context.ts";
import { locateNamed } from "../../io/input.ts";
import { basename, dirname, join } from "../../io/path.ts";
import { addressBelow, addressOfFolder, isAddress } from "../../io/remote/address.ts";
import { openAt, recognise } from "../../open.ts";
import type { Candidate } from "./candidates.ts";

export interface FileClaim {
  /** The files of one checkpoint, as paths or addresses, its main file first. */
  readonly files: readonly string[];
  /** The same whichever of its files was opened: all of them, or what is wrong with which one. */
  readonly key: string;
}

const claimed = (files: readonly string[]): FileClaim => ({ files, key: [...files].sort().join("\n") });

/** What a candidate is a checkpoint of, by the logic that opens it. undefined: it was found, and is none. */
export async function claimOf(candidate: Candidate, ctx: Context): Promise<FileClaim | undefined> {
  const { source, locate } = candidate;
  const itself = claimed([source]);
  const otherwise = candidate.named || candidate.promises ? itself : undefined;
  if (locate === undefined) return otherwise;
  try {
    const located = await locate();
    const kind = located.source.size === 0 ? undefined : await recognise(located);
    if (kind === undefined || kind === "file") {
      await located.source.close();
      return kind === undefined ? otherwise : claimed([beside(source, located.entry)]);
    }
    const checkpoint = await openAt(located, ctx);
    await checkpoint.close();
    return kind === "archive" ? itself : claimed(checkpoint.files.map((file) => beside(source, file)));
  } catch (error) {
    if (!isCheckpointError(error) || error.code === "interrupted") throw error;
    if (error.where.none === true) return otherwise;
    // A damaged one is a checkpoint all the same: whoever opens it says what is wrong. Each file of a set fails as the others do.
    const { file } = error.where;
    return file === undefined ? itself : { ...itself, key: `${beside(source, lastNameOf(file))}: ${error.summary}` };
  }
}

/** The files of a folder that is a checkpoint itself. Throws where it is none. */
export async function filesAsFolder(folder: string, ctx: Context): Promise<readonly string[] | undefined> {
  const located = await locateNamed(folder, ctx);
  if (!located.folder) return undefined;
  const checkpoint = await openAt(located, ctx);
  await checkpoint.close();
  return checkpoint.files.map((file) => (isAddress(folder) ? addressBelow(folder, file) : join(folder, file)));
}

/** A file that another names, in the same folder. */
function beside(source: string, name: string): string {
  return isAddress(source) ? addressBelow(addressOfFolder(source), name) : join(dirname(source), name);
}

/** The last part of a path or an address. */
export function lastNameOf(source: string): string {
  return isAddress(source) ? source.replace(/[?#].*$/s, "").replace(/^.*\//s, "") : basename(source);
}
