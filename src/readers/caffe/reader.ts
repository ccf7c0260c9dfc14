import { baseName, folderOf, stemOf } from "../../encodings/file-names.ts";
import type { Probe, Reader } from "../../encodings/probe.ts";
import { CheckpointError, isCheckpointError, locate } from "../../errors.ts";
import type { Context } from "../../io/context.ts";
import type { ByteSource, FileSet } from "../../io/source/source.ts";
import type { Inert, LayerRecord, Note, ReadCheckpoint } from "../../tensor/checkpoint.ts";
import { contiguous } from "../../tensor/contiguous.ts";
import { type Tensor, withInfo } from "../../tensor/tensor.ts";
import { type Blob, readBlob } from "./blob.ts";
import { meanBeside, meanSuffix } from "./mean.ts";
import { beginsAsNet, type CaffeNet, readNet } from "./net.ts";
import { parsePrototxt } from "./prototxt.ts";

/*
 * Caffe: `.caffemodel` (NetParameter with blobs), beside it the deployed net as `.prototxt` and the mean image as
 * `.binaryproto` (a lone BlobProto). A tensor's name is its layer's name and the number of the blob: conv1_1.0, conv1_1.1.
 */

const modelSuffix = ".caffemodel";
/** A prototxt of ResNet-152 has 100 kB. */
const maxPrototxt = 8 << 20;
/** Solver states name their model in the first bytes. */
const solverSuffix = ".solverstate";

export const reader: Reader = {
  async detect(probe) {
    if (probe.container === "text") return (await modelBeside(probe)) === undefined ? undefined : "sure";
    if (probe.container !== "binary") return undefined;
    if (beginsAsNet(probe.head)) return "sure";
    if (probe.entry.endsWith(solverSuffix)) return "maybe";
    return probe.entry.endsWith(modelSuffix) || probe.entry.endsWith(meanSuffix) ? "maybe" : undefined;
  },

  async read(probe, ctx) {
    if (probe.entry.endsWith(meanSuffix)) return readMean(probe);
    const entry = beginsAsNet(probe.head) || probe.entry.endsWith(modelSuffix) ? probe.entry : await modelBeside(probe);
    if (entry === undefined) throw noModel(probe);
    const source = entry === probe.entry ? probe.source : await probe.set.open(entry);
    if (source === undefined) throw noModel(probe);
    const owned = source !== probe.source;
    try {
      const close = async (): Promise<void> => {
        if (owned) await source.close();
      };
      return { ...(await readModel(probe.set, entry, source, ctx)), close };
    } catch (error) {
      if (owned) await source.close();
      throw error;
    }
  },
};

function noModel(probe: Probe): CheckpointError {
  const what = probe.entry.endsWith(solverSuffix) ? "the state of a Caffe solver, which holds no net" : "a Caffe net without weights";
  return new CheckpointError("not-found", `this is ${what}; its ${modelSuffix} is missing beside it`, { file: probe.entry });
}

/** The model that a prototxt or a solver state belongs to: of the same stem, or the only one in the folder. */
async function modelBeside(probe: Probe): Promise<string | undefined> {
  if (!probe.entry.endsWith(".prototxt") && !probe.entry.endsWith(solverSuffix)) return undefined;
  const folder = folderOf(probe.entry);
  const models = ((await probe.set.list()) ?? []).filter((name) => folderOf(name) === folder && name.endsWith(modelSuffix));
  const stem = folder + stemOf(probe.entry) + modelSuffix;
  if (models.includes(stem)) return stem;
  return models.length === 1 ? models[0] : undefined;
}

async function readModel(set: FileSet, entry: string, source: ByteSource, ctx: Context): Promise<Omit<ReadCheckpoint, "close">> {
  const net = await locate({ file: entry }, () => readNet(source));
  const tensors = new Map<string, Tensor>();
  for (const layer of net.layers) {
    layer.blobs.forEach((blob, k) => {
      const name = `${layer.name}.${k}`;
      if (tensors.has(name)) throw new CheckpointError("malformed", "two layers of this name have blobs", { file: entry, tensor: name });
      tensors.set(name, blobTensor(name, blob));
    });
  }
  const notes: Note[] = [];
  const deployed = await findPrototxt(set, entry, net, notes);
  const mean = await meanBeside(set, entry, notes, ctx);
  const beside = [deployed, mean].filter((file) => file !== undefined);
  const dims = deployed?.dims ?? net.inputDims;
  return {
    format: "caffe",
    variant: variantOf(net),
    files: [entry, ...beside.map((file) => file.name)],
    bytes: beside.reduce((sum, file) => sum + file.bytes, source.size),
    tensors,
    layers: deployed?.layers ?? ownLayers(net),
    metadata: new Map<string, Inert>([
      ...(net.name === "" ? [] : [["name", net.name] as const]),
      ...(dims.length === 0 ? [] : [["input_dim", dims] as const]),
      ...(mean === undefined ? [] : [["mean", mean.record] as const]),
    ]),
    notes,
  };
}

function blobTensor(name: string, { dtype, shape, values }: Blob): Tensor {
  return contiguous({ name, dtype, shape, source: values });
}

function variantOf(net: CaffeNet): string {
  if (net.style === "new") return "caffemodel, layers of today (LayerParameter)";
  return net.style === "empty" ? "caffemodel without layers" : `caffemodel, ${net.style} layers`;
}

function ownLayers(net: CaffeNet): readonly LayerRecord[] {
  return net.layers.map((layer) => ({
    name: layer.name,
    type: layer.type,
    attributes: layer.attributes,
    inputs: layer.bottoms,
    outputs: layer.tops,
    tensors: layer.blobs.map((_, k) => `${layer.name}.${k}`),
  }));
}

interface Deployed {
  readonly name: string;
  readonly bytes: number;
  readonly layers: readonly LayerRecord[];
  readonly dims: readonly number[] | undefined;
}

/** The prototxt that runs this model: all its layers with blobs are in it. Of several that fit the one for deployment. */
async function findPrototxt(set: FileSet, entry: string, net: CaffeNet, notes: Note[]): Promise<Deployed | undefined> {
  const folder = folderOf(entry);
  const names = ((await set.list()) ?? []).filter((name) => folderOf(name) === folder && name.endsWith(".prototxt"));
  const rank = (name: string): number =>
    stemOf(name) === stemOf(entry) ? 0 : /deploy/i.test(baseName(name)) ? 1 : /solver|train|test/i.test(baseName(name)) ? 3 : 2;
  for (const name of names.toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1)).slice(0, 8)) {
    const source = await set.open(name);
    if (source === undefined) continue;
    try {
      if (source.size > maxPrototxt) continue;
      const root = parsePrototxt(new TextDecoder().decode(await source.read(0, source.size)), name);
      const layers = prototxtLayers(root, net);
      if (layers !== undefined) return { name, bytes: source.size, layers, dims: inputDims(root) };
    } catch (error) {
      if (!isCheckpointError(error)) throw error;
      notes.push({
        code: "assumed",
        message: `${name} beside the model could not be read (${error.message}); the layers are the model's own`,
      });
    } finally {
      await source.close();
    }
  }
  return undefined;
}

/** undefined where a layer that owns blobs is missing: a prototxt of another net. */
function prototxtLayers(root: ReadonlyMap<string, Inert>, net: CaffeNet): readonly LayerRecord[] | undefined {
  const blobs = new Map(net.layers.filter((layer) => layer.blobs.length > 0).map((layer) => [layer.name, layer.blobs.length]));
  const records = [...blocks(root.get("layer")), ...blocks(root.get("layers"))].map((layer): LayerRecord => {
    const inner = layer.get("layer"); // V0 nests its layer
    const own = inner instanceof Map ? new Map<string, Inert>([...layer, ...textMap(inner)]) : layer;
    const name = text(own.get("name"));
    const attributes = new Map([...own].filter(([key]) => !["name", "type", "bottom", "top", "layer", "blobs", "param"].includes(key)));
    const tensors = Array.from({ length: blobs.get(name) ?? 0 }, (_, k) => `${name}.${k}`);
    return { name, type: text(own.get("type")), attributes, inputs: texts(own.get("bottom")), outputs: texts(own.get("top")), tensors };
  });
  const names = new Set(records.map((record) => record.name));
  return blobs.size > 0 && [...blobs.keys()].every((name) => names.has(name)) ? records : undefined;
}

function textMap(value: Inert): ReadonlyMap<string, Inert> {
  return value instanceof Map ? new Map([...value].map(([key, item]) => [String(key), item])) : new Map();
}

function blocks(value: Inert | undefined): readonly ReadonlyMap<string, Inert>[] {
  if (value instanceof Map) return [textMap(value)];
  return Array.isArray(value) ? value.filter((item) => item instanceof Map).map((item) => textMap(item)) : [];
}

function text(value: Inert | undefined): string {
  return typeof value === "string" ? value : "";
}

function texts(value: Inert | undefined): readonly string[] {
  if (typeof value === "string") return [value];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

/** input_dim: …, input_shape { dim: … }, or the shape of an Input layer. */
function inputDims(root: ReadonlyMap<string, Inert>): readonly number[] | undefined {
  const input = blocks(root.get("layer")).find((layer) => layer.get("type") === "Input");
  const shape = blocks(root.get("input_shape"))[0] ?? blocks(blocks(input?.get("input_param"))[0]?.get("shape"))[0];
  const dims = shape?.get("dim") ?? root.get("input_dim");
  return Array.isArray(dims) && dims.every((dim) => typeof dim === "number") ? dims : undefined;
}

/** A mean image: one BlobProto, channels in the net's order. */
async function readMean(probe: Probe): Promise<ReadCheckpoint> {
  const blob = await locate({ file: probe.entry }, () => readBlob(probe.source, 0, probe.source.size));
  return {
    format: "caffe",
    variant: "mean image (BlobProto)",
    files: [probe.entry],
    bytes: probe.source.size,
    tensors: new Map([["", withInfo(blobTensor("", blob), { kind: "constant" })]]),
    layers: [],
    metadata: new Map(),
    notes: [],
    close: async () => {},
  };
}
