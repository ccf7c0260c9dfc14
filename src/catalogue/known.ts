import type { SeenState } from "../io/opened.ts";
import type { CataloguePart } from "./manifest.ts";
import { sourceOfRow } from "./part-builder.ts";
import type { SeenFiles } from "./rows.ts";
import type { CatalogueRow } from "./schema.ts";
import type { Catalogue } from "./store.ts";

/** What a catalogue knows of a source. */
export interface KnownSource {
  readonly part: CataloguePart;
  readonly failed: boolean;
}

/** The sources of a catalogue, and the parts that have rows which newer ones replace. */
export class KnownSources {
  readonly #sources = new Map<string, KnownSource>();
  /** By source, the rows of `files` as one text: ten thousand of them are a few MB. */
  readonly #files = new Map<string, string>();
  readonly #outdated = new Set<number>();
  /** Parts with the rows that count instead. */
  readonly #newer = new Set<number>();

  static async of(catalogue: Catalogue): Promise<KnownSources> {
    const known = new KnownSources();
    for (const part of catalogue.parts.toSorted((a, b) => a.number - b.number)) {
      const files = await filesOf(catalogue, part);
      for await (const rows of catalogue.rows(part, "checkpoints", ["source", "error"])) {
        for (const row of rows) known.add(sourceOfRow(row), { part, failed: row.error !== null }, files.get(sourceOfRow(row)));
      }
    }
    return known;
  }

  add(source: string, known: KnownSource, files: string | undefined): void {
    if (this.#sources.has(source)) this.#newer.add(known.part.number);
    this.outdate(source);
    this.#sources.set(source, known);
    if (files === undefined) this.#files.delete(source);
    else this.#files.set(source, files);
  }

  get(source: string): KnownSource | undefined {
    return this.#sources.get(source);
  }

  files(source: string): SeenFiles {
    const text = this.#files.get(source);
    return text === undefined ? new Map() : new Map(text.split("\n").map(stateOf));
  }

  /** A source is read again: its rows so far are to go. */
  outdate(source: string): void {
    const known = this.#sources.get(source);
    if (known !== undefined) this.#outdated.add(known.part.number);
  }

  get someOutdated(): boolean {
    return this.#outdated.size > 0;
  }

  /** Whether a part has rows of a source of which another part has others, as far as these were there before this run. */
  isDivided(part: CataloguePart): boolean {
    return this.#outdated.has(part.number) || this.#newer.has(part.number);
  }
}

async function filesOf(catalogue: Catalogue, part: CataloguePart): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for await (const rows of catalogue.rows(part, "files")) {
    for (const row of rows) {
      const before = texts.get(sourceOfRow(row));
      texts.set(sourceOfRow(row), before === undefined ? lineOf(row) : `${before}\n${lineOf(row)}`);
    }
  }
  return texts;
}

/** JSON has no line ends. */
function lineOf({ file = null, etag = null, bytes = null }: CatalogueRow): string {
  return JSON.stringify([file, etag, typeof bytes === "number" ? bytes : null]);
}

function stateOf(line: string): readonly [string, SeenState] {
  const fields: unknown = JSON.parse(line);
  const [file, etag, bytes]: readonly unknown[] = Array.isArray(fields) ? fields : [];
  const state = typeof bytes === "number" ? { etag: typeof etag === "string" ? etag : undefined, bytes } : null;
  return [String(file), state];
}
