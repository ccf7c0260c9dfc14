import type { CheckpointError } from "../errors.ts";
import type { Inspected } from "../inspect/inspect.ts";
import type { SeenState } from "../io/opened.ts";
import { isAddress } from "../io/remote/address.ts";
import { toJson } from "../report/json.ts";
import type { Inert } from "../tensor/checkpoint.ts";
import type { CatalogueRow } from "./schema.ts";

/** The rows of one source. */
export interface SourceRows {
  readonly checkpoint: CatalogueRow;
  readonly tensors: readonly CatalogueRow[];
  /** Empty where the source may answer otherwise the next time: then it is read again. */
  readonly files: readonly CatalogueRow[];
}

/** What a source was read from, by the names of the files; the first is the one that was named. */
export type SeenFiles = ReadonlyMap<string, SeenState>;

/** Characters of a checkpoint's metadata as JSON: class names and a model's configuration have some 100,000. */
const longestMetadata = 1 << 20;

export function rowsOfCheckpoint(source: string, inspected: Inspected, sha256: string | null, seen: SeenFiles): SourceRows {
  const { record, identity } = inspected;
  const { architecture: network } = record;
  const checkpoint: CatalogueRow = {
    ...entryOf(source, seen),
    sha256,
    bytes: record.bytes,
    format: record.format,
    variant: record.variant,
    family: network?.family ?? null,
    config: network?.config ?? null,
    through: network?.through ?? null,
    scheme: network?.scheme ?? null,
    prefix: network?.prefix ?? null,
    host: record.host?.name ?? null,
    complete: network?.complete ?? null,
    classes: network?.classes ?? null,
    tensors: record.totals.tensors,
    parameters: record.totals.parameters,
    findings: record.findings.map(({ code, severity, message }) => ({ code, severity, message })),
    metadata: metadataText(record.metadata),
    preprocessing: identity?.preprocessing === undefined ? null : toJson(identity.preprocessing),
    error: null,
  };
  return { checkpoint, tensors: tensorRows(source, inspected), files: fileRows(source, seen) };
}

/** A source that could not be read: what kept it from being read, without its name. */
export function rowsOfError(source: string, error: CheckpointError, seen: SeenFiles): SourceRows {
  const { tensor, offset } = error.where;
  const places = [offset === undefined ? "" : `at byte ${offset}`, tensor === undefined ? "" : `tensor ${tensor}`].filter(
    (place) => place !== "",
  );
  const sentence = places.length > 0 ? `${error.summary} (${places.join(", ")})` : error.summary;
  const again = isPassing(source, error);
  const checkpoint: CatalogueRow = {
    ...entryOf(source, seen),
    ...Object.fromEntries(unknown.map((name) => [name, null])),
    findings: [],
    error: sentence,
  };
  return { checkpoint, tensors: [], files: again ? [] : fileRows(source, seen) };
}

/** Whether the source may answer otherwise the next time, although no file that was seen has changed: also without `--offline`. */
export function isPassing(source: string, { code }: CheckpointError): boolean {
  return passing.has(code) || (code === "usage" && isAddress(source));
}

const passing: ReadonlySet<CheckpointError["code"]> = new Set(["io", "changed", "interrupted"]);

const unknown = [
  "sha256",
  "format",
  "variant",
  "family",
  "config",
  "through",
  "scheme",
  "prefix",
  "host",
  "complete",
  "classes",
  "tensors",
  "parameters",
  "metadata",
  "preprocessing",
] as const;

/** State and size of the file that was named; a folder has none. */
function entryOf(source: string, seen: SeenFiles): CatalogueRow {
  const first = [...seen.values()].find((state) => state !== null);
  return { source, etag: first?.etag ?? null, bytes: first?.bytes ?? null };
}

function tensorRows(source: string, { record }: Inspected): readonly CatalogueRow[] {
  return record.tensors.map(({ name, role, body, dtype, shape, bytes, sha256, stats }) => ({
    source,
    name,
    role: role ?? null,
    body,
    dtype,
    shape,
    bytes,
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(stats === undefined
      ? {}
      : {
          min: asDouble(stats.min),
          max: asDouble(stats.max),
          mean: stats.mean,
          std: stats.std,
          zeros: stats.zeros,
          nan: stats.nan,
          inf: stats.inf,
        }),
  }));
}

/** Integers beyond 2^53 lose their last digits: the columns are doubles. */
function asDouble(value: number | bigint | null): number | null {
  return value === null ? null : Number(value);
}

function fileRows(source: string, seen: SeenFiles): readonly CatalogueRow[] {
  return [...seen].map(([file, state]) => ({ source, file, etag: state?.etag ?? null, bytes: state?.bytes ?? null }));
}

/** A JSON object; where it is too long, its longest fields are left out, and `vggtool:omitted` has their names. */
function metadataText(metadata: ReadonlyMap<string, Inert>): string | null {
  if (metadata.size === 0) return null;
  const whole = toJson(metadata);
  if (whole.length <= longestMetadata) return whole;
  const fields = [...metadata].map(([name, value]) => ({ name, value, length: toJson(value).length + name.length }));
  const kept = new Map(metadata);
  const omitted: string[] = [];
  let length = whole.length;
  for (const field of fields.toSorted((a, b) => b.length - a.length)) {
    if (length <= longestMetadata) break;
    kept.delete(field.name);
    omitted.push(field.name);
    length -= field.length;
  }
  return toJson(new Map<string, Inert>([...kept, ["vggtool:omitted", omitted]]));
}
