import { collectDataset, hdf5Variant } from "../../encodings/hdf5/collect.ts";
import type { Hdf5Dataset, Hdf5File, Hdf5Group } from "../../encodings/hdf5/file.ts";
import { walkDatasets } from "../../encodings/hdf5/walk.ts";
import { parseJson } from "../../encodings/json/json.ts";
import { type KerasLayer, type KerasModel, kerasModel, variableNames, wrapped } from "../../encodings/keras-config.ts";
import type { Reader } from "../../encodings/probe.ts";
import { CheckpointError } from "../../errors.ts";
import type { Inert, LayerRecord, Note, ReadCheckpoint } from "../../tensor/checkpoint.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/*
 * Keras' HDF5 files before version 3 (keras/src/legacy/saving/legacy_h5_format.py): one group a layer, listed in the
 * attribute layer_names; its attribute weight_names lists the datasets below it. A whole model has the same under
 * /model_weights, the configuration as attribute model_config, and maybe /optimizer_weights. Files of 2015 have
 * nb_layers, layer_0 …, nb_params and param_0 … instead. Tensors are named by their dataset's path.
 */
export const reader: Reader = {
  async detect(probe) {
    const file = await probe.opened("hdf5");
    return file !== undefined && (await weightsGroup(file)) !== undefined ? "sure" : undefined;
  },

  async read(probe) {
    const file = await probe.opened("hdf5");
    const weights = file && (await weightsGroup(file));
    if (file === undefined || weights === undefined) {
      throw new CheckpointError("malformed", "no Keras weights: neither layer_names nor model_weights", { file: probe.entry });
    }
    return readKeras(file, weights, probe.entry, probe.source.size);
  },
};

interface Weights {
  readonly group: Hdf5Group;
  /** Path of the group, with a final slash; "" for the root. */
  readonly prefix: string;
}

async function weightsGroup(file: Hdf5File): Promise<Weights | undefined> {
  const inner = await file.root.child("model_weights");
  const candidate = inner?.kind === "group" ? { group: inner, prefix: "model_weights/" } : { group: file.root, prefix: "" };
  const attributes = await candidate.group.attributes();
  const marked = ["layer_names", "layer_names0", "nb_layers"].some((name) => attributes.has(name));
  return marked || candidate.prefix !== "" ? candidate : undefined;
}

/** A layer's group and the paths of its datasets below it, in the layer's own order. */
interface StoredLayer {
  readonly name: string;
  readonly weights: readonly string[];
}

async function readKeras(file: Hdf5File, weights: Weights, entry: string, bytes: number): Promise<ReadCheckpoint> {
  const found = new Map<string, Hdf5Dataset>();
  for await (const { path, dataset } of walkDatasets(file)) found.set(path, dataset);
  const config = await textAttribute(file.root, "model_config");
  const model = config === undefined ? undefined : kerasModel(parseJson(config, file.name, { python: true }));
  const stored = await storedLayers(weights, file.name);
  const layers = records(model, stored, weights.prefix);
  const labels = new Map<string, string>();
  const order: string[] = [];
  for (const layer of stored) {
    for (const weight of layer.weights) {
      const path = `${weights.prefix}${layer.name}/${weight}`;
      if (!found.has(path)) {
        throw new CheckpointError("malformed", `layer ${layer.name} lists the weight ${weight}, which is not in the file`, {
          file: file.name,
          tensor: path,
        });
      }
      order.push(path);
      labels.set(path, labelOf(layer.name, weight));
    }
  }
  for (const { layer, tensors } of layers) {
    const inner = (layer && wrapped(layer)) ?? layer;
    if (inner === undefined) continue;
    const names = variableNames(inner.className, inner.config);
    for (const [index, path] of tensors.entries()) labels.set(path, `${inner.name}/${names[index] ?? lastPart(path)}`);
  }
  const tensors = new Map<string, Tensor>();
  const notes: Note[] = [];
  for (const path of new Set([...order, ...found.keys()])) {
    const dataset = found.get(path);
    const label = labels.get(path);
    const optimizer = path.startsWith("optimizer_weights/");
    const info = { name: path, ...(label !== undefined && { label }), ...(optimizer && { kind: "optimizer" as const }) };
    if (dataset !== undefined) collectDataset(dataset, info, tensors, notes);
  }
  return {
    format: "keras-h5",
    variant: `${model === undefined ? "weights" : "whole model"}, ${hdf5Variant(file)}`,
    files: [entry],
    bytes,
    tensors,
    layers: layers.map(({ record }) => record),
    metadata: await metadataOf(file, weights, model),
    notes,
    close: async () => {},
  };
}

async function storedLayers({ group }: Weights, file: string): Promise<readonly StoredLayer[]> {
  const layers: StoredLayer[] = [];
  const early = await group.attribute("nb_layers");
  if (early !== undefined) return earlyLayers(group, early[0], file);
  for (const name of await names(group, "layer_names")) {
    const layer = await pathChild(group, name);
    if (layer === undefined) throw new CheckpointError("malformed", `layer_names lists ${name}, which is not in the file`, { file });
    layers.push({ name, weights: await names(layer, "weight_names") });
  }
  return layers;
}

/** nb_layers groups layer_0 …, each with nb_params datasets param_0 …; layers without weights count too. */
async function earlyLayers(group: Hdf5Group, count: Inert | undefined, file: string): Promise<readonly StoredLayer[]> {
  const layers: StoredLayer[] = [];
  const links = await group.links();
  if (typeof count !== "number" || count > links.size) {
    throw new CheckpointError("malformed", `nb_layers is ${String(count)}, the file has ${links.size} groups`, { file });
  }
  for (let index = 0; index < count; index++) {
    const layer = await group.child(`layer_${index}`);
    if (layer?.kind !== "group") throw new CheckpointError("malformed", `layer_${index} of ${count} is missing`, { file });
    const params = [...(await layer.links()).keys()].filter((name) => /^param_\d+$/.test(name));
    params.sort((a, b) => Number(a.slice(6)) - Number(b.slice(6)));
    layers.push({ name: `layer_${index}`, weights: params });
  }
  return layers;
}

/** Layer names may hold slashes: the group of fc6/relu is in that of fc6. */
async function pathChild(group: Hdf5Group, path: string): Promise<Hdf5Group | undefined> {
  let at: Hdf5Group = group;
  for (const part of path.split("/")) {
    if (part === "") continue;
    const next = await at.child(part);
    if (next?.kind !== "group") return undefined;
    at = next;
  }
  return at;
}

/** An attribute of names; lists over 64,512 bytes are split into name0, name1 …; a list of no names is an empty float array. */
async function names(group: Hdf5Group, attribute: string): Promise<readonly string[]> {
  const whole = await group.attribute(attribute);
  if (whole !== undefined) return whole.flatMap(text);
  const all: string[] = [];
  for (let piece = 0; ; piece++) {
    const part = await group.attribute(`${attribute}${piece}`);
    if (part === undefined) return all;
    all.push(...part.flatMap(text));
  }
}

function text(value: Inert): string[] {
  return typeof value === "string" ? [value] : [];
}

async function textAttribute(group: Hdf5Group, name: string): Promise<string | undefined> {
  const [value] = (await group.attribute(name)) ?? [];
  return typeof value === "string" ? value : undefined;
}

/** "block1_conv1/kernel:0" of block1_conv1 is block1_conv1/kernel; Keras 1 writes block1_conv1_W_1:0. */
function labelOf(layer: string, weight: string): string {
  const own = /_(W|b|gamma|beta|running_mean|running_std)(_\d+)?(:0)?$/.exec(weight)?.[1] ?? lastPart(weight);
  return `${layer}/${early.get(own) ?? own}`;
}

const early: ReadonlyMap<string, string> = new Map([
  ["W", "kernel"],
  ["b", "bias"],
  ["running_mean", "moving_mean"],
  ["running_std", "moving_variance"],
]);

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1).replace(/:\d+$/, "");
}

interface PlacedRecord {
  readonly record: LayerRecord;
  readonly layer: KerasLayer | undefined;
  readonly tensors: readonly string[];
}

/** The configuration's layers with their datasets; without one, the stored layers that have any. */
function records(model: KerasModel | undefined, stored: readonly StoredLayer[], prefix: string): readonly PlacedRecord[] {
  if (model === undefined) return [];
  const owners = new Map<string, string[]>();
  for (const { name, weights } of stored) {
    const inside = model.layers.filter((layer) => layer.path === name || layer.path.startsWith(`${name}/`));
    for (const weight of weights) {
      const owner = inside.length === 1 ? inside[0] : bestMatch(weight, inside);
      if (owner !== undefined) owners.set(owner.path, [...(owners.get(owner.path) ?? []), `${prefix}${name}/${weight}`]);
    }
  }
  return model.layers.map((layer) => {
    const tensors = owners.get(layer.path) ?? [];
    const record = { name: layer.path, type: layer.className, attributes: layer.config, inputs: layer.inputs, tensors };
    return { record, layer, tensors };
  });
}

/** A model inside a model keeps all its weights in one group: their names begin with, or hold, the inner layer's name. */
function bestMatch(weight: string, layers: readonly KerasLayer[]): KerasLayer | undefined {
  const parts = new Set(weight.split("/").slice(0, -1));
  const matching = layers.filter(({ name }) => parts.has(name) || weight.startsWith(`${name}_`));
  return matching.reduce<KerasLayer | undefined>(
    (best, layer) => (best && best.name.length >= layer.name.length ? best : layer),
    undefined,
  );
}

async function metadataOf(file: Hdf5File, weights: Weights, model: KerasModel | undefined): Promise<ReadonlyMap<string, Inert>> {
  const metadata = new Map<string, Inert>();
  for (const name of ["keras_version", "backend", "vggtool"]) {
    const value = (await textAttribute(file.root, name)) ?? (await textAttribute(weights.group, name));
    if (value !== undefined) metadata.set(name, value);
  }
  const training = await textAttribute(file.root, "training_config");
  if (training !== undefined) metadata.set("training_config", parseJson(training, file.name, { python: true }));
  if (model !== undefined) metadata.set("model", model.name ?? model.className);
  return metadata;
}
