import { CheckpointError } from "../errors.ts";
import { type ContextOptions, createContext } from "../io/run.ts";
import { open } from "../open.ts";
import { tester } from "./expression/evaluate.ts";
import { parseWhere } from "./expression/parse.ts";
import type { CataloguePart } from "./manifest.ts";
import { sourceOfRow } from "./part-builder.ts";
import { SameWeights } from "./same-weights.ts";
import type { CatalogueRow } from "./schema.ts";
import { type Catalogue, openCatalogue } from "./store.ts";

export interface CatalogueQuery {
  /** An expression over the columns, as `classes = 2622 and format in ('torch', 'mat')`. */
  readonly where?: string;
  /** A path or an address: the checkpoints with its weights. */
  readonly sameWeightsAs?: string;
  /** Rows of the tensors, not of the checkpoints. */
  readonly tensors?: boolean;
}

export interface QueryContext {
  readonly context: ContextOptions;
  readonly from?: string;
  readonly amplified?: boolean;
}

/** The rows that answer, sorted by source in each part. Throws `usage` for an expression that is none, and where the catalogue has no hashes. */
export async function* queryRows(folder: string, query: CatalogueQuery, options: QueryContext): AsyncGenerator<CatalogueRow> {
  const catalogue = await openCatalogue(folder);
  const table = query.tensors === true ? "tensors" : "checkpoints";
  const expression = query.where === undefined ? undefined : parseWhere(query.where, catalogue.tables[table].columns);
  const takes = expression === undefined ? () => true : tester(expression);
  if (query.sameWeightsAs === undefined) {
    for (const part of catalogue.parts) for await (const rows of catalogue.rows(part, table)) yield* rows.filter(takes);
    return;
  }
  if (!catalogue.depth.hash) {
    throw new CheckpointError("usage", "this catalogue has no hashes, by which weights are compared", {
      file: folder,
      hint: "make one with them in another folder: vggtool catalogue SOURCE --hash -o OTHER",
    });
  }
  const ctx = createContext({ ...options.context, values: true });
  try {
    const checkpoint = await open(query.sameWeightsAs, ctx, { from: options.from, amplified: options.amplified });
    try {
      const same = await SameWeights.of(checkpoint, ctx);
      for (const part of catalogue.parts) {
        const sources = await sourcesWith(same, catalogue, part);
        if (sources.size === 0) continue;
        for await (const rows of catalogue.rows(part, table)) yield* rows.filter((row) => sources.has(sourceOfRow(row)) && takes(row));
      }
    } finally {
      await checkpoint.close();
    }
  } catch (error) {
    throw error instanceof CheckpointError ? error.at({ file: query.sameWeightsAs }) : error;
  } finally {
    await ctx.dispose();
  }
}

/** The sources of a part that have the weights. */
async function sourcesWith(same: SameWeights, catalogue: Catalogue, part: CataloguePart): Promise<ReadonlySet<string>> {
  const candidates = new Set<string>();
  for await (const rows of catalogue.rows(part, "checkpoints", ["source", "parameters"])) {
    for (const row of rows) if (row.parameters === same.parameters) candidates.add(sourceOfRow(row));
  }
  const found = new Set<string>();
  if (candidates.size === 0) return found;
  let [source, tensors]: [string, CatalogueRow[]] = ["", []];
  const decide = async (): Promise<void> => {
    if (candidates.has(source) && (await same.isIn(tensors))) found.add(source);
  };
  for await (const rows of catalogue.rows(part, "tensors", ["source", "role", "body", "dtype", "bytes", "sha256"])) {
    for (const row of rows) {
      if (sourceOfRow(row) !== source) {
        await decide();
        [source, tensors] = [sourceOfRow(row), []];
      }
      if (candidates.has(source)) tensors.push(row);
    }
  }
  await decide();
  return found;
}
