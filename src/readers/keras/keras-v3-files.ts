import { zipSet } from "../../encodings/archive/zip-set.ts";
import { baseName, folderOf } from "../../encodings/file-names.ts";
import { isObject, type Json, parseJsonBytes } from "../../encodings/json/json.ts";
import type { Probe } from "../../encodings/probe.ts";
import { CheckpointError } from "../../errors.ts";
import type { Context } from "../../io/context.ts";
import type { ByteSource, FileSet } from "../../io/source/source.ts";
import { subset } from "../../io/subset.ts";
import type { Note } from "../../tensor/checkpoint.ts";

/** The files of one Keras 3 checkpoint, opened. */
export interface KerasFiles {
  /** .weights.h5, or shards of it, or one .weights.npz. */
  readonly weights: readonly ByteSource[];
  readonly config: Json | undefined;
  readonly metadata: Json | undefined;
  readonly shape: "a .keras zip" | "a folder" | "weights" | "sharded weights";
  readonly files: readonly string[];
  readonly bytes: number;
  readonly notes: readonly Note[];
  /** What was opened here and is to be closed. */
  readonly owned: readonly ByteSource[];
}

const weightNames = ["model.weights.h5", "model.weights.npz"];
const shardsSuffix = ".weights.json";
/** Configurations are read whole; that of a model of 1,000 layers has 1 MB. */
const maxJson = 64 * 1024 * 1024;

/** Which kind of Keras 3 checkpoint a probe is part of, by the names of its files alone. */
export async function kerasShape(probe: Probe): Promise<"zip" | "folder" | "shards" | undefined> {
  const archive = await probe.opened("zip");
  if (archive !== undefined) {
    const has = (name: string): boolean => archive.entries.has(name);
    return has("config.json") && (weightNames.some(has) || has("metadata.json")) ? "zip" : undefined;
  }
  const names = new Set(await namesBeside(probe));
  if (probe.container === "folder") {
    if (names.has("config.json") && weightNames.some((name) => names.has(name))) return "folder";
    return [...names].filter((name) => name.endsWith(shardsSuffix)).length === 1 ? "shards" : undefined;
  }
  const base = baseName(probe.entry);
  if (shardIndexOf(base, names) !== undefined) return "shards";
  const member = base === "config.json" || base === "metadata.json" || weightNames.includes(base);
  return member && names.has("config.json") && weightNames.some((name) => names.has(name)) ? "folder" : undefined;
}

/** Names in the folder of the entry, without those of folders below. */
async function namesBeside(probe: Probe): Promise<readonly string[]> {
  const folder = folderOf(probe.entry);
  const names = (await probe.set.list()) ?? [];
  return names.filter((name) => name.startsWith(folder) && !name.slice(folder.length).includes("/")).map(baseName);
}

/** model.weights.json of model_00001.weights.h5, or of itself. */
function shardIndexOf(base: string, names: ReadonlySet<string>): string | undefined {
  const stem = base.endsWith(shardsSuffix) ? base.slice(0, -shardsSuffix.length) : /^(.*)_\d{5}\.weights\.h5$/.exec(base)?.[1];
  const index = `${stem}${shardsSuffix}`;
  return stem !== undefined && names.has(index) ? index : undefined;
}

/** Opens what belongs together. Throws `not-found` for a file that another one names. */
export async function openKeras(probe: Probe, ctx: Context): Promise<KerasFiles> {
  const shape = await kerasShape(probe);
  if (shape === "zip") return openZipped(probe, ctx);
  const set = subset(probe.set, folderOf(probe.entry));
  if (shape === "folder") return openFolder(set);
  if (shape === "shards") return openShards(set, probe);
  const shard = /_\d{5}\.weights\.h5$/.test(probe.entry);
  const lone: Note = {
    code: "truncated-shard",
    message: "this file is one of several and the .weights.json beside it is missing: only its own tensors are listed",
  };
  const files = [probe.entry];
  const rest = { config: undefined, metadata: undefined, notes: shard ? [lone] : [], owned: [] };
  return { weights: [probe.source], shape: "weights", files, bytes: probe.source.size, ...rest };
}

async function openZipped(probe: Probe, ctx: Context): Promise<KerasFiles> {
  const archive = await probe.opened("zip");
  if (archive === undefined) throw new CheckpointError("malformed", "a .keras file has to be a zip", { file: probe.entry });
  const set = zipSet(archive, ctx);
  const [weights] = await openFirst(set, weightNames);
  if (weights === undefined) {
    const hint = "the architecture is in config.json, the values are not in the file";
    throw new CheckpointError("not-found", "the zip holds no model.weights.h5", { file: probe.entry, hint });
  }
  const config = await readJson(set, "config.json");
  const metadata = await readJson(set, "metadata.json");
  // Keras stores the member; HDF5 is read at many places, which a deflated one allows only when spooled.
  const source = ctx.random(weights);
  const bytes = probe.source.size;
  return { weights: [source], config, metadata, shape: "a .keras zip", files: [probe.entry], bytes, notes: [], owned: [] };
}

async function openFolder(set: FileSet): Promise<KerasFiles> {
  const [weights, name] = await openFirst(set, weightNames);
  if (weights === undefined || name === undefined)
    throw new CheckpointError("not-found", "no model.weights.h5 in the folder", { file: set.name });
  const config = await readJson(set, "config.json");
  const metadata = await readJson(set, "metadata.json");
  const files = ["config.json", ...(metadata === undefined ? [] : ["metadata.json"]), name];
  return { weights: [weights], config, metadata, shape: "a folder", files, bytes: weights.size, notes: [], owned: [weights] };
}

/** {"metadata": {"total_size": n}, "weight_map": {"/layers/conv2d/vars": ["model_00000.weights.h5", …]}} */
async function openShards(set: FileSet, probe: Probe): Promise<KerasFiles> {
  const names = new Set(await namesBeside(probe));
  const own = shardIndexOf(baseName(probe.entry), names) ?? [...names].find((name) => name.endsWith(shardsSuffix));
  const index = own === undefined ? undefined : await readJson(set, own);
  const map = isObject(index) ? index.get("weight_map") : undefined;
  if (own === undefined || !isObject(map)) {
    throw new CheckpointError("malformed", "the index has no weight_map of .weights.h5 files", { file: own ?? probe.entry });
  }
  const shards = new Set<string>();
  for (const value of map.values()) {
    for (const name of Array.isArray(value) ? value : [value]) {
      if (typeof name !== "string") throw new CheckpointError("malformed", "the weight_map names a file that is no text", { file: own });
      shards.add(name);
    }
  }
  const opened: ByteSource[] = [];
  try {
    for (const name of [...shards].sort()) {
      const source = await set.open(name);
      if (source === undefined) throw new CheckpointError("not-found", `${name} is missing: the index ${own} names it`, { file: own });
      opened.push(source);
    }
  } catch (error) {
    for (const source of opened) await source.close();
    throw error;
  }
  const bytes = opened.reduce((total, { size }) => total + size, 0);
  const files = [own, ...[...shards].sort()];
  return { weights: opened, config: undefined, metadata: undefined, shape: "sharded weights", files, bytes, notes: [], owned: opened };
}

async function openFirst(set: FileSet, names: readonly string[]): Promise<[source?: ByteSource, name?: string]> {
  for (const name of names) {
    const source = await set.open(name);
    if (source !== undefined) return [source, name];
  }
  return [];
}

async function readJson(set: FileSet, name: string): Promise<Json | undefined> {
  const source = await set.open(name);
  if (source === undefined) return undefined;
  try {
    if (source.size > maxJson)
      throw new CheckpointError("unsafe", `${name} has ${source.size} bytes, at most ${maxJson} are read`, { file: name });
    return parseJsonBytes(await source.read(0, source.size), name, { python: true });
  } finally {
    await source.close();
  }
}
