import { openZip } from "../../encodings/archive/zip.ts";
import { collectDataset } from "../../encodings/hdf5/collect.ts";
import { type Hdf5Dataset, type Hdf5File, openHdf5 } from "../../encodings/hdf5/file.ts";
import { walkDatasets } from "../../encodings/hdf5/walk.ts";
import { isObject } from "../../encodings/json/json.ts";
import { groupNames, type KerasLayer, type KerasModel, kerasModel, variableNames, wrapped } from "../../encodings/keras-config.ts";
import { readNpyHeader } from "../../encodings/npy/npy.ts";
import { readNpyObjects } from "../../encodings/npy/npy-objects.ts";
import type { Reader } from "../../encodings/probe.ts";
import { CheckpointError } from "../../errors.ts";
import type { Context } from "../../io/context.ts";
import type { ByteSource } from "../../io/source/source.ts";
import type { Inert, LayerRecord, Note, ReadCheckpoint } from "../../tensor/checkpoint.ts";
import { isNumericDType, type NumericDType } from "../../tensor/dtype.ts";
import { type Tensor, type TensorKind, withInfo } from "../../tensor/tensor.ts";
import { naturalOrder } from "../../text/natural-order.ts";
import { kerasShape, openKeras } from "./keras-v3-files.ts";

/*
 * Keras 3's own files (keras/src/saving/saving_lib.py): .keras (a zip, or the same members in a folder: config.json,
 * metadata.json, model.weights.h5), .weights.h5 alone, and sharded .weights.h5 with a .weights.json. Variables are at
 * layers/<class in snake case, counted>/vars/<number>; the layer's own name is an attribute of `vars`, or in config.json.
 */
export const reader: Reader = {
  async detect(probe) {
    if ((await kerasShape(probe)) !== undefined) return "sure";
    const file = await probe.opened("hdf5");
    return file !== undefined && (await hasVars(file)) ? "sure" : undefined;
  },

  async read(probe, ctx) {
    const files = await openKeras(probe, ctx);
    const close = async (): Promise<void> => {
      for (const source of files.owned) await source.close();
    };
    try {
      const stored = new Stored();
      for (const source of files.weights) await stored.add(source, ctx);
      const model = kerasModel(files.config);
      return { ...list(stored, model), ...describe(files, model), notes: [...files.notes, ...stored.notes], close };
    } catch (error) {
      await close();
      throw error;
    }
  },
};

/** Whether the first datasets are in groups named `vars` under numbers, as nothing else has them. */
async function hasVars(file: Hdf5File): Promise<boolean> {
  let seen = 0;
  for await (const { path } of walkDatasets(file)) {
    if (!/(^|\/)vars\/\d+$/.test(path)) return false;
    seen++;
    if (seen === 5) break;
  }
  return seen > 0;
}

type Files = Awaited<ReturnType<typeof openKeras>>;

function describe(
  files: Files,
  model: KerasModel | undefined,
): Pick<ReadCheckpoint, "format" | "variant" | "files" | "bytes" | "metadata"> {
  const metadata = new Map<string, Inert>(isObject(files.metadata) ? files.metadata : []);
  if (model !== undefined) metadata.set("model", model.name ?? model.className);
  const version = metadata.get("keras_version");
  const variant = typeof version === "string" ? `${files.shape}, Keras ${version}` : files.shape;
  return { format: "keras-v3", variant, files: files.files, bytes: files.bytes, metadata };
}

/** What the weight files hold, before it is put in order. */
class Stored {
  readonly datasets = new Map<string, Hdf5Dataset>();
  /** From a .npz store. */
  readonly arrays = new Map<string, Tensor>();
  /** Path of a `vars` group: the layer's own name. */
  readonly names = new Map<string, string>();
  readonly dtypes = new Map<string, NumericDType>();
  readonly notes: Note[] = [];

  async add(source: ByteSource, ctx: Context): Promise<void> {
    const [first = 0] = await source.read(0, Math.min(1, source.size));
    if (first === 0x50) await this.#addNpz(source, ctx);
    else await this.#addHdf5(await openHdf5(source));
  }

  async #addHdf5(file: Hdf5File): Promise<void> {
    const walk = walkDatasets(file, file.root, async (path, group) => {
      if (!path.endsWith("/vars")) return;
      const [name] = (await group.attribute("name")) ?? [];
      if (typeof name === "string") this.names.set(path, name);
    });
    for await (const { path, dataset } of walk) {
      if (this.datasets.has(path)) throw new CheckpointError("malformed", "is in two of the files", { file: file.name, tensor: path });
      this.datasets.set(path, dataset);
      if (dataset.type.class !== "opaque") continue;
      // bfloat16 is kept as bytes; its name is an attribute.
      const [dtype] = (await dataset.attribute("dtype")) ?? [];
      if (typeof dtype === "string" && isNumericDType(dtype)) this.dtypes.set(path, dtype);
    }
  }

  /** One member for each group of variables: an array of no dimensions with a dict of them. */
  async #addNpz(source: ByteSource, ctx: Context): Promise<void> {
    const archive = await openZip(source);
    for (const member of archive.entries.keys()) {
      const opened = await archive.open(member);
      if (opened === undefined) continue;
      const array = ctx.random(opened);
      const { dataOffset } = await readNpyHeader(array);
      const objects = await readNpyObjects(array, dataOffset, { name: member.replace(/\.npy$/, ""), separator: "/", taken: this.arrays });
      for (const [name, tensor] of objects.tensors) this.arrays.set(name, tensor);
      this.notes.push(...objects.notes, ...objects.unknown.notes());
    }
  }

  /** Of the variables of a group, in their order. */
  shapes(group: string): readonly (readonly number[])[] {
    const shapes: (readonly number[])[] = [];
    for (let k = 0; ; k += 1) {
      const shape = this.datasets.get(`${group}/${k}`)?.shape ?? this.arrays.get(`${group}/${k}`)?.shape;
      if (shape === undefined) return shapes;
      shapes.push(shape);
    }
  }

  get paths(): readonly string[] {
    return [...this.datasets.keys(), ...this.arrays.keys()];
  }
}

/** Tensors in the order of the configuration's layers, else by name; layers from the configuration. */
function list(stored: Stored, model: KerasModel | undefined): Pick<ReadCheckpoint, "tensors" | "layers"> {
  const layers = model?.layers ?? [];
  const byKey = new Map(layers.map((layer, index) => [layer.key, { layer, index }]));
  const owners = new Map<string, { layer: KerasLayer; index: number }>();
  for (const path of stored.paths) {
    const owner = ownerOf(path, byKey);
    if (owner !== undefined) owners.set(path, owner);
  }
  const place = (path: string): number => owners.get(path)?.index ?? layers.length;
  const ordered = [...stored.paths].sort((a, b) => place(a) - place(b) || naturalOrder(a, b));
  const tensors = new Map<string, Tensor>();
  const byLayer = new Map<KerasLayer, string[]>();
  for (const path of ordered) {
    const layer = owners.get(path)?.layer;
    const label = labelOf(path, layer, stored);
    const kind = kindOf(path);
    const info = { name: path, ...(label !== undefined && { label }), ...(kind !== undefined && { kind }) };
    const dataset = stored.datasets.get(path);
    const array = stored.arrays.get(path);
    if (dataset !== undefined) collectDataset(dataset, info, tensors, stored.notes, stored.dtypes.get(path));
    else if (array !== undefined) tensors.set(path, withInfo(array, info));
    if (layer !== undefined) byLayer.set(layer, [...(byLayer.get(layer) ?? []), path]);
  }
  const records = layers.map((layer): LayerRecord => {
    const { path: name, className: type, config: attributes, inputs } = layer;
    return { name, type, attributes, inputs, tensors: byLayer.get(layer) ?? [] };
  });
  return { tensors, layers: records };
}

/** The layer whose group a path is in: the longest key that the path continues. */
function ownerOf<T>(path: string, byKey: ReadonlyMap<string, T>): T | undefined {
  // Keras 2.13 named the groups of layers so.
  const current = path.replaceAll("_layer_checkpoint_dependencies/", "layers/");
  for (let end = current.lastIndexOf("/"); end > 0; end = current.lastIndexOf("/", end - 1)) {
    const owner = byKey.get(current.slice(0, end));
    if (owner !== undefined) return owner;
  }
  return undefined;
}

/** "block1_conv1/kernel" of layers/conv2d/vars/0, where configuration or attribute tell the layer's name. */
function labelOf(path: string, layer: KerasLayer | undefined, stored: Stored): string | undefined {
  const group = path.slice(0, path.lastIndexOf("/"));
  const number = Number(path.slice(path.lastIndexOf("/") + 1));
  const inner = (layer && wrapped(layer)) ?? layer;
  const name = inner?.name ?? stored.names.get(group);
  if (name === undefined || kindOf(path) !== undefined) return undefined;
  const holder = group.split("/").findLast((part) => part !== "vars" && part !== "cell" && part !== "layer") ?? "";
  const variables = inner === undefined ? groupNames([holder, name], stored.shapes(group)) : variableNames(inner.className, inner.config);
  return `${name}/${variables[number] ?? String(number)}`;
}

function kindOf(path: string): TensorKind | undefined {
  if (path.startsWith("optimizer/")) return "optimizer";
  return /(^|\/)(seed_generator|metrics|loss_tracker)(_\d+)?\//.test(path) ? "bookkeeping" : undefined;
}
