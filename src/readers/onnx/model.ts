import { expectWire, fields, fieldText, float, int64, int64s } from "../../encodings/protobuf/protobuf.ts";
import { fieldPayload, sourceFields } from "../../encodings/protobuf/protobuf-source.ts";
import { VarintDecoder, type WireField } from "../../encodings/protobuf/protobuf-wire.ts";
import { CheckpointError, locate } from "../../errors.ts";
import { memorySource } from "../../io/source/memory.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { window } from "../../io/source/window.ts";
import type { Inert } from "../../tensor/checkpoint.ts";
import { type OnnxTensor, readTensor } from "./tensor.ts";

/**
 * ModelProto (onnx/onnx onnx.proto): ir_version 1, producer_name 2, producer_version 3, graph 7 {node 1, name 2, initializer 5,
 * input 11, output 12, sparse_initializer 15}, opset_import 8 {domain 1, version 2}, metadata_props 14 {key 1, value 2}.
 */
export interface OnnxModel {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  /** Names of initializers that are sparse. */
  readonly sparse: number;
  /** Graph inputs with their dimensions, null where one is not fixed. */
  readonly inputs: readonly { readonly name: string; readonly shape: readonly (number | null)[] }[];
  readonly metadata: ReadonlyMap<string, Inert>;
}

/** NodeProto: input 1, output 2, name 3, op_type 4, attribute 5, domain 7. */
export interface OnnxNode {
  readonly name: string;
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Inert>;
}

const maxSmall = 1 << 16;
/** Nodes and initializers, each: the largest published graphs have some 100,000. */
const maxItems = 1_000_000;

/** Throws `malformed`, `truncated`, `unsupported`. */
export async function readModel(source: ByteSource): Promise<OnnxModel> {
  const metadata = new Map<string, Inert>();
  const opsets = new Map<string, Inert>();
  let graph: WireField | undefined;
  for await (const field of sourceFields(source)) {
    if (field.number === 1) metadata.set("ir_version", int64(field, "ir_version"));
    else if (field.number === 2) metadata.set("producer_name", await string(source, field));
    else if (field.number === 3) metadata.set("producer_version", await string(source, field));
    else if (field.number === 7) graph = field;
    else if (field.number === 8) addOpset(opsets, await fieldPayload(source, field, maxSmall, "opset_import"));
    else if (field.number === 14 && field.length <= maxSmall)
      addProperty(metadata, await fieldPayload(source, field, maxSmall, "metadata_props"));
  }
  if (graph === undefined) throw new CheckpointError("malformed", "the model has no graph", { file: source.name });
  expectWire(graph, 2, "the graph");
  metadata.set("opset_import", opsets);
  return { ...(await readGraph(source, graph, metadata)), metadata };
}

async function readGraph(source: ByteSource, place: WireField, metadata: Map<string, Inert>): Promise<Omit<OnnxModel, "metadata">> {
  const nodes: OnnxNode[] = [];
  const initializers: OnnxTensor[] = [];
  const inputs: OnnxModel["inputs"][number][] = [];
  let sparse = 0;
  for await (const field of sourceFields(source, place.offset, place.offset + place.length)) {
    if (nodes.length > maxItems || initializers.length > maxItems) {
      throw new CheckpointError("unsupported", `the graph has more than ${maxItems} nodes or initializers`, { file: source.name });
    }
    const where = { file: source.name, offset: field.offset };
    if (field.number === 1) nodes.push(await locate(where, () => readNode(source, field)));
    else if (field.number === 2) metadata.set("graph", await string(source, field));
    else if (field.number === 5) initializers.push(await locate(where, () => readTensor(source, field)));
    else if (field.number === 11) inputs.push(readValueInfo(await fieldPayload(source, field, maxSmall, "a graph input")));
    else if (field.number === 15) sparse += 1;
  }
  return { nodes, initializers, inputs, sparse };
}

async function string(source: ByteSource, field: WireField): Promise<string> {
  return new TextDecoder().decode(await fieldPayload(source, field, maxSmall, "a name"));
}

function addOpset(opsets: Map<string, Inert>, bytes: Uint8Array): void {
  let domain = "";
  let version = 0;
  for (const field of fields(bytes)) {
    if (field.number === 1) domain = fieldText(field, "domain");
    if (field.number === 2) version = int64(field, "version of an operator set");
  }
  opsets.set(domain, version);
}

function addProperty(metadata: Map<string, Inert>, bytes: Uint8Array): void {
  let key = "";
  let value = "";
  for (const field of fields(bytes)) {
    if (field.number === 1) key = fieldText(field, "key of a property");
    if (field.number === 2) value = fieldText(field, "value of a property");
  }
  if (!metadata.has(key)) metadata.set(key, value);
}

/** ValueInfoProto: name 1, type 2 {tensor_type 1 {elem_type 1, shape 2 {dim 1 {dim_value 1, dim_param 2}}}}. */
function readValueInfo(bytes: Uint8Array): OnnxModel["inputs"][number] {
  let name = "";
  const shape: (number | null)[] = [];
  for (const field of fields(bytes)) {
    if (field.number === 1) name = fieldText(field, "name of an input");
    if (field.number !== 2 || field.wire !== 2) continue;
    for (const type of fields(field.bytes)) {
      if (type.number !== 1 || type.wire !== 2) continue;
      for (const part of fields(type.bytes)) {
        if (part.number !== 2 || part.wire !== 2) continue;
        for (const dim of fields(part.bytes)) {
          const size = [...fields(dim.bytes)].find((value) => value.number === 1 && value.wire === 0);
          shape.push(size === undefined ? null : int64(size, "a dimension"));
        }
      }
    }
  }
  return { name, shape };
}

/** Small nodes are read whole; of one with a large constant in it, all but that. */
async function readNode(source: ByteSource, place: WireField): Promise<OnnxNode> {
  expectWire(place, 2, "a node");
  const inFile = window(source, place.offset, place.length);
  const node = place.length <= maxSmall ? memorySource(await inFile.read(0, place.length), source.name) : inFile;
  let name = "";
  let type = "";
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, Inert>();
  for await (const field of sourceFields(node)) {
    if (field.number === 1) inputs.push(await string(node, field));
    else if (field.number === 2) outputs.push(await string(node, field));
    else if (field.number === 3) name = await string(node, field);
    else if (field.number === 4) type = await string(node, field);
    else if (field.number === 5 && field.length <= maxSmall)
      addAttribute(attributes, await fieldPayload(node, field, maxSmall, "an attribute"));
  }
  return { name: name === "" ? (outputs[0] ?? "") : name, type, inputs, outputs, attributes };
}

/** AttributeProto: name 1, f 2, i 3, s 4, floats 7, ints 8, strings 9; tensors and graphs are left out. */
function addAttribute(attributes: Map<string, Inert>, bytes: Uint8Array): void {
  let name = "";
  let value: Inert | undefined;
  const list: Inert[] = [];
  for (const field of fields(bytes)) {
    if (field.number === 1) name = fieldText(field, "name of an attribute");
    else if (field.number === 2) value = float(field, "an attribute");
    else if (field.number === 3) value = int64(field, "an attribute");
    else if (field.number === 4) value = fieldText(field, "an attribute");
    else if (field.number === 7) list.push(...floats(field.wire === 5 ? [float(field, "an attribute")] : field.bytes));
    else if (field.number === 8) list.push(...int64s(field, "an attribute"));
    else if (field.number === 9) list.push(fieldText(field, "an attribute"));
  }
  if (value !== undefined || list.length > 0) attributes.set(name, list.length > 0 ? list : (value ?? null));
}

function floats(packed: Uint8Array | readonly number[]): readonly number[] {
  if (!(packed instanceof Uint8Array)) return packed;
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  return Array.from({ length: Math.floor(packed.length / 4) }, (_, k) => view.getFloat32(4 * k, true));
}

/** Fields of ModelProto with their wire types; functions 25 and training_info 20 are newer. */
const modelFields: ReadonlyMap<number, number> = new Map([
  [1, 0],
  [2, 2],
  [3, 2],
  [4, 2],
  [5, 0],
  [6, 2],
  [7, 2],
  [8, 2],
  [14, 2],
  [20, 2],
  [25, 2],
]);

/** Whether the first fields of a file are a model's; `whole` only where a graph is among those seen. */
export function beginsAsModel(head: Uint8Array): "graph" | "fields" | undefined {
  const varint = new VarintDecoder();
  let at = 0;
  for (let count = 0; at < head.length; count++) {
    if (!varint.decode(head, at, {})) return count > 0 ? "fields" : undefined;
    const number = varint.low >>> 3;
    const wire = varint.low & 7;
    if (modelFields.get(number) !== wire) return undefined;
    at = varint.next;
    if (at >= head.length || !varint.decode(head, at, {})) return count > 0 ? "fields" : undefined;
    if (number === 1 && (varint.high !== 0 || varint.low > 1000)) return undefined;
    if (number === 7) {
      // Caffe's BlobProto has its shape in field 7, and then its values in field 5, which a model has as a number.
      const next = varint.next + varint.low;
      return beginsAsGraph(head.subarray(varint.next)) && goesOnAsModel(head, next) ? "graph" : undefined;
    }
    at = wire === 0 ? varint.next : varint.next + varint.low;
  }
  return "fields";
}

/** Whether a field of a model, or the end of what is known, is at `at`. */
function goesOnAsModel(head: Uint8Array, at: number): boolean {
  const varint = new VarintDecoder();
  return at >= head.length || !varint.decode(head, at, {}) || modelFields.get(varint.low >>> 3) === (varint.low & 7);
}

/** GraphProto: a node, a name, an initializer, a text or a value first. */
function beginsAsGraph(head: Uint8Array): boolean {
  const tag = head[0];
  return tag === undefined || [0x0a, 0x12, 0x2a, 0x52, 0x5a, 0x62, 0x6a].includes(tag);
}
