import { CheckpointError } from "../errors.ts";
import type { CataloguePart } from "./manifest.ts";
import { PartBuilder, sourceOfRow } from "./part-builder.ts";
import type { CatalogueRow, CatalogueTable } from "./schema.ts";
import { type Catalogue, openCatalogue, type PartRows, writeCatalogue } from "./store.ts";

/** A part of a catalogue, and the place of that among all that are joined. */
export interface PartOf {
  readonly catalogue: Catalogue;
  readonly rank: number;
  readonly part: CataloguePart;
}

export interface MergeRecord {
  readonly schema: "vggtool/catalogue-merge/1";
  readonly output: string;
  readonly checkpoints: number;
  readonly tensors: number;
  /** Sources that several of the catalogues had. */
  readonly repeated: number;
}

/**
 * Joins catalogues into a new one, sorted by source: the same rows give the same bytes, however they were divided. Of a source that several have, a
 * row that could be read goes before one with an error, then that of the catalogue that was named last.
 */
export async function mergeFolders(folders: readonly string[], output: string, force: boolean): Promise<MergeRecord> {
  const inputs: Catalogue[] = [];
  for (const folder of folders) inputs.push(await openCatalogue(folder));
  const [first] = inputs;
  if (first === undefined) throw new CheckpointError("usage", "no catalogue to merge was named");
  for (const { folder, depth } of inputs) {
    if (depth.hash === first.depth.hash && depth.stats === first.depth.stats) continue;
    throw new CheckpointError("usage", `its columns are others than those of ${first.folder}`, {
      file: folder,
      hint: "make all of them with the same of --hash and --stats",
    });
  }
  const out = await writeCatalogue(output, { ...first.depth, mode: "new", force });
  try {
    const parts = inputs.flatMap((catalogue, rank) => catalogue.parts.map((part) => ({ catalogue, rank, part })));
    const count = { repeated: 0 };
    await out.replace([...out.parts], joinedParts(parts, count));
    await out.complete();
    const total = (table: "checkpoints" | "tensors"): number => out.parts.reduce((sum, part) => sum + part[table], 0);
    const { repeated } = count;
    return { schema: "vggtool/catalogue-merge/1", output, checkpoints: total("checkpoints"), tensors: total("tensors"), repeated };
  } finally {
    await out.close();
  }
}

/** The rows of several parts in the order of sources, each source once. Parts are opened when their first source is reached. */
export async function* joinedParts(parts: readonly PartOf[], count = { repeated: 0 }): AsyncGenerator<PartRows> {
  const waiting = parts.toSorted((a, b) => (a.part.first < b.part.first ? -1 : a.part.first > b.part.first ? 1 : 0));
  let open: PartCursor[] = [];
  const builder = new PartBuilder();
  try {
    for (;;) {
      let next: string | undefined = waiting[0]?.part.first;
      for (const { source } of open) if (next === undefined || source < next) next = source;
      if (next === undefined) break;
      while (waiting[0]?.part.first === next) {
        const of = waiting.shift();
        if (of !== undefined) open.push(await PartCursor.open(of));
      }
      const same = open.filter(({ source }) => source === next);
      const chosen = choose(same);
      if (chosen !== undefined) builder.add(await chosen.rows());
      if (new Set(same.map(({ of }) => of.rank)).size > 1) count.repeated += 1;
      for (const cursor of same) await cursor.advance();
      open = open.filter((cursor) => !cursor.ended);
      if (builder.isFull) yield builder.take();
    }
    if (builder.size > 0) yield builder.take();
  } finally {
    for (const cursor of open) await cursor.close();
  }
}

/** Of one catalogue the newest part counts; among several see `mergeFolders`. */
function choose(cursors: readonly PartCursor[]): PartCursor | undefined {
  const newest = new Map<number, PartCursor>();
  for (const cursor of cursors) {
    const known = newest.get(cursor.of.rank);
    if (known === undefined || known.of.part.number < cursor.of.part.number) newest.set(cursor.of.rank, cursor);
  }
  const readable = (cursor: PartCursor): number => (cursor.isError ? 0 : 1);
  return [...newest.values()].sort((a, b) => readable(b) - readable(a) || b.of.rank - a.of.rank)[0];
}

/** The sources of a part, one after the other. */
class PartCursor {
  readonly of: PartOf;
  readonly #checkpoints: TableCursor;
  readonly #tensors: TableCursor;
  readonly #files: TableCursor;

  private constructor(of: PartOf) {
    this.of = of;
    const cursor = (table: CatalogueTable["name"]): TableCursor => new TableCursor(of.catalogue.rows(of.part, table));
    this.#checkpoints = cursor("checkpoints");
    this.#tensors = cursor("tensors");
    this.#files = cursor("files");
  }

  static async open(of: PartOf): Promise<PartCursor> {
    const cursor = new PartCursor(of);
    await cursor.#checkpoints.fill();
    return cursor;
  }

  get source(): string {
    return sourceOfRow(this.#checkpoints.row);
  }

  get isError(): boolean {
    return this.#checkpoints.row?.error !== null;
  }

  get ended(): boolean {
    return this.#checkpoints.row === undefined;
  }

  async rows(): Promise<{ checkpoint: CatalogueRow; tensors: readonly CatalogueRow[]; files: readonly CatalogueRow[] }> {
    const checkpoint = this.#checkpoints.row;
    if (checkpoint === undefined) throw new RangeError("the part has no more sources");
    return { checkpoint, tensors: await this.#tensors.of(this.source), files: await this.#files.of(this.source) };
  }

  async advance(): Promise<void> {
    await this.#checkpoints.next();
    if (this.ended) await this.close();
  }

  async close(): Promise<void> {
    for (const cursor of [this.#checkpoints, this.#tensors, this.#files]) await cursor.close();
  }
}

/** The rows of a table that is sorted by source, with one row group in memory. */
class TableCursor {
  readonly #groups: AsyncGenerator<readonly CatalogueRow[]>;
  #group: readonly CatalogueRow[] = [];
  #at = 0;

  constructor(groups: AsyncGenerator<readonly CatalogueRow[]>) {
    this.#groups = groups;
  }

  /** The row that the cursor is at; undefined at the end, and before `fill`. */
  get row(): CatalogueRow | undefined {
    return this.#group[this.#at];
  }

  async fill(): Promise<void> {
    while (this.#at >= this.#group.length) {
      const { value, done } = await this.#groups.next();
      if (done === true) return;
      this.#group = value;
      this.#at = 0;
    }
  }

  async next(): Promise<void> {
    this.#at += 1;
    await this.fill();
  }

  /** The rows of a source; those of sources before it are passed over. */
  async of(source: string): Promise<readonly CatalogueRow[]> {
    const found: CatalogueRow[] = [];
    await this.fill();
    for (let row = this.row; row !== undefined && sourceOfRow(row) <= source; row = this.row) {
      if (sourceOfRow(row) === source) found.push(row);
      await this.next();
    }
    return found;
  }

  async close(): Promise<void> {
    await this.#groups.return(undefined);
  }
}
