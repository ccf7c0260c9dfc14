import { isObject, type Json, parseJsonBytes } from "../../encodings/json/json.ts";
import { type KerasLayer, kerasModel, variableNames, wrapped } from "../../encodings/keras-config.ts";
import { bytesOf, fields, fieldText } from "../../encodings/protobuf/protobuf.ts";
import { CheckpointError } from "../../errors.ts";
import type { ByteSource } from "../../io/source/source.ts";
import type { LayerRecord } from "../../tensor/checkpoint.ts";
import type { Tensor } from "../../tensor/tensor.ts";

/*
 * keras_metadata.pb, which Keras 2 writes beside its SavedModels (keras/protobuf/saved_metadata.proto): SavedMetadata { nodes 1 },
 * SavedObject { node_id 2, node_path 3, identifier 4, metadata 5 }; the metadata is JSON with class_name and config. The node "root" is the
 * model; a model that is a class of its own has no layers in its configuration, and they stand as nodes below it.
 */

/** A model of a thousand layers has some MB. */
const maxBytes = 64 * 1024 * 1024;
const maxDepth = 64;

/** The layers of the model, with the tensors whose labels carry their names. Throws `malformed` where it is none, `unsupported` beyond 64 MiB. */
export async function kerasLayers(source: ByteSource, tensors: ReadonlyMap<string, Tensor>): Promise<readonly LayerRecord[]> {
  if (source.size > maxBytes) {
    throw new CheckpointError("unsupported", `Keras' description of ${source.size} bytes, at most ${maxBytes} are read`, {
      file: source.name,
    });
  }
  const nodes = [...readNodes(await source.read(0, source.size), source.name)];
  const root = nodes.find(({ path }) => path === "root");
  const layers = kerasModel(root?.json)?.layers ?? nodes.filter(({ identifier }) => isLayer(identifier)).flatMap(ownLayer);
  const byLayer = new Map<string, Tensor[]>();
  for (const tensor of tensors.values()) {
    const [name] = (tensor.label ?? "").split("/");
    if (name === undefined || name === "" || tensor.kind === "optimizer" || tensor.kind === "bookkeeping") continue;
    byLayer.set(name, [...(byLayer.get(name) ?? []), tensor]);
  }
  return layers.map((layer) => record(layer, byLayer.get(layer.name) ?? []));
}

interface Node {
  readonly path: string;
  readonly identifier: string;
  readonly json: Json;
}

function* readNodes(bytes: Uint8Array, file: string): Generator<Node> {
  for (const field of fields(bytes, { file })) {
    if (field.number !== 1) continue;
    let path = "";
    let identifier = "";
    let json: Json = null;
    for (const part of fields(bytesOf(field, "nodes"), { file })) {
      if (part.number === 3) path = fieldText(part, "node_path");
      if (part.number === 4) identifier = fieldText(part, "identifier");
      if (part.number === 5) json = withoutTuples(parseJsonBytes(bytesOf(part, "metadata"), file, { python: true }), 0);
    }
    yield { path, identifier, json };
  }
}

/** Keras writes a tuple as {"class_name": "__tuple__", "items": […]}. */
function withoutTuples(json: Json, depth: number): Json {
  if (depth > maxDepth) return null;
  if (Array.isArray(json)) return json.map((item) => withoutTuples(item, depth + 1));
  if (!isObject(json)) return json;
  const items = json.get("items");
  if (json.get("class_name") === "__tuple__" && items !== undefined) return withoutTuples(items, depth);
  return new Map([...json].map(([name, value]) => [name, withoutTuples(value, depth + 1)]));
}

/** Layers and inputs, not metrics, losses and models. */
function isLayer(identifier: string): boolean {
  return /^_tf_keras_(\w+_)?layer$/.test(identifier);
}

function ownLayer({ json }: Node): readonly KerasLayer[] {
  if (!isObject(json)) return [];
  const [className, config] = [json.get("class_name"), json.get("config")];
  const inner = isObject(config) ? config : new Map<string, Json>();
  const name = json.get("name") ?? inner.get("name");
  if (typeof className !== "string" || typeof name !== "string") return [];
  return [{ path: name, name, className, config: inner, inputs: [], key: "" }];
}

function record(layer: KerasLayer, tensors: readonly Tensor[]): LayerRecord {
  const { className, config } = wrapped(layer) ?? layer;
  const order = variableNames(className, config);
  const place = (tensor: Tensor): number => {
    const at = order.indexOf(/[^/]*$/.exec(tensor.label ?? "")?.[0] ?? "");
    return at < 0 ? order.length : at;
  };
  return {
    name: layer.path,
    type: layer.className,
    attributes: layer.config,
    inputs: layer.inputs,
    tensors: [...tensors].sort((a, b) => place(a) - place(b)).map((tensor) => tensor.name),
  };
}
