import { CheckpointError } from "../../errors.ts";
import type { Inert, LayerRecord, Note } from "../../tensor/checkpoint.ts";
import type { NumericTensor, Tensor } from "../../tensor/tensor.ts";
import type { MatFile, MatValue, NumericArray, OpaqueValue } from "./elements/value.ts";
import { toInert } from "./inert.ts";
import { elementPath, fieldPath, leaves } from "./paths.ts";

/** What the interpretation of a MAT-file fills. */
export interface Collected {
  readonly tensors: Map<string, Tensor>;
  readonly metadata: Map<string, Inert>;
  readonly layers: LayerRecord[];
  readonly notes: Note[];
}

export function createCollected(file: MatFile): Collected {
  return {
    tensors: new Map(),
    metadata: new Map(file.header === "" ? [] : [["header", file.header]]),
    layers: [],
    notes: file.remarks.map(({ message, offset }) => ({ code: "assumed", message, offset })),
  };
}

export function addTensor(into: Collected, name: string, array: NumericArray, label?: string): void {
  if (into.tensors.has(name)) throw new CheckpointError("malformed", `two arrays are named ${name}`, { tensor: name });
  const tensor: NumericTensor = {
    name,
    dtype: array.dtype,
    shape: array.dims,
    parts: () => array.parts(),
    ...(array.stored === undefined ? {} : { stored: array.stored }),
    ...(label === undefined ? {} : { label }),
  };
  into.tensors.set(name, tensor);
}

/** Every array below becomes a tensor, every text metadata, everything else a note. */
export function addEverything(into: Collected, value: MatValue, path: string): void {
  if (value.kind === "cell" && value.items.length > 0 && value.items.every((item) => item.kind === "char")) {
    into.metadata.set(path, toInert(value));
    return;
  }
  if (value.kind === "cell") {
    for (const [k, item] of value.items.entries()) addEverything(into, item, `${path}{${k + 1}}`);
    return;
  }
  if (value.kind === "struct") {
    const width = value.fields.length;
    for (const [k, inner] of value.values.entries()) {
      addEverything(into, inner, fieldPath(elementPath(path, value, Math.floor(k / width)), value.fields[k % width] ?? ""));
    }
    return;
  }
  if (value.kind === "numeric") addTensor(into, path, value);
  else if (value.kind === "char") into.metadata.set(path, toInert(value));
  else into.notes.push(noteOf(value, path));
}

/** Everything below becomes metadata under its MATLAB expression; 1×1 structs are opened, lists stay whole. */
export function addMetadata(into: Collected, value: MatValue, path: string, of: (value: MatValue, path: string) => Inert = toInert): void {
  if (value.kind === "struct" && value.values.length === value.fields.length && value.fields.length > 0) {
    for (const [k, inner] of value.values.entries()) addMetadata(into, inner, fieldPath(path, value.fields[k] ?? ""), of);
    return;
  }
  into.metadata.set(path, of(value, path));
  addNotes(into, value, path);
}

/** Names the objects and handles below a value. */
export function addNotes(into: Collected, value: MatValue, path: string): void {
  // Thousands of class names need no expressions of their own.
  if (value.kind === "cell" && value.items.every((item) => item.kind === "char" || item.kind === "numeric")) return;
  for (const [name, leaf] of leaves(value, path)) {
    if (leaf.kind !== "numeric" && leaf.kind !== "char") into.notes.push(noteOf(leaf, name));
  }
}

function noteOf(value: OpaqueValue, path: string): Note {
  const place = { tensor: path, ...(value.offset === undefined ? {} : { offset: value.offset }) };
  switch (value.kind) {
    case "object":
      return {
        code: "unknown-object",
        message: `${path} is an object of class ${value.name === "" ? "unknown" : value.name}, which only MATLAB can read`,
        fix: value.name.startsWith("dagnn.")
          ? "in MATLAB: net = net.saveobj(); save('net.mat', '-struct', 'net')"
          : "save its arrays as plain variables",
        ...place,
      };
    case "function":
      return { code: "unknown-object", message: `${path} is a function handle`, ...place };
    case "unreadable":
      return { code: "unsupported-tensor", message: `${path} is ${value.name}`, ...place };
  }
}
