import { baseName, folderOf } from "../../encodings/file-names.ts";
import type { Probe } from "../../encodings/probe.ts";
import { endsAsTable, tableFooter } from "../../encodings/sstable/sstable.ts";
import { CheckpointError } from "../../errors.ts";
import type { ByteSource, FileSet } from "../../io/source/source.ts";
import { tableKind } from "./bundle-index.ts";

/** Which checkpoint any one file of a set, a prefix's file, or a folder leads to; names are relative to the probe's set. */
export type TfLocation =
  | { readonly kind: "v2"; readonly prefix: string }
  | { readonly kind: "v1"; readonly files: readonly string[] }
  /** By its name it belongs to a checkpoint that is not there; opening it gives this error. */
  | { readonly kind: "incomplete"; readonly error: CheckpointError };

const indexSuffix = ".index";
const dataFile = /^(.*)\.data-\d{5}-of-\d{5}$/;
const shardFile = /^(.*)-\d{5}-of-(\d{5})$/;
/** The state file has a line for each checkpoint that is kept; a larger text is none. */
const maxStateFile = 1 << 20;
/** Files of a folder that are looked at for a table's footer. */
const maxLooked = 200;

/** undefined where neither name nor content speaks of a TF checkpoint. A table that is damaged throws. */
export async function locateTf(probe: Probe): Promise<TfLocation | undefined> {
  const { entry, set } = probe;
  if (probe.container === "folder") return locateInFolder(set);
  if (endsAsTable(probe.tail)) return locateTable(probe.source, entry);
  const data = dataFile.exec(entry)?.[1];
  if (data !== undefined) return besides(set, data, "the data file of a TensorFlow checkpoint (by its name)");
  if (baseName(entry) === "checkpoint" && probe.source.size <= maxStateFile) return locateByState(set, entry, probe.source);
  if (entry.endsWith(".meta") && probe.container !== "text")
    return besides(set, entry.slice(0, -".meta".length), "a .meta file, which holds the graph and not the weights");
  if (entry.endsWith(indexSuffix) && (await hasShards(set, entry.slice(0, -indexSuffix.length)))) {
    return { kind: "v2", prefix: entry.slice(0, -indexSuffix.length) };
  }
  return beginsAsTable(probe.head) ? { kind: "incomplete", error: cutShort(entry) } : undefined;
}

/** A table's first entry is the empty key: no shared bytes, no others, a value whose first field is V1's list (0a … 0a). */
function beginsAsTable(head: Uint8Array): boolean {
  if (head[0] !== 0 || head[1] !== 0) return false;
  const length = head.findIndex((byte, k) => k >= 2 && byte < 0x80); // last byte of the value's length
  if (length < 2 || length > 6 || head[length + 1] !== 0x0a) return false;
  const inner = head.findIndex((byte, k) => k >= length + 2 && byte < 0x80);
  return inner >= 0 && inner - length <= 6 && head[inner + 1] === 0x0a;
}

function cutShort(entry: string): CheckpointError {
  return new CheckpointError(
    "truncated",
    `this begins like a TensorFlow V1 checkpoint, but its footer (the last ${tableFooter} bytes) is missing: cut short`,
    {
      file: entry,
      hint: "download or copy the file again",
    },
  );
}

async function locateTable(source: ByteSource, entry: string): Promise<TfLocation | undefined> {
  const kind = await tableKind(source);
  if (kind === "v1") return { kind, files: shardNames(entry) };
  if (kind !== "v2") return undefined;
  if (entry.endsWith(indexSuffix)) return { kind, prefix: entry.slice(0, -indexSuffix.length) };
  const error = new CheckpointError(
    "not-found",
    `this is the index of a TensorFlow checkpoint; its name has to end in ${indexSuffix} for its data files to be found`,
    {
      file: entry,
    },
  );
  return { kind: "incomplete", error };
}

/** All names of a sharded V1 checkpoint, given any one; the name itself where it is no shard. */
function shardNames(entry: string): readonly string[] {
  const [, prefix, count] = shardFile.exec(entry) ?? [];
  const of = Number(count);
  if (prefix === undefined || count === undefined || of === 0) return [entry];
  return Array.from({ length: of }, (_, k) => `${prefix}-${String(k).padStart(5, "0")}-of-${count}`);
}

/** The checkpoint with this prefix, reached by a file that is not the checkpoint itself. */
async function besides(set: FileSet, prefix: string, what: string): Promise<TfLocation> {
  const found = await locatePrefix(set, prefix);
  if (found !== undefined) return found;
  const name = `${baseName(prefix)}${indexSuffix}`;
  const error = new CheckpointError("not-found", `this is ${what}; ${name} is missing beside it`, {
    file: `${prefix}${indexSuffix}`,
    hint: `put ${name} and its data files into the same folder, and name any of them`,
  });
  return { kind: "incomplete", error };
}

/** What a prefix means: `P.index`, the V1 file `P`, or V1 shards `P-?????-of-N`. */
async function locatePrefix(set: FileSet, prefix: string): Promise<TfLocation | undefined> {
  if (await exists(set, `${prefix}${indexSuffix}`)) return { kind: "v2", prefix };
  if (await isV1(set, prefix)) return { kind: "v1", files: [prefix] };
  const pattern = /^(.*)-\?{5}-of-(\d{5})$/.exec(prefix);
  const names = pattern === null ? await shardsOf(set, prefix) : shardNames(`${pattern[1]}-00000-of-${pattern[2]}`);
  const first = names[0];
  return first !== undefined && (await isV1(set, first)) ? { kind: "v1", files: shardNames(first) } : undefined;
}

async function shardsOf(set: FileSet, prefix: string): Promise<readonly string[]> {
  const names = (await set.list()) ?? [];
  return names.filter((name) => shardFile.exec(name)?.[1] === prefix);
}

/** The text file `checkpoint` (CheckpointState): model_checkpoint_path: "…", relative to its folder or absolute. */
async function locateByState(set: FileSet, entry: string, source: ByteSource): Promise<TfLocation | undefined> {
  const text = new TextDecoder().decode(await source.read(0, source.size));
  const quoted = /^\s*model_checkpoint_path\s*:\s*("(?:[^"\\]|\\.)*")/m.exec(text)?.[1];
  if (quoted === undefined) return undefined;
  const path = quoted.slice(1, -1).replace(/\\(["'\\])/g, "$1");
  // An absolute path, or one with "..", is that of the machine that saved it: its last part may be here.
  const outside = path.startsWith("/") || /^[A-Za-z]:|\\|(^|\/)\.\.(\/|$)/.test(path);
  const name = outside ? (path.split(/[/\\]/).at(-1) ?? "") : path;
  const found = name === "" ? undefined : await locatePrefix(set, folderOf(entry) + name);
  if (found !== undefined) return found;
  const error = new CheckpointError("not-found", `it points to ${path}, whose ${indexSuffix} is missing`, {
    file: entry,
    hint: "put the checkpoint's files beside it, or name one of them",
  });
  return { kind: "incomplete", error };
}

async function locateInFolder(set: FileSet): Promise<TfLocation | undefined> {
  const names = (await set.list()) ?? [];
  if (names.includes("saved_model.pb")) return undefined;
  const state = names.includes("checkpoint") ? await set.open("checkpoint") : undefined;
  if (state !== undefined) {
    const found = state.size <= maxStateFile ? await locateByState(set, "checkpoint", state) : undefined;
    await state.close();
    if (found !== undefined && found.kind !== "incomplete") return found;
  }
  const top = names.filter((name) => !name.includes("/"));
  const prefixes = [...new Set(names.map((name) => dataFile.exec(name)?.[1] ?? ""))].filter((prefix) =>
    names.includes(prefix + indexSuffix),
  );
  const near = prefixes.filter((prefix) => !prefix.includes("/"));
  const candidates = near.length > 0 ? near : prefixes.filter((prefix) => prefix === "variables/variables");
  if (candidates.length === 1 && candidates[0] !== undefined) return { kind: "v2", prefix: candidates[0] };
  if (candidates.length > 1) return { kind: "incomplete", error: several(candidates) };
  const tables: string[] = [];
  for (const name of top.slice(0, maxLooked)) if (await isV1(set, name)) tables.push(name);
  const sets = new Map(tables.map((name) => [shardNames(name)[0] ?? name, name]));
  const only = [...sets.values()];
  if (only.length > 1) return { kind: "incomplete", error: several(only) };
  return only[0] === undefined ? undefined : { kind: "v1", files: shardNames(only[0]) };
}

function several(names: readonly string[]): CheckpointError {
  const shown = names.slice(0, 5).join(", ") + (names.length > 5 ? ", …" : "");
  return new CheckpointError("unsupported", `the folder holds ${names.length} TensorFlow checkpoints: ${shown}`, {
    hint: "name one of them",
  });
}

/** Whether `P.data-00000-of-N` is beside `P.index`, whatever N: the index says so itself, but may be damaged. */
async function hasShards(set: FileSet, prefix: string): Promise<boolean> {
  const names = await set.list();
  return names?.some((name) => dataFile.exec(name)?.[1] === prefix) ?? false;
}

async function isV1(set: FileSet, name: string): Promise<boolean> {
  const source = await set.open(name);
  if (source === undefined) return false;
  try {
    if (source.size < tableFooter) return false;
    const tail = await source.read(source.size - tableFooter, tableFooter);
    return endsAsTable(tail) && (await tableKind(source)) === "v1";
  } finally {
    await source.close();
  }
}

async function exists(set: FileSet, name: string): Promise<boolean> {
  const source = await set.open(name);
  await source?.close();
  return source !== undefined;
}

/** The files that TensorFlow writes beside a checkpoint and that hold no tensors: those that are there, with their sizes. */
export async function sidecars(set: FileSet, prefix: string): Promise<{ readonly files: readonly string[]; readonly bytes: number }> {
  const files: string[] = [];
  let bytes = 0;
  for (const name of [`${prefix}.meta`, `${folderOf(prefix)}checkpoint`]) {
    const source = (await set.lacks?.(name)) === true ? undefined : await set.open(name);
    if (source === undefined) continue;
    files.push(name);
    bytes += source.size;
    await source.close();
  }
  return { files, bytes };
}
