import { CheckpointError } from "../../errors.ts";
import { brief } from "../../text/brief.ts";
import { checkOptions } from "../checks.ts";
import { type RunOptions, runChecks } from "../run-options.ts";
import { makeContext, spoken } from "../with-context.ts";

/** A checkpoint among many. */
export interface FoundCheckpoint {
  /** A path or an address that every verb takes. */
  readonly source: string;
  /** Where it is below what was named, with "/" between folders: a tree of outputs has the same places. */
  readonly place: string;
  /** Its files, as paths or addresses, the one that leads to the others first; the source alone where it was named and not looked into. */
  readonly files: readonly string[];
}

export interface FoundCheckpoints {
  /** In the order of what was named; in a folder its files before those of its folders, both in natural order. */
  readonly checkpoints: readonly FoundCheckpoint[];
  /** Files that were found, and are neither a checkpoint nor a part of one. */
  readonly skipped: number;
  /** Names that lead to a checkpoint that an earlier name leads to. */
  readonly repeated: number;
}

/**
 * The checkpoints that some sources lead to: files, folders with all that is below them, patterns (`zoo/*.pth`, with `**` for any folders),
 * addresses of files and of repositories and buckets, and `@list.txt` with one source a line (`@-`: standard input). The files of a set are one
 * checkpoint. A folder's files count by their content; those that are none are counted, and a damaged one is there, for the verb that opens it
 * to say so. What was named is there in any case, also where it does not exist.
 *
 * @throws CheckpointError `usage` for no sources and for what is no pattern, `not-found` for a list that is not there, `io` where a server does not list.
 * @example
 * const { checkpoints, skipped } = await findCheckpoints(["zoo", "hf://ORG/REPO"]);
 * for (const { source } of checkpoints) console.log((await inspect(source)).architecture?.name);
 */
export async function findCheckpoints(sources: readonly string[], options: RunOptions = {}): Promise<FoundCheckpoints> {
  return spoken(undefined, async () => {
    if (!Array.isArray(sources) || sources.length === 0 || !sources.every((source) => typeof source === "string")) {
      throw new CheckpointError("usage", `findCheckpoints was given ${brief(sources)}, needed a list of paths and addresses`);
    }
    checkOptions("findCheckpoints", options, runChecks);
    const [{ found }, ctx] = await Promise.all([import("./found.ts"), makeContext(options, { values: false })]);
    try {
      return await found(sources, ctx);
    } finally {
      await ctx.dispose();
    }
  });
}
