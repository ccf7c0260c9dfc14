import { CheckpointError } from "../errors.ts";
import type { ContextOptions, OwnedContext } from "../io/run.ts";
import { refusedPath } from "../io/system-error.ts";
import { hasOwnProcess } from "./own-process.ts";
import type { RunOptions } from "./run-options.ts";

/** What a verb needs of its context beside what everybody may say. */
export type VerbOptions = Pick<ContextOptions, "values" | "temporaryFolder">;

/**
 * Runs one verb with a context of its own, which is disposed whatever happens. An error names the file of `name` where it names none,
 * and its message says all that is known.
 */
export async function withContext<T>(
  name: string | undefined,
  options: RunOptions,
  verb: VerbOptions,
  work: (ctx: OwnedContext) => Promise<T>,
): Promise<T> {
  return spoken(name, async () => {
    const ctx = await makeContext(options, verb);
    try {
      return await work(ctx);
    } finally {
      await ctx.dispose();
    }
  });
}

export async function makeContext(options: RunOptions, verb: VerbOptions): Promise<OwnedContext> {
  const { createContext } = await import("../io/run.ts");
  return createContext({ ...contextOptions(options), ...verb });
}

/** Errors of `work` leave the library with messages that say all that is known. */
export async function spoken<T>(name: string | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (caught) {
    const error = refusedPath(caught);
    if (!(error instanceof CheckpointError)) throw error;
    const placed = name === undefined || error.code === "usage" || error.where.file !== undefined ? error : error.at({ file: name });
    throw placed.complete();
  }
}

export function contextOptions({ signal, onProgress, onPhase, remote, offline, download, cache, threads }: RunOptions): ContextOptions {
  return {
    remote: {
      ...remote,
      ...(offline === undefined ? {} : { offline }),
      ...(download === undefined ? {} : { download }),
      ...(cache === undefined ? {} : { cache }),
    },
    ownProcess: hasOwnProcess(),
    threads: { most: threads ?? (hasOwnProcess() ? undefined : 1), script: helperScript },
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(onPhase === undefined ? {} : { onPhase }),
  };
}

async function helperScript(): Promise<string> {
  const { helper } = await import("#assets/helper");
  return helper;
}
