import { bool, expectWire, type Field, fields, fieldText, float, int64, int64s, uint32 } from "../../encodings/protobuf/protobuf.ts";
import { fieldPayload, sourceFields } from "../../encodings/protobuf/protobuf-source.ts";
import type { WireField } from "../../encodings/protobuf/protobuf-wire.ts";
import { CheckpointError, locate } from "../../errors.ts";
import { memorySource } from "../../io/source/memory.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { window } from "../../io/source/window.ts";
import type { Inert } from "../../tensor/checkpoint.ts";
import { parseShape } from "./bundle-index.ts";
import type { ProtoPlace } from "./tensor-proto.ts";
import { tfDtype, tfTypeName } from "./types.ts";

/**
 * GraphDef (tensorflow/core/framework/graph.proto, node_def.proto, attr_value.proto): node 1 {name 1, op 2, input 3, device 4,
 * attr 5: map entries {key 1, value 2}}. AttrValue: list 1, s 2, i 3, f 4, b 5, type 6, shape 7, tensor 8.
 */
export interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  /** Small attributes; tensors are not among them. */
  readonly attributes: ReadonlyMap<string, Inert>;
  /** The attribute `value` of a Const node. */
  readonly tensor?: ConstTensor;
}

export interface ConstTensor {
  readonly dtype: number;
  readonly shape: readonly number[];
  readonly place: ProtoPlace;
}

/** Nodes up to this size are read whole; of larger ones (constants) only what is small. */
const wholeNode = 1 << 16;
/** A name, an operation, a list of strides; what is larger is not kept as an attribute. */
const maxSmall = 1 << 16;
/** Nodes of a graph; each costs some hundred bytes of memory and the largest published ones have some 100,000. */
const maxNodes = 2_000_000;

/** The nodes of a graph in file order. Throws `malformed`, `truncated`, `unsupported`. */
export async function* graphNodes(source: ByteSource): AsyncGenerator<GraphNode, void, undefined> {
  let count = 0;
  for await (const field of sourceFields(source)) {
    if (field.number !== 1) continue;
    expectWire(field, 2, "a node");
    count += 1;
    if (count > maxNodes) throw new CheckpointError("unsupported", `the graph has more than ${maxNodes} nodes`, { file: source.name });
    yield await locate({ file: source.name, offset: field.offset }, () => readNode(source, field));
  }
}

async function readNode(source: ByteSource, field: WireField): Promise<GraphNode> {
  const node = window(source, field.offset, field.length);
  const walked = field.length <= wholeNode ? memorySource(await node.read(0, field.length), source.name) : node;
  let name = "";
  let op = "";
  const inputs: string[] = [];
  const attributes = new Map<string, Inert>();
  let tensor: ConstTensor | undefined;
  for await (const part of sourceFields(walked)) {
    if (part.number === 1) name = await string(walked, part, "name of a node");
    else if (part.number === 2) op = await string(walked, part, "operation of a node");
    else if (part.number === 3) inputs.push(await string(walked, part, "input of a node"));
    else if (part.number === 5) {
      expectWire(part, 2, "attribute of a node");
      const attribute = await readAttribute(walked, part);
      if (attribute.value !== undefined) attributes.set(attribute.key, attribute.value);
      if (attribute.tensor !== undefined && attribute.key === "value") {
        tensor = await locate({ tensor: name }, () => readTensor(node, walked, attribute.tensor ?? part));
      }
    }
  }
  return { name, op, inputs, attributes, ...(tensor === undefined ? {} : { tensor }) };
}

async function string(source: ByteSource, field: WireField, what: string): Promise<string> {
  return new TextDecoder().decode(await fieldPayload(source, field, maxSmall, what));
}

async function readAttribute(
  source: ByteSource,
  entry: WireField,
): Promise<{ readonly key: string; readonly value?: Inert; readonly tensor?: WireField }> {
  let key = "";
  let value: Inert | undefined;
  let tensor: WireField | undefined;
  for await (const field of sourceFields(source, entry.offset, entry.offset + entry.length)) {
    if (field.number === 1) key = await string(source, field, "key of an attribute");
    if (field.number !== 2) continue;
    expectWire(field, 2, "an attribute");
    for await (const kind of sourceFields(source, field.offset, field.offset + field.length)) {
      if (kind.number === 8) {
        expectWire(kind, 2, "a tensor");
        tensor = kind;
      } else if (kind.length <= maxSmall) {
        value = attributeValue(field.length <= maxSmall ? await source.read(field.offset, field.length) : new Uint8Array(0));
      }
    }
  }
  return { key, ...(value === undefined ? {} : { value }), ...(tensor === undefined ? {} : { tensor }) };
}

/** AttrValue without tensors and functions; undefined where it is one of those. */
function attributeValue(bytes: Uint8Array): Inert | undefined {
  let value: Inert | undefined;
  for (const field of fields(bytes)) value = field.number === 1 ? listValue(field.bytes) : (scalarValue(field) ?? value);
  return value;
}

function listValue(bytes: Uint8Array): readonly Inert[] {
  const list: Inert[] = [];
  for (const field of fields(bytes)) {
    if (field.number === 3) list.push(...int64s(field, "a list of integers"));
    else {
      const value = scalarValue(field);
      if (value !== undefined) list.push(value);
    }
  }
  return list;
}

function scalarValue(field: Field): Inert | undefined {
  switch (field.number) {
    case 2:
      return fieldText(field, "a string");
    case 3:
      return int64(field, "an integer");
    case 4:
      return field.wire === 5 ? float(field, "a number") : undefined;
    case 5:
      return field.wire === 0 ? bool(field, "a truth value") : undefined;
    case 6:
      return field.wire === 0 ? (tfDtype(uint32(field, "a type")) ?? tfTypeName(field.low)) : undefined;
    default:
      return undefined;
  }
}

/** TensorProto: dtype 1, tensor_shape 2. `kept` is the node in the file, `walked` the same bytes for parsing. */
async function readTensor(kept: ByteSource, walked: ByteSource, place: WireField): Promise<ConstTensor> {
  let dtype = 0;
  let shape: readonly number[] = [];
  for await (const field of sourceFields(walked, place.offset, place.offset + place.length)) {
    if (field.number === 1) dtype = uint32(field, "dtype");
    if (field.number === 2) shape = parseShape(await fieldPayload(walked, field, maxSmall, "shape"));
  }
  return {
    dtype,
    shape,
    place: {
      size: place.length,
      message: window(kept, place.offset, place.length),
      part: (offset, length) => window(kept, place.offset + offset, length),
    },
  };
}

/** Whether the head of a file is a GraphDef's: its first field is a node with a name and an operation. */
export function beginsAsGraph(head: Uint8Array): boolean {
  if (head[0] !== 0x0a) return false;
  const nodeLength = varintEnd(head, 1);
  if (nodeLength === undefined || head[nodeLength] !== 0x0a) return false;
  const nameStart = varintEnd(head, nodeLength + 1);
  if (nameStart === undefined) return false;
  const name = head.subarray(nameStart, nameStart + (head[nodeLength + 1] ?? 0));
  const op = nameStart + name.length;
  const opStart = varintEnd(head, op + 1);
  if (name.length === 0 || head[op] !== 0x12 || opStart === undefined) return false;
  const opName = new TextDecoder("latin1").decode(head.subarray(opStart, opStart + (head[op + 1] ?? 0)));
  return /^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*$/.test(new TextDecoder("latin1").decode(name)) && /^_?[A-Z][A-Za-z0-9_>]*$/.test(opName);
}

/** Index behind the varint at `at`. */
function varintEnd(bytes: Uint8Array, at: number): number | undefined {
  for (let k = at; k < at + 10; k++) {
    const byte = bytes[k];
    if (byte === undefined) return undefined;
    if (byte < 0x80) return k + 1;
  }
  return undefined;
}
