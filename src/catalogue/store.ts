import { join } from "node:path";
import { CheckpointError } from "../errors.ts";
import { type Claim, claim } from "../io/output/claim.ts";
import { outputSet } from "../io/output/output.ts";
import { removeIfThere } from "../io/output/remove.ts";
import { namesIn } from "../io/output/temporary-name.ts";
import { kindAt } from "../io/regular.ts";
import { fileSource } from "../io/source/file.ts";
import { openParquet, parquetBytes } from "./parquet.ts";
import { type CatalogueRow, type CatalogueTable, type Depth, type Tables, tablesOf } from "./schema.ts";

/*
 * A catalogue on disk: Parquet files, one of each table a part, and manifest.json, which says which parts count. A part's files get their names
 * by a rename, then the manifest gets its own: whenever a run is killed, the manifest names complete files alone, and what it does not name
 * is removed by the next run.
 */

const manifestName = "manifest.json";
const manifestSchema = "vggtool/catalogue/1";
/** A manifest has some 300 bytes a part. */
const longestManifest = 256 << 20;
const ofPart = /^(checkpoints|tensors|files)-(\d{5,})\.parquet$/;

/** The rows of a part; all three sorted by source. */
export interface PartRows {
  readonly checkpoints: readonly CatalogueRow[];
  readonly tensors: readonly CatalogueRow[];
  readonly files: readonly CatalogueRow[];
}

/** Rows of a part, by table, and the first and the last of its sources. */
export interface CataloguePart extends Readonly<Record<CatalogueTable["name"], number>> {
  readonly number: number;
  readonly first: string;
  readonly last: string;
}

export interface Manifest extends Depth {
  readonly parts: readonly CataloguePart[];
  /** false: a merge was killed before it was done. */
  readonly complete: boolean;
}

/** A catalogue that is read. */
export class Catalogue {
  readonly folder: string;
  readonly tables: Tables;
  protected manifest: Manifest;

  constructor(folder: string, manifest: Manifest) {
    this.folder = folder;
    this.manifest = manifest;
    this.tables = tablesOf(manifest);
  }

  get depth(): Depth {
    return { hash: this.manifest.hash, stats: this.manifest.stats };
  }

  get parts(): readonly CataloguePart[] {
    return this.manifest.parts;
  }

  /** The rows of a part's table, a row group at a time. Throws `malformed`, and `not-found` where a file of the catalogue is gone. */
  async *rows(part: CataloguePart, table: CatalogueTable["name"], only?: readonly string[]): AsyncGenerator<readonly CatalogueRow[]> {
    const source = await fileSource(join(this.folder, fileOf(part.number, table)));
    try {
      yield* (await openParquet(source, this.tables[table])).groups(only);
    } finally {
      await source.close();
    }
  }
}

/** A catalogue that this run alone writes. */
export class WritableCatalogue extends Catalogue {
  readonly #claim: Claim;

  constructor(folder: string, manifest: Manifest, claimed: Claim) {
    super(folder, manifest);
    this.#claim = claimed;
  }

  /** Writes new parts, which count from now on, and those in `instead` no more. */
  async replace(instead: readonly CataloguePart[], rows: Iterable<PartRows> | AsyncIterable<PartRows>): Promise<void> {
    const added: CataloguePart[] = [];
    let number = Math.max(-1, ...this.parts.map((part) => part.number)) + 1;
    for await (const part of rows) {
      await this.#writePart(number, part);
      added.push(described(number, part));
      number += 1;
    }
    const gone = new Set(instead.map((part) => part.number));
    const parts = [...this.parts.filter((part) => !gone.has(part.number)), ...added];
    await this.#write({ ...this.manifest, parts });
    for (const part of gone) removePart(this.folder, part);
  }

  async complete(): Promise<void> {
    if (!this.manifest.complete) await this.#write({ ...this.manifest, complete: true });
  }

  async close(): Promise<void> {
    await this.#claim.release();
  }

  async #writePart(number: number, rows: PartRows): Promise<void> {
    const set = outputSet(this.folder, { force: true });
    try {
      // What is found by its pattern is found whole: the checkpoints come last.
      for (const table of ["files", "tensors", "checkpoints"] as const) {
        const file = await set.create(fileOf(number, table));
        await file.write(0, parquetBytes(this.tables[table], rows[table]));
      }
      await set.commit(fileOf(number, "checkpoints"));
    } catch (error) {
      await set.abort();
      throw error;
    }
  }

  async #write(manifest: Manifest): Promise<void> {
    await writeManifest(this.folder, manifest);
    this.manifest = manifest;
  }
}

/** A catalogue to be read. Throws `not-found` where there is none, `malformed`, and `usage` for a merge that was never done. */
export async function openCatalogue(folder: string): Promise<Catalogue> {
  const manifest = await readManifest(folder);
  if (manifest === undefined) {
    throw new CheckpointError("not-found", "there is no catalogue here: manifest.json is missing", {
      file: folder,
      hint: `make one: vggtool catalogue SOURCE -o ${folder}`,
    });
  }
  if (!manifest.complete) {
    throw new CheckpointError("usage", "the merge that made this catalogue was stopped before it was done", {
      file: folder,
      hint: "run vggtool catalogue merge again",
    });
  }
  return new Catalogue(folder, manifest);
}

export interface WriteOptions extends Depth {
  /** append: what is there is kept. new: there may be none, but an unfinished one. */
  readonly mode: "append" | "new";
  readonly force: boolean;
}

/** A catalogue to be written, made where there is none. Throws `usage` where another run writes it, and where it was made of other columns. */
export async function writeCatalogue(folder: string, options: WriteOptions): Promise<WritableCatalogue> {
  const { hash, stats, mode, force } = options;
  const claimed = await claim(join(folder, manifestName.replace(".json", ""))).catch((error: unknown) => {
    throw busy(error, folder);
  });
  try {
    const found = await readManifest(folder);
    if (found === undefined) refuseStrangers(folder);
    if (found !== undefined && mode === "append" && found.complete) refuseOtherDepth(folder, found, options);
    if (found !== undefined && mode === "new" && found.complete && !force) {
      throw new CheckpointError("usage", "there is a catalogue already", {
        file: folder,
        hint: "choose another folder with -o, or add --force to replace it",
      });
    }
    const kept = found !== undefined && mode === "append" && found.complete ? found : undefined;
    const manifest = kept ?? { hash, stats, complete: mode === "append", parts: [] };
    if (kept === undefined) await writeManifest(folder, manifest);
    removeUnnamed(folder, manifest);
    return new WritableCatalogue(folder, manifest, claimed);
  } catch (error) {
    await claimed.release();
    throw error;
  }
}

function busy(error: unknown, folder: string): unknown {
  if (!(error instanceof CheckpointError) || error.code !== "usage") return error;
  return new CheckpointError("usage", error.summary, {
    file: folder,
    hint: "give each run a folder of its own with -o, and join them: vggtool catalogue merge A B -o OUT",
  });
}

function refuseOtherDepth(folder: string, found: Manifest, asked: Depth): void {
  if (found.hash === asked.hash && found.stats === asked.stats) return;
  const words = ({ hash, stats }: Depth): string =>
    [hash ? "--hash" : "", stats ? "--stats" : ""].filter((word) => word !== "").join(" ") || "neither --hash nor --stats";
  throw new CheckpointError("usage", `this catalogue was made with ${words(found)}, and this run was asked for ${words(asked)}`, {
    file: folder,
    hint: "give the same options, or choose another folder with -o",
  });
}

/** Files that would be taken for a catalogue's, where there is none. */
function refuseStrangers(folder: string): void {
  const strange = namesIn(folder).find((name) => ofPart.test(name));
  if (strange === undefined) return;
  throw new CheckpointError("usage", `${strange} is here without the manifest.json of a catalogue`, {
    file: folder,
    hint: "choose an empty folder with -o",
  });
}

/** What a killed run has written and the manifest does not name. */
function removeUnnamed(folder: string, { parts }: Manifest): void {
  const numbers = new Set(parts.map(({ number }) => number));
  for (const name of namesIn(folder)) {
    const number = ofPart.exec(name)?.[2];
    if (number !== undefined && !numbers.has(Number(number))) removeIfThere(join(folder, name));
  }
}

function fileOf(part: number, table: CatalogueTable["name"]): string {
  return `${table}-${String(part).padStart(5, "0")}.parquet`;
}

function described(number: number, { checkpoints, tensors, files }: PartRows): CataloguePart {
  const [first, last] = [checkpoints[0], checkpoints.at(-1)].map((row) => String(row?.source ?? ""));
  return { number, first: first ?? "", last: last ?? "", checkpoints: checkpoints.length, tensors: tensors.length, files: files.length };
}

function removePart(folder: string, part: number): void {
  for (const table of ["checkpoints", "tensors", "files"] as const) removeIfThere(join(folder, fileOf(part, table)));
}

async function writeManifest(folder: string, { hash, stats, complete, parts }: Manifest): Promise<void> {
  const lines = parts.map((part) => `    ${JSON.stringify(part)}`).join(",\n");
  const head = `{\n  "schema": ${JSON.stringify(manifestSchema)},\n  "hash": ${hash},\n  "stats": ${stats},\n  "complete": ${complete},\n`;
  const set = outputSet(folder, { force: true });
  try {
    const file = await set.create(manifestName);
    await file.write(0, new TextEncoder().encode(`${head}  "parts": [${lines === "" ? "" : `\n${lines}\n  `}]\n}\n`));
    await set.commit(manifestName);
  } catch (error) {
    await set.abort();
    throw error;
  }
}

async function readManifest(folder: string): Promise<Manifest | undefined> {
  const path = join(folder, manifestName);
  if (kindAt(path) !== "file") return undefined;
  const source = await fileSource(path);
  try {
    if (source.size > longestManifest) throw notOurs(path);
    const value: unknown = JSON.parse(new TextDecoder().decode(await source.read(0, source.size)));
    return manifestOf(value, path);
  } catch (error) {
    throw error instanceof SyntaxError ? notOurs(path) : error;
  } finally {
    await source.close();
  }
}

function manifestOf(value: unknown, path: string): Manifest {
  if (typeof value !== "object" || value === null) throw notOurs(path);
  const field = (name: string): unknown => Reflect.get(value, name);
  const [hash, stats, complete, parts] = [field("hash"), field("stats"), field("complete"), field("parts")];
  if (field("schema") !== manifestSchema || typeof hash !== "boolean" || typeof stats !== "boolean" || typeof complete !== "boolean")
    throw notOurs(path);
  if (!Array.isArray(parts)) throw notOurs(path);
  return { hash, stats, complete, parts: parts.map((part: unknown) => partOf(part, path)) };
}

function partOf(value: unknown, path: string): CataloguePart {
  if (typeof value !== "object" || value === null) throw notOurs(path);
  const count = (name: string): number => {
    const found: unknown = Reflect.get(value, name);
    if (typeof found !== "number" || !Number.isSafeInteger(found) || found < 0) throw notOurs(path);
    return found;
  };
  const [first, last]: readonly unknown[] = [Reflect.get(value, "first"), Reflect.get(value, "last")];
  if (typeof first !== "string" || typeof last !== "string") throw notOurs(path);
  return { number: count("number"), first, last, checkpoints: count("checkpoints"), tensors: count("tensors"), files: count("files") };
}

function notOurs(path: string): CheckpointError {
  return new CheckpointError("malformed", "this is no manifest of a catalogue that this version can read", {
    file: path,
    hint: "choose another folder with -o",
  });
}
