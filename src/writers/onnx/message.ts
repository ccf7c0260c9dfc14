import { type FieldPieces, floatField, intField, lengthField, messageField, packedField, textField } from "../proto-pieces.ts";

/* The messages of onnx.proto that a network of ours needs; field numbers are its. Written for files, and for ONNX Runtime in memory. */

/** TensorProto.DataType of float32. */
export const floatType = 1;

/** AttributeProto.AttributeType. */
const attributeTypes = { float: 1, int: 2, string: 3, ints: 7 } as const;

export function floatAttribute(name: string, value: number): FieldPieces {
  return messageField(5, textField(1, name), floatField(2, value), intField(20, attributeTypes.float));
}

export function intAttribute(name: string, value: number): FieldPieces {
  return messageField(5, textField(1, name), intField(3, value), intField(20, attributeTypes.int));
}

export function stringAttribute(name: string, value: string): FieldPieces {
  return messageField(5, textField(1, name), textField(4, value), intField(20, attributeTypes.string));
}

export function intsAttribute(name: string, values: readonly number[]): FieldPieces {
  return messageField(5, textField(1, name), packedField(8, values), intField(20, attributeTypes.ints));
}

export interface Node {
  readonly operator: string;
  readonly name: string;
  readonly inputs: readonly string[];
  /** The value that it makes; its name unless said. */
  readonly output?: string;
  readonly attributes?: readonly FieldPieces[];
}

/** NodeProto, as a field of GraphProto. */
export function node({ operator, name, inputs, output = name, attributes = [] }: Node): FieldPieces {
  return messageField(
    1,
    ...inputs.map((input) => textField(1, input)),
    textField(2, output),
    textField(3, name),
    textField(4, operator),
    ...attributes,
  );
}

/** ValueInfoProto, as field 11 (input) or 12 (output) of GraphProto: a tensor of a data type, its sizes numbers or names. */
export function valueInfo(field: 11 | 12, name: string, type: number, sizes: readonly (number | string)[]): FieldPieces {
  const dimensions = sizes.map((size) => messageField(1, typeof size === "number" ? intField(1, size) : textField(2, size)));
  return messageField(field, textField(1, name), messageField(2, messageField(1, intField(1, type), messageField(2, ...dimensions))));
}

/** TensorProto, as an initializer of GraphProto; `values` from `rawData` or `externalData`. */
export function initializer(name: string, shape: readonly number[], type: number, values: readonly FieldPieces[]): FieldPieces {
  return messageField(5, packedField(1, shape), intField(2, type), textField(8, name), ...values);
}

/** raw_data: little-endian, row-major. */
export function rawData(content: FieldPieces): readonly FieldPieces[] {
  return [lengthField(9, content)];
}

/** Bytes of a file beside the model. */
export interface Region {
  readonly offset: number;
  readonly length: number;
}

/** external_data: location, offset and length as text; data_location 1 is EXTERNAL. */
export function externalData(location: string, { offset, length }: Region): readonly FieldPieces[] {
  const entry = (key: string, value: string): FieldPieces => messageField(13, textField(1, key), textField(2, value));
  return [entry("location", location), entry("offset", String(offset)), entry("length", String(length)), intField(14, 1)];
}

export interface Model {
  readonly irVersion: number;
  readonly opset: number;
  readonly producer: string;
  readonly graphName: string;
  /** Nodes, initializers, inputs and outputs: fields of GraphProto, in the order of their numbers. */
  readonly graph: {
    readonly nodes: readonly FieldPieces[];
    readonly initializers: readonly FieldPieces[];
    readonly values: readonly FieldPieces[];
  };
  readonly metadata: ReadonlyMap<string, string>;
}

/** ModelProto. */
export function model({ irVersion, opset, producer, graphName, graph, metadata }: Model): readonly FieldPieces[] {
  return [
    intField(1, irVersion),
    textField(2, producer),
    messageField(7, ...graph.nodes, textField(2, graphName), ...graph.initializers, ...graph.values),
    messageField(8, textField(1, ""), intField(2, opset)),
    ...[...metadata].map(([key, value]) => messageField(14, textField(1, key), textField(2, value))),
  ];
}
