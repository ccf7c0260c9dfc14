/**
 * The tables of a catalogue, a row a column: names, types and order are part of the command-line contract (docs/catalogue.md).
 * `source` is never null; of all others null says that it is not known, or that there is none.
 */

/** text: UTF-8. int64s: a list. findings: a list of { code, severity, message }. */
export type ColumnKind = "text" | "bool" | "int32" | "int64" | "double" | "int64s" | "findings";

export interface TableColumn {
  readonly name: string;
  readonly kind: ColumnKind;
}

/** A finding as a catalogue keeps it. */
export interface FindingCell {
  readonly code: string;
  readonly severity: string;
  readonly message: string;
}

/** Integers beyond 2^53 are bigints. */
export type CatalogueCell = null | boolean | number | bigint | string | readonly (number | bigint)[] | readonly FindingCell[];
export type CatalogueRow = Readonly<Record<string, CatalogueCell>>;

export interface CatalogueTable {
  /** What its files' names begin with. */
  readonly name: "checkpoints" | "tensors" | "files";
  readonly columns: readonly TableColumn[];
  /** Rows of a row group: what a reader has in memory at a time. */
  readonly group: number;
}

/** What a catalogue was asked to have of the values; decided when it is made. */
export interface Depth {
  readonly hash: boolean;
  readonly stats: boolean;
}

const checkpoints: readonly TableColumn[] = [
  { name: "source", kind: "text" },
  { name: "etag", kind: "text" },
  { name: "sha256", kind: "text" },
  { name: "bytes", kind: "int64" },
  { name: "format", kind: "text" },
  { name: "variant", kind: "text" },
  { name: "family", kind: "text" },
  { name: "config", kind: "text" },
  { name: "through", kind: "text" },
  { name: "scheme", kind: "text" },
  { name: "prefix", kind: "text" },
  { name: "host", kind: "text" },
  { name: "complete", kind: "bool" },
  { name: "classes", kind: "int32" },
  { name: "tensors", kind: "int32" },
  { name: "parameters", kind: "int64" },
  { name: "findings", kind: "findings" },
  { name: "metadata", kind: "text" },
  { name: "preprocessing", kind: "text" },
  { name: "error", kind: "text" },
];

const tensors: readonly TableColumn[] = [
  { name: "source", kind: "text" },
  { name: "name", kind: "text" },
  { name: "role", kind: "text" },
  { name: "body", kind: "int32" },
  { name: "dtype", kind: "text" },
  { name: "shape", kind: "int64s" },
  { name: "bytes", kind: "int64" },
];

const hashes: readonly TableColumn[] = [{ name: "sha256", kind: "text" }];

const statistics: readonly TableColumn[] = [
  ...["min", "max", "mean", "std"].map((name) => ({ name, kind: "double" }) as const),
  ...["zeros", "nan", "inf"].map((name) => ({ name, kind: "int64" }) as const),
];

/** What a source was read from, so that the next run can see whether it changed: also files that were looked for and are not there. */
const files: readonly TableColumn[] = [
  { name: "source", kind: "text" },
  { name: "file", kind: "text" },
  { name: "etag", kind: "text" },
  { name: "bytes", kind: "int64" },
];

export type Tables = Readonly<Record<CatalogueTable["name"], CatalogueTable>>;

export function tablesOf({ hash, stats }: Depth): Tables {
  return {
    checkpoints: { name: "checkpoints", columns: checkpoints, group: 256 },
    tensors: { name: "tensors", columns: [...tensors, ...(hash ? hashes : []), ...(stats ? statistics : [])], group: 8192 },
    files: { name: "files", columns: files, group: 8192 },
  };
}
