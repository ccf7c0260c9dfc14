import {
  bool,
  bytesOf,
  double,
  type Field,
  fields,
  fieldText,
  float,
  int32,
  int64,
  int64s,
  uint32,
} from "../../encodings/protobuf/protobuf.ts";
import { CheckpointError } from "../../errors.ts";
import type { ByteSource } from "../../io/source/source.ts";
import type { Inert, LayerRecord } from "../../tensor/checkpoint.ts";
import { readDescription } from "./lod-tensor.ts";

/** A parameter as the program declares it. */
export interface Declared {
  readonly name: string;
  /** −1: not known. */
  readonly shape: readonly number[];
  /** An operator reads it. */
  readonly used: boolean;
}

/** What a saved network says about itself, of either kind: ProgramDesc (before 3.0) or PIR. */
export interface Program {
  /** For people: "program 2.6.2", "PIR version 4". */
  readonly version: string;
  /** Whatever is saved with the network, in the order of the file. */
  readonly parameters: readonly Declared[];
  /** The forward operators of the main block. */
  readonly layers: readonly LayerRecord[];
  /** Shape of what is fed, −1 where the program leaves it open: of pictures, where there are any; undefined where nothing is fed. */
  readonly input: readonly number[] | undefined;
}

/** A program of a thousand operators with call stacks has a few MB. */
const maxProgram = 64 * 1024 * 1024;

/** VarType.Type: not saved with the network. */
const unsaved = new Set([9, 10, 15, 17]); // FEED_MINIBATCH, FETCH_LIST, READER, RAW
/** OpRole: forward, and forward with the loss behind it (paddle/fluid/framework/op_proto_maker.h). */
const forwardRoles = new Set([0, 0x100]);
/** Attributes that tell where the program was written, not what it computes; the call stack is more than half of a file. */
const bookkeeping = new Set(["op_callstack", "op_role", "op_role_var", "op_namescope", "op_device", "with_quant_attr"]);

/** Bytes of a program file; throws `unsupported` beyond 64 MiB. */
export async function programBytes(source: ByteSource): Promise<Uint8Array> {
  if (source.size > maxProgram) {
    throw new CheckpointError("unsupported", `a program of ${source.size} bytes, at most ${maxProgram} are read`, { file: source.name });
  }
  return source.read(0, source.size);
}

/*
 * ProgramDesc (paddle/fluid/framework/framework.proto): 1 blocks, 4 version { 1 major · 10^6 + minor · 10^3 + patch }
 * BlockDesc: 3 vars, 4 ops. VarDesc: 1 name, 2 type, 3 persistable. VarType: 1 type, 3 lod_tensor { 1 tensor }
 * OpDesc: 1 inputs, 2 outputs { 1 parameter, 2 arguments }, 3 type, 4 attrs
 */

/** Reads a ProgramDesc. Throws `malformed` where the bytes are none. */
export function readProgram(bytes: Uint8Array, file: string): Program {
  const blocks: Uint8Array[] = [];
  let version = 0;
  for (const field of fields(bytes, { file })) {
    if (field.number === 1) blocks.push(bytesOf(field, "blocks"));
    if (field.number === 4)
      for (const inner of fields(bytesOf(field, "version"))) if (inner.number === 1) version = int64(inner, "version");
  }
  const main = blocks[0];
  if (main === undefined) throw new CheckpointError("malformed", "a Paddle program without blocks", { file });
  const variables: Variable[] = [];
  const operators: Operator[] = [];
  for (const field of fields(main, { file })) {
    if (field.number === 3) variables.push(readVariable(bytesOf(field, "vars")));
    if (field.number === 4) operators.push(readOperator(bytesOf(field, "ops")));
  }
  const saved = new Set(variables.filter((variable) => variable.persistable && !unsaved.has(variable.type)).map(({ name }) => name));
  const used = new Set(operators.flatMap((operator) => operator.inputs));
  const fed = new Set(operators.filter(({ type }) => type === "feed").flatMap(({ outputs }) => outputs));
  const number = [Math.floor(version / 1e6), Math.floor(version / 1e3) % 1e3, version % 1e3].join(".");
  return {
    version: version === 0 ? "program" : `program ${number}`,
    parameters: variables.filter(({ name }) => saved.has(name)).map(({ name, shape }) => ({ name, shape, used: used.has(name) })),
    layers: operators.filter(isForward).map((operator, index) => layer(operator, index, saved)),
    input: pictureShape(variables.filter(({ name }) => fed.has(name)).map(({ shape }) => shape)),
  };
}

/** Labels, learning rates and counters are fed to programs that train; a picture has four axes. */
export function pictureShape(shapes: readonly (readonly number[])[]): readonly number[] | undefined {
  return shapes.find((shape) => shape.length === 4) ?? shapes[0];
}

interface Variable {
  readonly name: string;
  readonly type: number;
  readonly persistable: boolean;
  readonly shape: readonly number[];
}

interface Operator {
  readonly type: string;
  /** Variables, in the operator's own order. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Inert>;
  readonly role: number;
}

function isForward(operator: Operator): boolean {
  return operator.type !== "feed" && operator.type !== "fetch" && forwardRoles.has(operator.role);
}

function layer(operator: Operator, index: number, saved: ReadonlySet<string>): LayerRecord {
  return {
    name: operator.outputs[0] ?? `${operator.type}_${index}`,
    type: operator.type,
    attributes: operator.attributes,
    inputs: operator.inputs.filter((name) => !saved.has(name)),
    outputs: operator.outputs,
    tensors: operator.inputs.filter((name) => saved.has(name)),
  };
}

function readVariable(bytes: Uint8Array): Variable {
  let name = "";
  let persistable = false;
  let type = 0;
  let shape: readonly number[] = [];
  for (const field of fields(bytes)) {
    if (field.number === 1) name = fieldText(field, "name");
    if (field.number === 3) persistable = bool(field, "persistable");
    if (field.number !== 2) continue;
    // The type was a number before it became a message (framework.proto, VarDesc).
    if (field.wire === 0) throw new CheckpointError("unsupported", `an older form of program: the type of variable ${name} is a number`);
    for (const inner of fields(bytesOf(field, "type"))) {
      if (inner.number === 1) type = uint32(inner, "type");
      if (inner.number !== 3) continue;
      for (const tensor of fields(bytesOf(inner, "lod_tensor"))) {
        if (tensor.number === 1) shape = readDescription(bytesOf(tensor, "tensor")).shape;
      }
    }
  }
  return { name, type, persistable, shape };
}

function readOperator(bytes: Uint8Array): Operator {
  let type = "";
  let role = 0;
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, Inert>();
  for (const field of fields(bytes)) {
    if (field.number === 1) inputs.push(...readArguments(field));
    if (field.number === 2) outputs.push(...readArguments(field));
    if (field.number === 3) type = fieldText(field, "type");
    if (field.number !== 4) continue;
    const [name, value] = readAttribute(bytesOf(field, "attrs"));
    if (name === "op_role" && typeof value === "number") role = value;
    if (!bookkeeping.has(name)) attributes.set(name, value);
  }
  return { type, inputs, outputs, attributes, role };
}

function* readArguments(field: Field): Generator<string> {
  for (const inner of fields(bytesOf(field, "inputs"))) if (inner.number === 2) yield fieldText(inner, "arguments");
}

/** OpDesc.Attr: 1 name, then the value in the field of its type; lists are repeated fields. */
function readAttribute(bytes: Uint8Array): readonly [name: string, value: Inert] {
  let name = "";
  let scalar: Inert = null;
  const list: Inert[] = [];
  let isList = false;
  for (const field of fields(bytes)) {
    const { number } = field;
    if (number === 1) name = fieldText(field, "name");
    else if (number === 3) scalar = int32(field, "i");
    else if (number === 4) scalar = float(field, "f");
    else if (number === 5) scalar = fieldText(field, "s");
    else if (number === 10) scalar = bool(field, "b");
    else if (number === 13) scalar = int64(field, "l");
    else if (number === 19) scalar = double(field, "float64");
    else if (number === 2 || number === 12 || number === 14)
      continue; // type, block indices
    else isList = true;
    if (number === 6) list.push(...signed(field));
    else if (number === 15) list.push(...int64s(field, "longs"));
    else if (number === 7) list.push(float(field, "floats"));
    else if (number === 16) list.push(double(field, "float64s"));
    else if (number === 8) list.push(fieldText(field, "strings"));
    else if (number === 11) list.push(bool(field, "bools"));
  }
  return [name, isList ? list : scalar];
}

function* signed(field: Field): Generator<number> {
  if (field.wire === 0) yield int32(field, "ints");
  else for (const value of int64s(field, "ints")) yield value;
}
