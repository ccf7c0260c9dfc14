import { join } from "node:path";
import { CheckpointError } from "../errors.ts";
import { outputSet } from "../io/output/output.ts";
import { kindAt } from "../io/regular.ts";
import { fileSource } from "../io/source/file.ts";
import type { CatalogueTable, Depth } from "./schema.ts";

const manifestName = "manifest.json";
const manifestSchema = "vggtool/catalogue/1";
/** A manifest has some 500 bytes a part. */
const longestManifest = 256 << 20;

type PerTable<T> = Readonly<Record<CatalogueTable["name"], T>>;

/** Rows of a part, by table, the SHA-256 of its files, and the first and the last of its sources. */
export interface CataloguePart extends PerTable<number> {
  readonly number: number;
  readonly first: string;
  readonly last: string;
  readonly sha256: PerTable<string>;
}

/** Which parts of a catalogue count, and what its columns are. */
export interface Manifest extends Depth {
  readonly parts: readonly CataloguePart[];
  /** false: a merge was killed before it was done. */
  readonly complete: boolean;
}

/** In one step: the old one is there, or the new one. */
export async function writeManifest(folder: string, { hash, stats, complete, parts }: Manifest): Promise<void> {
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

/** undefined where there is none. Throws `malformed`. */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
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
  const text = (of: object, name: string): string => {
    const found: unknown = Reflect.get(of, name);
    if (typeof found !== "string") throw notOurs(path);
    return found;
  };
  const sums: unknown = Reflect.get(value, "sha256");
  if (typeof sums !== "object" || sums === null) throw notOurs(path);
  return {
    number: count("number"),
    first: text(value, "first"),
    last: text(value, "last"),
    checkpoints: count("checkpoints"),
    tensors: count("tensors"),
    files: count("files"),
    sha256: { checkpoints: text(sums, "checkpoints"), tensors: text(sums, "tensors"), files: text(sums, "files") },
  };
}

function notOurs(path: string): CheckpointError {
  return new CheckpointError("malformed", "this is no manifest of a catalogue that this version can read", {
    file: path,
    hint: "choose another folder with -o",
  });
}
