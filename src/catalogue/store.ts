import { createHash } from "node:crypto";
import { join } from "node:path";
import { CheckpointError } from "../errors.ts";
import { type Claim, claim } from "../io/output/claim.ts";
import { makeFolder } from "../io/output/existing-folder.ts";
import { outputSet } from "../io/output/output.ts";
import { removeIfThere } from "../io/output/remove.ts";
import { namesIn } from "../io/output/temporary-name.ts";
import { fileSource } from "../io/source/file.ts";
import { memorySource } from "../io/source/memory.ts";
import { type CataloguePart, type Manifest, readManifest, writeManifest } from "./manifest.ts";
import { openParquet, parquetBytes } from "./parquet.ts";
import { type CatalogueRow, type CatalogueTable, type Depth, type Tables, tablesOf } from "./schema.ts";

/*
 * A catalogue on disk: Parquet files, one of each table a part, and manifest.json, which says which parts count. A part's files get their names
 * by a rename, then the manifest gets its own: whenever a run is killed, the manifest names complete files alone, and what it does not name
 * is removed by the next run.
 */

const ofPart = /^(checkpoints|tensors|files)-(\d{5,})\.parquet$/;

/** The rows of a part; all three sorted by source. */
export interface PartRows {
  readonly checkpoints: readonly CatalogueRow[];
  readonly tensors: readonly CatalogueRow[];
  readonly files: readonly CatalogueRow[];
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

  /**
   * The rows of a part's table, a row group at a time. Throws `malformed` where the file is not the one that was written, and `not-found` where it
   * is gone.
   */
  async *rows(part: CataloguePart, table: CatalogueTable["name"], only?: readonly string[]): AsyncGenerator<readonly CatalogueRow[]> {
    const path = join(this.folder, fileOf(part.number, table));
    const bytes = await wholeFile(path);
    // Before it is taken apart: the reader of Parquet trusts what is in a file, and a damaged one may keep it busy for ever.
    if (sumOf(bytes) !== part.sha256[table]) {
      throw new CheckpointError("malformed", "this file of a catalogue is not the one that was written", {
        file: path,
        hint: "make the catalogue again in a new folder",
      });
    }
    yield* (await openParquet(memorySource(bytes, path), this.tables[table])).groups(only);
  }
}

/** A part has at most some 20 MB. */
const largestFile = 1 << 30;

async function wholeFile(path: string): Promise<Uint8Array> {
  const source = await fileSource(path);
  try {
    if (source.size > largestFile)
      throw new CheckpointError("malformed", "this is no file of a catalogue: it is too large", { file: path });
    return await source.read(0, source.size);
  } finally {
    await source.close();
  }
}

function sumOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
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
    try {
      for await (const part of rows) {
        added.push(await this.#writePart(number, part));
        number += 1;
      }
    } catch (error) {
      // What reads the folder by a pattern is not to find them beside those that they were made of.
      for (const part of added) removePart(this.folder, part.number);
      throw error;
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

  async #writePart(number: number, rows: PartRows): Promise<CataloguePart> {
    const set = outputSet(this.folder, { force: true });
    const write = async (table: CatalogueTable["name"]): Promise<string> => {
      const file = await set.create(fileOf(number, table));
      const bytes = parquetBytes(this.tables[table], rows[table]);
      await file.write(0, bytes);
      return sumOf(bytes);
    };
    try {
      // What is found by its pattern is found whole: the checkpoints come last.
      const [files, tensors, checkpoints] = [await write("files"), await write("tensors"), await write("checkpoints")];
      await set.commit(fileOf(number, "checkpoints"));
      return described(number, rows, { checkpoints, tensors, files });
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
  // A claim is in the nearest folder that is there. This one is made early, and a run that begins later looks for claims inside it.
  makeFolder(folder);
  const claimed = await claim(join(folder, "manifest")).catch((error: unknown) => {
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
    // What is replaced stays until the new parts are there, also where it is merged into itself.
    const kept = found?.complete === true ? { ...found, hash, stats } : undefined;
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

function described(number: number, { checkpoints, tensors, files }: PartRows, sha256: CataloguePart["sha256"]): CataloguePart {
  const [first, last] = [checkpoints[0], checkpoints.at(-1)].map((row) => String(row?.source ?? ""));
  const rows = { checkpoints: checkpoints.length, tensors: tensors.length, files: files.length };
  return { number, first: first ?? "", last: last ?? "", ...rows, sha256 };
}

function removePart(folder: string, part: number): void {
  for (const table of ["checkpoints", "tensors", "files"] as const) removeIfThere(join(folder, fileOf(part, table)));
}
