import { isObject, type Json, parseJsonBytes } from "../../encodings/json/json.ts";
import { CheckpointError } from "../../errors.ts";
import type { Inert, LayerRecord } from "../../tensor/checkpoint.ts";
import { type Declared, type Program, pictureShape } from "./program.ts";

/*
 * The program of Paddle 3 as JSON (paddle/fluid/pir/serialize_deserialize/include/schema.h). Short keys: "#" what it is, "%" a value's
 * number, I operands, O results, A attributes { N name, AT { "#" type, D data } }, TT type, D data. A parameter is an operation "p" whose A is
 * [is_distributed, is_parameter, need_clip, name]; its O.TT.D starts with element type and dims. No data in here.
 */

/** Whether a file begins like one: `base_code` comes first or `program` does, the magic is in `base_code`. */
export function looksLikePir(head: Uint8Array): boolean {
  const text = new TextDecoder("latin1").decode(head.subarray(0, 4096));
  return (
    /^\s*\{\s*"(base_code|program)"/.test(text) &&
    (/"magic"\s*:\s*"pir"/.test(text) || /^\s*\{\s*"program"\s*:\s*\{\s*"regions"/.test(text))
  );
}

/** Reads a PIR program. Throws `malformed` where the JSON is none. */
export function readPir(bytes: Uint8Array, file: string): Program {
  const root = parseJsonBytes(bytes, file, { python: true });
  const code = field(root, "base_code");
  const operations = list(field(first(field(first(field(field(root, "program"), "regions")), "blocks")), "ops"));
  if (field(code, "magic") !== "pir" || operations === undefined) {
    throw new CheckpointError("malformed", "no Paddle program: base_code and program.regions[0].blocks[0].ops are needed", { file });
  }
  const names = new Map<number, string>(); // of the parameters, by value number
  const shapes = new Map<string, readonly number[]>();
  for (const operation of operations) {
    const name = savedName(operation);
    const value = results(operation)[0];
    if (name === undefined || value === undefined) continue;
    names.set(value, name);
    shapes.set(name, dims(operation));
  }
  const used = new Set(operations.flatMap((operation) => operands(operation)).flatMap((value) => names.get(value) ?? []));
  const parameters = [...shapes].map(([name, shape]): Declared => ({ name, shape, used: used.has(name) }));
  const version = field(code, "version");
  return {
    version: typeof version === "number" ? `PIR version ${version}` : "PIR",
    parameters,
    layers: operations.flatMap((operation) => layer(operation, names)),
    input: inputShape(operations),
  };
}

/** Of `data` operations that are not saved with the network: the type of the result tells the shape. */
function inputShape(operations: readonly Json[]): readonly number[] | undefined {
  const fed = operations.filter((operation) => {
    const id = field(operation, "#");
    return typeof id === "string" && /^\d+\.data$/.test(id) && savedName(operation) === undefined;
  });
  return pictureShape(fed.map(dims));
}

/** Operations that hand values over, or belong to training, and compute nothing of the network. */
const noLayers =
  /^(p|\d+\.(data|feed|fetch|full|full_int_array|full_like|shadow_output|parameter|builtin.*|.*_grad_?|.*_grad_grad|adamw?_|sgd_|momentum_))$/;

function layer(operation: Json, names: ReadonlyMap<number, string>): LayerRecord[] {
  const id = field(operation, "#");
  const given = results(operation);
  const [result] = given;
  if (typeof id !== "string" || noLayers.test(id) || result === undefined) return [];
  const attributes = new Map<string, Inert>();
  for (const attribute of list(field(operation, "A")) ?? []) {
    const name = field(attribute, "N");
    if (typeof name === "string") attributes.set(name, plain(field(attribute, "AT")));
  }
  const inputs = operands(operation);
  return [
    {
      name: `%${result}`,
      // "1." is the number of the dialect; a trailing "_" means in place.
      type: id.replace(/^\d+\./, "").replace(/_$/, ""),
      attributes,
      inputs: inputs.filter((value) => !names.has(value) && value !== 0).map((value) => `%${value}`),
      outputs: given.map((value) => `%${value}`),
      tensors: inputs.flatMap((value) => names.get(value) ?? []),
    },
  ];
}

/** The name of what is saved with the network: parameters, and persistable data. */
function savedName(operation: Json): string | undefined {
  const id = field(operation, "#");
  const attributes = list(field(operation, "A")) ?? [];
  if (id === "p") {
    const name = attributes[3];
    return typeof name === "string" ? name : undefined;
  }
  if (typeof id !== "string" || !/^\d+\.data$/.test(id)) return undefined;
  const persistable = list(field(operation, "OA"))?.find((attribute) => field(attribute, "N") === "persistable");
  if (first(field(field(persistable, "AT"), "D")) === undefined || field(first(field(field(persistable, "AT"), "D")), "D") !== true)
    return undefined;
  const named = attributes.find((attribute) => field(attribute, "N") === "name");
  const name = field(field(named, "AT"), "D");
  return typeof name === "string" ? name : undefined;
}

/** {"#": type, "D": data}, lists of these, or bare data. */
function plain(value: Json | undefined): Inert {
  if (value === undefined || value === null) return null;
  const inner = list(value);
  if (inner !== undefined) return inner.map(plain);
  if (!isObject(value)) return typeof value === "object" ? null : value;
  const data = value.get("D");
  return data === undefined ? (typeof value.get("#") === "string" ? String(value.get("#")) : null) : plain(data);
}

function results(operation: Json): number[] {
  const out = field(operation, "O");
  return (list(out) ?? [out]).flatMap(valueNumber);
}

function operands(operation: Json): number[] {
  return (list(field(operation, "I")) ?? []).flatMap(valueNumber);
}

function valueNumber(value: Json | undefined): number[] {
  const number = field(value, "%");
  return typeof number === "number" ? [number] : [];
}

function dims(operation: Json): readonly number[] {
  const out = field(operation, "O");
  const type = list(field(field(first(out) ?? out, "TT"), "D"));
  return (list(type?.[1]) ?? []).filter((size) => typeof size === "number");
}

function field(value: Json | undefined, name: string): Json | undefined {
  return isObject(value) ? value.get(name) : undefined;
}

function list(value: Json | undefined): readonly Json[] | undefined {
  return Array.isArray(value) ? value : undefined;
}

function first(value: Json | undefined): Json | undefined {
  return list(value)?.[0];
}
