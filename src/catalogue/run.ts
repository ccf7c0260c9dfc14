import { CheckpointError } from "../errors.ts";
import { isAddress } from "../io/remote/address.ts";
import { collectEarly } from "../io/system.ts";
import { KnownSources } from "./known.ts";
import { joinedParts } from "./merge.ts";
import { isSmallPart, PartBuilder } from "./part-builder.ts";
import { ChangeCheck, type ReadRowsOptions, readRows } from "./read.ts";
import { isPassing } from "./rows.ts";
import { isInShard, type Shard, sourceName } from "./source.ts";
import { type WritableCatalogue, writeCatalogue } from "./store.ts";

export interface CatalogueRunOptions extends ReadRowsOptions {
  readonly shard?: Shard;
  /** Reads also what has not changed. */
  readonly reread?: boolean;
  /** Called for each source when it is done. */
  readonly onSource?: (done: SourceDone) => void;
}

export interface SourceDone {
  readonly source: string;
  readonly outcome: "read" | "unchanged" | "failed";
  /** Sources of this run: the caller may count. */
  readonly total: number;
  readonly error?: CheckpointError;
}

export interface CatalogueRecord {
  readonly schema: "vggtool/catalogue/1";
  readonly output: string;
  /** Sources of this run: those of its shard. */
  readonly sources: number;
  /** Of them: opened in this run, whatever came of it. */
  readonly read: number;
  /** As an earlier run has left them. */
  readonly unchanged: number;
  /** Those whose row has an error. */
  readonly failed: number;
  /** Of the failed: what the next run tries again, as a server that did not answer. */
  readonly passing: number;
  /** Rows of the whole catalogue. */
  readonly checkpoints: number;
  readonly tensors: number;
}

/** A part is written at least this often, in ms: what a killed run loses. */
const patience = 10_000;
/** Of a VGG-16: as many checkpoints leave as much garbage as one of all their tensors. */
const tensorsEach = 32;
/** Sources that are read at once: while a server answers one, others are parsed. */
const atOnce = 4;

/** Reads what has changed since the last run, and adds it to the catalogue in `folder`. Throws `usage`, `io` and `interrupted`; what was read until then is kept. */
export async function runCatalogue(inputs: readonly string[], folder: string, options: CatalogueRunOptions): Promise<CatalogueRecord> {
  const { hash, stats, context } = options;
  if (context.ownProcess === true) await collectEarly(inputs.length * tensorsEach);
  const catalogue = await writeCatalogue(folder, { hash, stats, mode: "append", force: false });
  try {
    const run = new Run(catalogue, await KnownSources.of(catalogue), options);
    await run.all(inputs);
    return run.record(folder);
  } finally {
    await catalogue.close();
  }
}

class Run {
  readonly #catalogue: WritableCatalogue;
  readonly #known: KnownSources;
  readonly #options: CatalogueRunOptions;
  readonly #check: ChangeCheck;
  readonly #builder = new PartBuilder();
  #total = 0;
  /** Parts of earlier runs. */
  readonly #before: ReadonlySet<number>;
  readonly #counts = { sources: 0, read: 0, unchanged: 0, failed: 0, passing: 0 };
  #written = Date.now();
  /** Parts are written one after the other. */
  #writing: Promise<void> = Promise.resolve();

  constructor(catalogue: WritableCatalogue, known: KnownSources, options: CatalogueRunOptions) {
    this.#catalogue = catalogue;
    this.#known = known;
    this.#options = options;
    this.#check = new ChangeCheck(options.context);
    this.#before = new Set(catalogue.parts.map((part) => part.number));
  }

  async all(inputs: readonly string[]): Promise<void> {
    const sources = sourcesOf(inputs, this.#options.shard);
    this.#total = sources.length;
    const waiting = inTurn(sources);
    const lane = async (): Promise<void> => {
      for (const next of waiting) await this.#one(next);
    };
    const lanes = await Promise.allSettled(Array.from({ length: atOnce }, lane));
    // What was read counts, whatever stopped the run.
    await this.#flush();
    for (const end of lanes) if (end.status === "rejected") throw end.reason;
    await this.#tidy();
  }

  record(output: string): CatalogueRecord {
    const total = (table: "checkpoints" | "tensors"): number => this.#catalogue.parts.reduce((sum, part) => sum + part[table], 0);
    return { schema: "vggtool/catalogue/1", output, ...this.#counts, checkpoints: total("checkpoints"), tensors: total("tensors") };
  }

  async #one({ source, input }: Source): Promise<void> {
    if (this.#options.context.signal?.aborted === true) throw new CheckpointError("interrupted", "interrupted");
    this.#counts.sources += 1;
    const known = this.#known.get(source);
    if (known !== undefined && this.#options.reread !== true && (await this.#check.isUnchanged(input, this.#known.files(source)))) {
      this.#counts.unchanged += 1;
      if (known.failed) this.#counts.failed += 1;
      this.#options.onSource?.({ source, outcome: "unchanged", total: this.#total });
      return;
    }
    const { rows, error } = await readRows(source, input, this.#options);
    this.#counts.read += 1;
    const again = error !== undefined && isPassing(source, error);
    if (error !== undefined) this.#counts.failed += 1;
    if (again) this.#counts.passing += 1;
    // What was read once is not lost because a server does not answer today.
    if (!again || known === undefined || known.failed) {
      this.#known.outdate(source);
      this.#builder.add(rows);
      if (this.#builder.isFull || Date.now() - this.#written > patience) await this.#flush();
    }
    const outcome = error === undefined ? "read" : "failed";
    this.#options.onSource?.({ source, outcome, total: this.#total, ...(error === undefined ? {} : { error }) });
  }

  async #flush(): Promise<void> {
    if (this.#builder.size > 0) {
      const rows = this.#builder.take();
      this.#writing = this.#writing.then(() => this.#catalogue.replace([], [rows]));
    }
    await this.#writing;
    this.#written = Date.now();
  }

  /** Joins small parts, and drops rows that newer ones replace. */
  async #tidy(): Promise<void> {
    const { parts } = this.#catalogue;
    const outdated = this.#known.someOutdated;
    const some = parts.filter((part) => isSmallPart(part) || (outdated && (this.#known.isDivided(part) || !this.#before.has(part.number))));
    if (some.length < 2 && !outdated) return;
    await this.#catalogue.replace(some, joinedParts(some.map((part) => ({ catalogue: this.#catalogue, rank: 0, part }))));
  }
}

interface Source {
  readonly source: string;
  readonly input: string;
}

/** For several loops that take from one list: the first that breaks off ends it for all. */
function* inTurn<T>(items: readonly T[]): Generator<T> {
  yield* items;
}

/** The sources of a shard, each once. Throws `usage` where two addresses differ in nothing that a catalogue may keep. */
function sourcesOf(inputs: readonly string[], shard: Shard | undefined): readonly Source[] {
  const seen = new Map<string, string>();
  for (const input of inputs) {
    const source = sourceName(input);
    const other = seen.get(source);
    if (other !== undefined && other !== input && isAddress(input)) {
      throw new CheckpointError("usage", "two addresses differ only in what a catalogue leaves out: signatures, tokens and the like", {
        file: source,
        hint: "name files that differ by their paths, or make a catalogue of each",
      });
    }
    if (other === undefined) seen.set(source, input);
  }
  return Array.from(seen, ([source, input]) => ({ source, input })).filter(({ source }) => shard === undefined || isInShard(source, shard));
}
