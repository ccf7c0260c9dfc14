import type { SourceRows } from "./rows.ts";
import type { CatalogueRow } from "./schema.ts";
import type { PartRows } from "./store.ts";

/** A part is as large as this at most, give or take one source: all of it is in memory when it is written. */
const most = { checkpoints: 512, tensors: 1 << 16, characters: 16 << 20 } as const;

/** Collects the rows of sources until they are a part. */
export class PartBuilder {
  #sources: SourceRows[] = [];
  #tensors = 0;
  #characters = 0;

  get size(): number {
    return this.#sources.length;
  }

  get isFull(): boolean {
    return this.size >= most.checkpoints || this.#tensors >= most.tensors || this.#characters >= most.characters;
  }

  add(rows: SourceRows): void {
    this.#sources.push(rows);
    this.#tensors += rows.tensors.length;
    this.#characters += charactersOf(rows.checkpoint);
  }

  /** What was collected, in the order of sources; the builder is empty then. */
  take(): PartRows {
    const sorted = this.#sources.toSorted((a, b) => bySource(a.checkpoint, b.checkpoint));
    this.#sources = [];
    this.#tensors = 0;
    this.#characters = 0;
    return {
      checkpoints: sorted.map(({ checkpoint }) => checkpoint),
      tensors: sorted.flatMap(({ tensors }) => tensors),
      files: sorted.flatMap(({ files }) => files),
    };
  }
}

/** Whether a part is worth joining with others: many small ones are slow to read. */
export function isSmallPart({ checkpoints, tensors }: { readonly checkpoints: number; readonly tensors: number }): boolean {
  return checkpoints < most.checkpoints / 2 && tensors < most.tensors / 2;
}

export function sourceOfRow(row: CatalogueRow | undefined): string {
  return typeof row?.source === "string" ? row.source : "";
}

/** By UTF-16 units: the same on every machine. */
export function bySource(a: CatalogueRow, b: CatalogueRow): number {
  const [first, second] = [sourceOfRow(a), sourceOfRow(b)];
  return first < second ? -1 : first > second ? 1 : 0;
}

/** Of the long texts of a checkpoint. */
function charactersOf({ metadata, findings, variant, error }: CatalogueRow): number {
  const messages = Array.isArray(findings) ? findings : [];
  const texts = [metadata, variant, error].map((text) => (typeof text === "string" ? text.length : 0));
  return texts.reduce((sum, length) => sum + length, messages.length * 200);
}
