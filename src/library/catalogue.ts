import type { MergeRecord } from "../catalogue/merge.ts";
import type { CatalogueQuery } from "../catalogue/query.ts";
import type { CatalogueRecord, SourceDone } from "../catalogue/run.ts";
import type { CatalogueRow } from "../catalogue/schema.ts";
import type { Shard } from "../catalogue/source.ts";
import { CheckpointError } from "../errors.ts";
import { type DependentOption, refuseIgnored } from "../text/ignored.ts";
import { type Checks, callback, checkOptions, flag, type OptionCheck, text } from "./checks.ts";
import { findCheckpoints } from "./many/find-checkpoints.ts";
import { type RunOptions, runChecks } from "./run-options.ts";
import { contextOptions, spoken } from "./with-context.ts";

/** What `catalogue` takes beside what every verb takes. */
export interface CatalogueOptions extends RunOptions {
  /** The folder of the catalogue; what is in it is kept, and what has not changed since is not read again. */
  readonly out: string;
  /** Adds the SHA-256 of each tensor, and of each checkpoint that is one file on disk. */
  readonly hash?: boolean;
  /** Adds statistics of every tensor's values. */
  readonly stats?: boolean;
  /** One part of the sources of so many, by a hash of their names. */
  readonly shard?: Shard;
  /** Reads also what has not changed since the last run: another version of the library may see more. */
  readonly reread?: boolean;
  readonly onSource?: (done: SourceDone) => void;
}

const shard: OptionCheck = {
  needed: "{ number, of }, whole numbers with 1 ≤ number ≤ of",
  holds: (value) => {
    if (typeof value !== "object" || value === null) return false;
    const [number, of]: readonly unknown[] = [Reflect.get(value, "number"), Reflect.get(value, "of")];
    return Number.isSafeInteger(number) && Number.isSafeInteger(of) && Number(number) >= 1 && Number(number) <= Number(of);
  },
};

const catalogueChecks: Checks<CatalogueOptions> = {
  ...runChecks,
  out: text,
  hash: flag,
  stats: flag,
  shard,
  reread: flag,
  onSource: callback,
};

/**
 * Lists many checkpoints in Parquet files, a row each: docs/catalogue.md has the columns. Sources are those of `findCheckpoints`. One that cannot be read is a row with its error. What a run
 * has read until it is stopped is kept, and the next one goes on from there.
 *
 * @throws CheckpointError `usage` for a folder that has other files of such names, or a catalogue of other columns; `io`; `interrupted`.
 * @example
 * const { checkpoints, failed } = await catalogue(["zoo/a.pth", "zoo/b.mat"], { out: "catalogue" });
 * console.log(checkpoints, failed);
 */
export async function catalogue(sources: readonly string[], options: CatalogueOptions): Promise<CatalogueRecord> {
  return spoken(undefined, async () => {
    refuseNoTexts("catalogue", sources);
    checkOptions("catalogue", options, catalogueChecks);
    if (options.out === undefined) throw new CheckpointError("usage", "catalogue needs a folder", { hint: 'add out: "zoo"' });
    const { runCatalogue } = await import("../catalogue/run.ts");
    const { out, hash = false, stats = false, shard: _shard, reread, onSource: _onSource, onProgress: _onProgress, ...shared } = options;
    const { from, amplified } = shared;
    const { checkpoints } = await findCheckpoints(sources, shared);
    const inputs = checkpoints.map(({ source }) => source);
    return runCatalogue(inputs, out, {
      hash,
      stats,
      context: contextOptions(options),
      ...(from === undefined ? {} : { from }),
      ...(amplified === undefined ? {} : { amplified }),
      ...(reread === undefined ? {} : { reread }),
      ...(options.shard === undefined ? {} : { shard: options.shard }),
      ...(options.onSource === undefined ? {} : { onSource: options.onSource }),
    });
  });
}

/** What `queryCatalogue` takes: the question, and how the checkpoint of `sameWeightsAs` is read. */
export interface CatalogueQueryOptions extends RunOptions, CatalogueQuery {}

const queryChecks: Checks<CatalogueQueryOptions> = { ...runChecks, where: text, sameWeightsAs: text, tensors: flag };

/** A catalogue has its own form; these say how a checkpoint is read. */
const readsCheckpoint = {
  counts: ({ sameWeightsAs }: CatalogueQueryOptions) => sameWeightsAs !== undefined,
  without: "a checkpoint whose weights are looked for",
  add: "--same-weights-as FILE",
};
const queryDependent: readonly DependentOption<CatalogueQueryOptions>[] = [
  { option: "--from", given: ({ from }) => from !== undefined, ...readsCheckpoint },
  { option: "--amplified", given: ({ amplified }) => amplified === true, ...readsCheckpoint },
];

/**
 * The rows of a catalogue that answer a question.
 *
 * @throws CheckpointError `not-found` where there is no catalogue, `usage` for an expression that is none or a column that there is not.
 * @example
 * for await (const { source } of queryCatalogue("catalogue", { where: "classes = 2622" })) console.log(source);
 */
export async function* queryCatalogue(folder: string, options: CatalogueQueryOptions = {}): AsyncGenerator<CatalogueRow> {
  try {
    checkOptions("queryCatalogue", options, queryChecks);
    refuseIgnored(queryDependent, options);
    const { queryRows } = await import("../catalogue/query.ts");
    const { where, sameWeightsAs, tensors, from, amplified } = options;
    const query: CatalogueQuery = {
      ...(where === undefined ? {} : { where }),
      ...(sameWeightsAs === undefined ? {} : { sameWeightsAs }),
      ...(tensors === undefined ? {} : { tensors }),
    };
    yield* queryRows(folder, query, {
      context: contextOptions(options),
      ...(from === undefined ? {} : { from }),
      ...(amplified === undefined ? {} : { amplified }),
    });
  } catch (error) {
    throw error instanceof CheckpointError ? error.complete() : error;
  }
}

/**
 * Joins catalogues into a new one. However the same rows were divided, the files are the same, byte for byte.
 *
 * @throws CheckpointError `usage` where there is a catalogue already and `force` is not given, and where the columns of the catalogues differ.
 * @example
 * await mergeCatalogues(["part-1", "part-2"], { out: "zoo" });
 */
export async function mergeCatalogues(
  folders: readonly string[],
  options: { readonly out: string; readonly force?: boolean },
): Promise<MergeRecord> {
  return spoken(undefined, async () => {
    refuseNoTexts("mergeCatalogues", folders);
    checkOptions("mergeCatalogues", options, { out: text, force: flag });
    return (await import("../catalogue/merge.ts")).mergeFolders(folders, options.out, options.force === true);
  });
}

function refuseNoTexts(verb: string, given: readonly string[]): void {
  if (Array.isArray(given) && given.length > 0 && given.every((item) => typeof item === "string")) return;
  throw new CheckpointError("usage", `${verb} needs a list of at least one text`);
}
