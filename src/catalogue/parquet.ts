import { type FileMetaData, parquetMetadataAsync, parquetReadObjects, type SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { CheckpointError } from "../errors.ts";
import type { ByteSource } from "../io/source/source.ts";
import type { CatalogueCell, CatalogueRow, CatalogueTable, ColumnKind, FindingCell, TableColumn } from "./schema.ts";

const text = { type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } } as const;
const list = { converted_type: "LIST", logical_type: { type: "LIST" } } as const;

/** The schema elements of a column, in Parquet's own words: lists have three levels (LogicalTypes.md of the format). */
const elements: Readonly<Record<ColumnKind, (name: string) => readonly SchemaElement[]>> = {
  text: (name) => [{ name, repetition_type: "OPTIONAL", ...text }],
  bool: (name) => [{ name, repetition_type: "OPTIONAL", type: "BOOLEAN" }],
  int32: (name) => [{ name, repetition_type: "OPTIONAL", type: "INT32" }],
  int64: (name) => [{ name, repetition_type: "OPTIONAL", type: "INT64" }],
  double: (name) => [{ name, repetition_type: "OPTIONAL", type: "DOUBLE" }],
  int64s: (name) => [
    { name, repetition_type: "OPTIONAL", num_children: 1, ...list },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    { name: "element", repetition_type: "OPTIONAL", type: "INT64" },
  ],
  findings: (name) => [
    { name, repetition_type: "OPTIONAL", num_children: 1, ...list },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    { name: "element", repetition_type: "OPTIONAL", num_children: 3 },
    ...["code", "severity", "message"].map((field): SchemaElement => ({ name: field, repetition_type: "OPTIONAL", ...text })),
  ],
};

/** A Parquet file of a table; rows of the same order give the same bytes. */
export function parquetBytes({ columns, group }: CatalogueTable, rows: readonly CatalogueRow[]): Uint8Array {
  const writer = new ByteWriter();
  const schema: SchemaElement[] = [{ name: "root", num_children: columns.length }];
  for (const { name, kind } of columns) {
    const [first, ...below] = elements[kind](name);
    if (first !== undefined) schema.push(name === "source" ? { ...first, repetition_type: "REQUIRED" } : first, ...below);
  }
  const parquet = new ParquetWriter({ writer, schema, createdBy: "vggtool" });
  for (let from = 0; from < rows.length; from += group) {
    const some = rows.slice(from, from + group);
    const columnData = columns.map(({ name, kind }) => ({ name, data: some.map((row) => stored(row[name] ?? null, kind)) }));
    parquet.write({ columnData, rowGroupSize: group });
  }
  parquet.finish();
  return writer.getBytes();
}

/** As the writer takes it: 64-bit integers are bigints there. */
function stored(cell: CatalogueCell, kind: ColumnKind): unknown {
  if (cell === null) return undefined;
  if (kind === "int64" && (typeof cell === "number" || typeof cell === "bigint")) return BigInt(cell);
  if (kind === "int64s" && Array.isArray(cell)) return cell.map((item: number | bigint) => BigInt(item));
  return cell;
}

/** A Parquet file that is read a row group at a time. */
export interface ParquetFile {
  readonly rows: number;
  readonly columns: readonly string[];
  /** The rows of all groups, one after the other; with `only`, these columns of them. Throws `malformed`. */
  groups(only?: readonly string[]): AsyncGenerator<readonly CatalogueRow[]>;
}

/** Throws `malformed` where the source is no Parquet file with the columns of the table. */
export async function openParquet(source: ByteSource, table: CatalogueTable): Promise<ParquetFile> {
  const file = {
    byteLength: source.size,
    async slice(start: number, end = source.size): Promise<ArrayBuffer> {
      const bytes = new Uint8Array(Math.max(0, end - start));
      await source.read(start, bytes.length, bytes);
      return bytes.buffer;
    },
  };
  const metadata = await whole(source, () => parquetMetadataAsync(file));
  const columns = topColumns(metadata);
  const missing = table.columns.find(({ name }) => !columns.includes(name));
  if (missing !== undefined) throw damaged(source, `it has no column ${missing.name}`);
  return {
    rows: Number(metadata.num_rows),
    columns,
    async *groups(only) {
      const wanted = table.columns.filter(({ name }) => only === undefined || only.includes(name));
      let rowStart = 0;
      for (const { num_rows } of metadata.row_groups) {
        const rowEnd = rowStart + Number(num_rows);
        const named = wanted.map(({ name }) => name);
        const records = await whole(source, () => parquetReadObjects({ file, metadata, rowStart, rowEnd, columns: named }));
        yield records.map((record) => rowOf(record, wanted, source));
        rowStart = rowEnd;
      }
    },
  };
}

/** Names right below the root: the elements are the tree, depth first. */
function topColumns({ schema }: FileMetaData): readonly string[] {
  const names: string[] = [];
  const skip = (at: number): number => {
    let next = at + 1;
    for (let child = 0; child < (schema[at]?.num_children ?? 0); child++) next = skip(next);
    return next;
  };
  for (let at = 1; at < schema.length; at = skip(at)) names.push(schema[at]?.name ?? "");
  return names;
}

async function whole<T>(source: ByteSource, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CheckpointError) throw error;
    throw damaged(source, error instanceof Error ? error.message : String(error), error);
  }
}

function damaged(source: ByteSource, why: string, cause?: unknown): CheckpointError {
  return new CheckpointError("malformed", `this is no file of a catalogue: ${why}`, {
    file: source.name,
    hint: "make the catalogue again in a new folder, or remove this part of it",
    cause,
  });
}

function rowOf(record: Readonly<Record<string, unknown>>, columns: readonly TableColumn[], source: ByteSource): CatalogueRow {
  return Object.fromEntries(columns.map(({ name, kind }) => [name, cellOf(record[name], kind, source)]));
}

function cellOf(value: unknown, kind: ColumnKind, source: ByteSource): CatalogueCell {
  if (value === undefined || value === null) return null;
  if (kind === "int64s" && Array.isArray(value)) return value.map((item: unknown) => integer(item, source));
  if (kind === "findings" && Array.isArray(value)) return value.map((item: unknown) => findingOf(item, source));
  if (typeof value === "bigint") return integer(value, source);
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  throw damaged(source, `a column has values of another type than ${kind}`);
}

function integer(value: unknown, source: ByteSource): number | bigint {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (typeof value === "number") return value;
  throw damaged(source, "a list of numbers has something else in it");
}

function findingOf(value: unknown, source: ByteSource): FindingCell {
  if (typeof value !== "object" || value === null) throw damaged(source, "a finding is no record");
  const field = (name: string): string => String(Reflect.get(value, name) ?? "");
  return { code: field("code"), severity: field("severity"), message: field("message") };
}
