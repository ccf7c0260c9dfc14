import { folderOf } from "../../encodings/file-names.ts";
import type { Probe, Reader } from "../../encodings/probe.ts";
import { expectWire } from "../../encodings/protobuf/protobuf.ts";
import { sourceFields } from "../../encodings/protobuf/protobuf-source.ts";
import { CheckpointError, isCheckpointError, locate } from "../../errors.ts";
import type { ByteSource, FileSet } from "../../io/source/source.ts";
import type { Inert, LayerRecord, Note, ReadCheckpoint } from "../../tensor/checkpoint.ts";
import { contiguous } from "../../tensor/contiguous.ts";
import { byteLength, elementCount } from "../../tensor/shape.ts";
import { type StringTensor, type Tensor, type TensorKind, withInfo } from "../../tensor/tensor.ts";
import { beginsAsModel, type OnnxModel, readModel } from "./model.ts";
import { type QuantisedModel, readQuantised } from "./quantised.ts";
import { inlineValues, type OnnxTensor, onnxTypeName } from "./tensor.ts";

/*
 * ONNX: the initializers of a model's graph are its tensors, its nodes its layers. Values may be in other files beside the
 * model; constants inside nodes are not listed.
 */

/** Models beside a file that might be their data, which are looked into. */
const maxLooked = 20;

export const reader: Reader = {
  async detect(probe) {
    if (probe.container !== "binary") return undefined;
    const begins = beginsAsModel(probe.head);
    if (begins === "graph") return "sure";
    if (begins === "fields" && (await hasGraph(probe.source))) return "sure";
    if (probe.entry.endsWith(".onnx")) return "maybe";
    return (await modelOf(probe)) === undefined ? undefined : "sure";
  },

  async read(probe) {
    const isModel = beginsAsModel(probe.head) !== undefined || probe.entry.endsWith(".onnx");
    const entry = isModel ? probe.entry : await modelOf(probe);
    const source = entry === undefined || entry === probe.entry ? probe.source : await probe.set.open(entry);
    if (entry === undefined || source === undefined) throw new CheckpointError("malformed", "this is no ONNX model", { file: probe.entry });
    const opened = new Files(probe.set, folderOf(entry), source === probe.source ? [] : [source]);
    try {
      return await readCheckpoint(entry, source, opened);
    } catch (error) {
      await opened.close();
      throw error;
    }
  },
};

async function hasGraph(source: ByteSource): Promise<boolean> {
  try {
    for await (const field of sourceFields(source)) if (field.number === 7 && field.wire === 2) return true;
    return false;
  } catch (error) {
    if (isCheckpointError(error)) return false;
    throw error;
  }
}

/** The model in the same folder whose external data the file is. */
async function modelOf(probe: Probe): Promise<string | undefined> {
  const folder = folderOf(probe.entry);
  const models = ((await probe.set.list()) ?? []).filter((name) => folderOf(name) === folder && name.endsWith(".onnx"));
  if (models.length > maxLooked) return undefined;
  for (const name of models) {
    const source = await probe.set.open(name);
    if (source === undefined) continue;
    try {
      const { initializers } = await readModel(source);
      const own = initializers.some(
        ({ place }) => place.kind === "external" && folder + place.location.replace(/^(\.\/)+/, "") === probe.entry,
      );
      if (own) return name;
    } catch (error) {
      if (!isCheckpointError(error)) throw error; // a damaged model beside the file says nothing about it
    } finally {
      await source.close();
    }
  }
  return undefined;
}

/** Files that are opened while a model is read, each once. */
class Files {
  readonly bySize = new Map<string, ByteSource>();
  readonly #set: FileSet;
  readonly #folder: string;
  readonly #owned: readonly ByteSource[];

  constructor(set: FileSet, folder: string, owned: readonly ByteSource[]) {
    this.#set = set;
    this.#folder = folder;
    this.#owned = owned;
  }

  /** A file that the model names. Throws `unsafe` outside the folder, `not-found`. */
  async external(location: string): Promise<ByteSource> {
    const known = this.bySize.get(location);
    if (known !== undefined) return known;
    const source = await this.#set.open(this.#folder + location);
    if (source === undefined) throw new CheckpointError("not-found", `${location} is missing, which holds its values`, { file: location });
    this.bySize.set(location, source);
    return source;
  }

  async close(): Promise<void> {
    for (const source of [...this.#owned, ...this.bySize.values()]) await source.close();
  }
}

async function readCheckpoint(entry: string, source: ByteSource, files: Files): Promise<ReadCheckpoint> {
  const model = await locate({ file: source.name }, () => readModel(source));
  const tensors = new Map<string, Tensor>();
  const notes: Note[] = [];
  for (const found of model.initializers) {
    const { name } = found;
    if (tensors.has(name))
      throw new CheckpointError("malformed", "the graph has two initializers of this name", { file: entry, tensor: name });
    const tensor = await locate({ tensor: name, file: source.name }, () => initializer(source, found, files, notes));
    if (tensor !== undefined) tensors.set(name, tensor);
  }
  if (model.sparse > 0) {
    notes.push({ code: "unsupported-tensor", message: `${model.sparse} sparse initializers are no plain arrays and are not listed` });
  }
  for (const name of shapeConstants(model, tensors)) tensors.set(name, kindOf(tensors, name, "constant"));
  const quantised = readQuantised(model.nodes, tensors);
  notes.push(...quantised.notes);
  for (const name of quantised.scales) tensors.set(name, kindOf(tensors, name, "bookkeeping"));
  for (const [name, real] of quantised.real) tensors.set(name, withInfo(real, { kind: "parameter" }));
  const external = [...files.bySize].map(([name, file]) => ({ name: folderOf(entry) + name, size: file.size }));
  return {
    format: "onnx",
    variant: variantOf(model, external.length),
    files: [entry, ...external.map(({ name }) => name)],
    bytes: external.reduce((sum, { size }) => sum + size, source.size),
    tensors,
    layers: layersOf(model, tensors, quantised),
    metadata: metadataOf(model, tensors),
    notes,
    close: () => files.close(),
  };
}

async function initializer(source: ByteSource, found: OnnxTensor, files: Files, notes: Note[]): Promise<Tensor | undefined> {
  const { name, shape, dtype, place } = found;
  if (dtype === undefined || (dtype === "string" && place.kind !== "strings")) {
    notes.push({ code: "unsupported-tensor", message: `elements of ${onnxTypeName(found.type)} cannot be read`, tensor: name });
    return undefined;
  }
  if (dtype === "string") return strings(source, found);
  if (place.kind === "raw" && place.run.length === 0 && elementCount(shape) > 0) {
    // Tools that strip a model for publishing leave raw_data empty: never zeros.
    notes.push({
      code: "unsupported-tensor",
      message: `its values are left out: ${byteLength(shape, dtype)} bytes needed, none are there`,
      tensor: name,
    });
    return undefined;
  }
  if (place.kind !== "external") return contiguous({ name, dtype, shape, source: inlineValues(source, found, dtype) });
  const file = await files.external(place.location);
  const needed = byteLength(shape, dtype);
  if (place.length !== undefined && place.length !== needed) {
    throw new CheckpointError(
      "malformed",
      `${needed} bytes needed for ${dtype} [${shape.join(", ")}], ${place.length} are named in ${place.location}`,
    );
  }
  return contiguous({ name, dtype, shape, source: file, offset: place.offset });
}

/** string_data 6, one field for each element. */
function strings(source: ByteSource, { name, shape, place }: OnnxTensor): StringTensor {
  const count = elementCount(shape);
  async function* elements(): AsyncGenerator<Uint8Array, void, undefined> {
    if (place.kind !== "strings") return;
    let made = 0;
    for await (const field of sourceFields(source, place.message.offset, place.message.offset + place.message.length)) {
      if (field.number !== 6) continue;
      expectWire(field, 2, "a string");
      made += 1;
      if (made <= count) yield await source.read(field.offset, field.length);
    }
    if (made !== count) throw new CheckpointError("malformed", `${count} strings needed, ${made} are there`, { tensor: name });
  }
  return { name, dtype: "string", shape, elements };
}

function variantOf(model: OnnxModel, files: number): string {
  const producer = [model.metadata.get("producer_name"), model.metadata.get("producer_version")]
    .filter((part) => typeof part === "string" && part !== "")
    .join(" ");
  const ir = model.metadata.get("ir_version");
  return `IR version ${typeof ir === "number" ? ir : "unknown"}${producer === "" ? "" : `, ${producer}`}${files === 0 ? "" : ", external data"}`;
}

/** Nodes with what they compute with: the quantised initializer where that is dequantised before; scales are no tensors of a layer. */
function layersOf(model: OnnxModel, tensors: ReadonlyMap<string, Tensor>, quantised: QuantisedModel): readonly LayerRecord[] {
  const { scales, standsFor, biases } = quantised;
  const elsewhere = new Set([...scales, ...biases.values()]);
  return model.nodes.map(({ name, type, inputs, outputs, attributes }) => {
    const made = inputs.map((input) => standsFor.get(input) ?? input);
    const own = outputs.some((output) => standsFor.has(output)) ? [] : made.filter((input) => tensors.has(input) && !elsewhere.has(input));
    const bias = biases.get(outputs[0] ?? "");
    return {
      name,
      type,
      attributes,
      inputs: made.filter((input) => !tensors.has(input)),
      outputs,
      tensors: bias === undefined ? own : [...own, bias],
    };
  });
}

/** Operators whose inputs after the first say sizes, axes or places. */
const shapeOperators = new Set([
  "Reshape",
  "Squeeze",
  "Unsqueeze",
  "Slice",
  "Expand",
  "Tile",
  "Pad",
  "Resize",
  "Upsample",
  "Split",
  "Gather",
]);

/** Whole numbers that are shapes and axes of the graph, and nothing else. */
function shapeConstants({ nodes }: OnnxModel, tensors: ReadonlyMap<string, Tensor>): ReadonlySet<string> {
  const constants = new Set<string>();
  const others = new Set<string>();
  for (const { type, inputs } of nodes) {
    inputs.forEach((name, at) => {
      const isWhole = /^int(32|64)$/.test(tensors.get(name)?.dtype ?? "");
      if (isWhole) (at > 0 && shapeOperators.has(type) ? constants : others).add(name);
    });
  }
  return new Set([...constants].filter((name) => !others.has(name)));
}

function kindOf(tensors: ReadonlyMap<string, Tensor>, name: string, kind: TensorKind): Tensor {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new RangeError(`no initializer ${name}`);
  return withInfo(tensor, { kind });
}

/** What the model says of itself, and the shape of its picture: the first input that is no initializer. */
function metadataOf(model: OnnxModel, tensors: ReadonlyMap<string, Tensor>): ReadonlyMap<string, Inert> {
  const input = model.inputs.find(({ name }) => !tensors.has(name));
  return new Map([...model.metadata, ...(input === undefined ? [] : [["input_shape", input.shape] as const])]);
}
