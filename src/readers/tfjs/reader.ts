import { baseName, folderOf } from "../../encodings/file-names.ts";
import { isObject, type Json, parseJsonBytes } from "../../encodings/json/json.ts";
import { kerasModel, wrapped } from "../../encodings/keras-config.ts";
import type { Probe, Reader } from "../../encodings/probe.ts";
import { CheckpointError } from "../../errors.ts";
import type { ByteSource, FileSet } from "../../io/source/source.ts";
import { concat } from "../../io/source/window.ts";
import { subset } from "../../io/subset.ts";
import type { Inert, LayerRecord, Note, ReadCheckpoint } from "../../tensor/checkpoint.ts";
import { type Tensor, withInfo } from "../../tensor/tensor.ts";
import { readWeight } from "./weight.ts";

/*
 * TensorFlow.js (tfjs-core/src/io/types.ts): model.json with modelTopology (a Keras configuration, or a graph's nodes) and
 * weightsManifest, a list of groups {paths, weights}. The files of a group one behind the other hold its weights back to
 * back; a weight may straddle files. Old converters wrote weights_manifest.json, the list alone.
 */

const entries = ["model.json", "weights_manifest.json"];
/** The topology of a graph of 10,000 nodes has some 10 MB. */
const maxJson = 64 * 1024 * 1024;

export const reader: Reader = {
  async detect(probe) {
    if (probe.container === "json") return manifestOf(await probe.opened("json")) ? "sure" : undefined;
    if (probe.container !== "folder" && !/shard\d+of\d+(\.bin)?$/.test(probe.entry)) return undefined;
    const entry = await findEntry(probe);
    return entry === undefined ? undefined : "sure";
  },

  async read(probe) {
    const entry = probe.container === "json" ? probe.entry : await findEntry(probe);
    if (entry === undefined) throw new CheckpointError("not-found", "no model.json beside it", { file: probe.entry });
    const set = subset(probe.set, folderOf(entry));
    const json = await readJson(probe.container === "json" ? probe.source : await set.open(baseName(entry)), entry);
    return readModel(set, json, entry);
  },
};

/** model.json beside a shard or in a folder, if it is one of these. */
async function findEntry(probe: Probe): Promise<string | undefined> {
  const folder = folderOf(probe.entry);
  for (const name of entries) {
    const source = await probe.set.open(folder + name);
    if (source === undefined) continue;
    try {
      const own = baseName(probe.entry);
      const text = new TextDecoder().decode(await source.read(0, Math.min(source.size, maxJson)));
      const mine = probe.container === "folder" || text.includes(JSON.stringify(own));
      if (/"weights(Manifest)?"/.test(text) && mine) return folder + name;
    } finally {
      await source.close();
    }
  }
  return undefined;
}

/** Whether plain JSON is a model of TensorFlow.js. */
function manifestOf(json: unknown): boolean {
  if (Array.isArray(json)) return json.length > 0 && json.every(isGroup);
  if (typeof json !== "object" || json === null) return false;
  const manifest = "weightsManifest" in json ? json.weightsManifest : undefined;
  return Array.isArray(manifest) ? manifest.every(isGroup) : "modelTopology" in json;
}

function isGroup(value: unknown): boolean {
  return typeof value === "object" && value !== null && "paths" in value && "weights" in value;
}

async function readJson(source: ByteSource | undefined, name: string): Promise<Json> {
  if (source === undefined) throw new CheckpointError("not-found", "it is missing", { file: name });
  if (source.size > maxJson)
    throw new CheckpointError("unsafe", `JSON of ${source.size} bytes, at most ${maxJson} are read`, { file: name });
  return parseJsonBytes(await source.read(0, source.size), name, { python: true });
}

async function readModel(set: FileSet, json: Json, entry: string): Promise<ReadCheckpoint> {
  const model = isObject(json) ? json : new Map<string, Json>();
  const manifest = Array.isArray(json) ? json : (model.get("weightsManifest") ?? []);
  if (!Array.isArray(manifest)) throw new CheckpointError("malformed", "weightsManifest is no list", { file: entry });
  const opened: ByteSource[] = [];
  const names: string[] = [];
  const tensors = new Map<string, Tensor>();
  const notes: Note[] = [];
  try {
    for (const group of manifest) {
      const paths = isObject(group) ? group.get("paths") : undefined;
      const weights = isObject(group) ? group.get("weights") : undefined;
      if (!Array.isArray(paths) || !Array.isArray(weights)) {
        throw new CheckpointError("malformed", "a group of weightsManifest has no paths or no weights", { file: entry });
      }
      const shards = await openShards(set, paths, entry);
      opened.push(...shards);
      names.push(...shards.map(({ name }) => name));
      await readGroup(concat(shards, entry), weights, tensors, notes);
    }
  } catch (error) {
    for (const source of opened) await source.close();
    throw error;
  }
  const format = model.get("format");
  const topology = model.get("modelTopology");
  return {
    format: "tfjs",
    variant: typeof format === "string" ? format : "weights manifest",
    files: [entry, ...names.map((name) => folderOf(entry) + baseName(name))],
    bytes: opened.reduce((total, { size }) => total + size, 0),
    ...withLayers(tensors, topology),
    metadata: metadataOf(model, topology),
    notes,
    close: async () => {
      for (const source of opened) await source.close();
    },
  };
}

async function openShards(set: FileSet, paths: readonly Json[], entry: string): Promise<readonly ByteSource[]> {
  const shards: ByteSource[] = [];
  for (const path of paths) {
    if (typeof path !== "string") throw new CheckpointError("malformed", "a path of weightsManifest is no text", { file: entry });
    const source = await set.open(path);
    if (source === undefined) {
      for (const shard of shards) await shard.close();
      throw new CheckpointError("not-found", `the weight file ${path} is missing`, {
        file: entry,
        hint: `put it beside ${baseName(entry)}`,
      });
    }
    shards.push(source);
  }
  return shards;
}

/** The weights of one group, cut one behind the other from its files. */
async function readGroup(source: ByteSource, weights: readonly Json[], tensors: Map<string, Tensor>, notes: Note[]): Promise<void> {
  let offset = 0;
  for (const entry of weights) {
    const { tensor, size } = await readWeight(source, offset, entry);
    if (tensors.has(tensor.name))
      throw new CheckpointError("malformed", "two weights have this name", { file: source.name, tensor: tensor.name });
    tensors.set(tensor.name, tensor);
    offset += size;
  }
  if (offset < source.size)
    notes.push({ code: "unused-bytes", message: `${source.size - offset} bytes behind the last weight belong to none`, offset });
}

function withLayers(tensors: ReadonlyMap<string, Tensor>, topology: Json | undefined): Pick<ReadCheckpoint, "tensors" | "layers"> {
  const model = isObject(topology) ? (kerasModel(topology.get("model_config")) ?? kerasModel(topology)) : undefined;
  if (model === undefined) return { tensors, layers: graphLayers(tensors, topology) };
  const byName = new Map(model.layers.map((layer) => [layer.name, layer]));
  const owned = new Map<string, string[]>();
  const labelled = new Map<string, Tensor>();
  for (const [name, tensor] of tensors) {
    const parts = name.split("/");
    const layer = parts.slice(0, -1).flatMap((part) => byName.get(part) ?? [])[0];
    const inner = layer && wrapped(layer);
    labelled.set(name, inner === undefined ? tensor : withInfo(tensor, { label: `${inner.name}/${parts.at(-1)}` }));
    if (layer !== undefined) owned.set(layer.name, [...(owned.get(layer.name) ?? []), name]);
  }
  const layers = model.layers.map(({ path, name, className, config, inputs }): LayerRecord => {
    return { name: path, type: className, attributes: config, inputs, tensors: owned.get(name) ?? [] };
  });
  return { tensors: labelled, layers };
}

/** A graph model's nodes; constants are the weights, so they are reported as what other nodes take. */
function graphLayers(tensors: ReadonlyMap<string, Tensor>, topology: Json | undefined): readonly LayerRecord[] {
  const nodes = isObject(topology) ? topology.get("node") : undefined;
  if (!Array.isArray(nodes)) return [];
  const layers: LayerRecord[] = [];
  for (const node of nodes) {
    if (!isObject(node)) continue;
    const name = node.get("name");
    const op = node.get("op");
    const attributes = node.get("attr");
    if (typeof name !== "string" || typeof op !== "string" || op === "Const") continue;
    const given = node.get("input");
    const inputs = (Array.isArray(given) ? given : []).flatMap((input) => (typeof input === "string" ? [input] : []));
    layers.push({
      name,
      type: op,
      attributes: isObject(attributes) ? attributes : new Map(),
      inputs: inputs.filter((input) => !tensors.has(input)),
      tensors: inputs.filter((input) => tensors.has(input)),
    });
  }
  return layers;
}

function metadataOf(model: ReadonlyMap<string, Json>, topology: Json | undefined): ReadonlyMap<string, Inert> {
  const metadata = new Map<string, Inert>();
  for (const [key, value] of model) if (key !== "modelTopology" && key !== "weightsManifest") metadata.set(key, value);
  for (const key of ["keras_version", "backend"]) {
    const value = isObject(topology) ? topology.get(key) : undefined;
    if (typeof value === "string") metadata.set(key, value);
  }
  return metadata;
}
