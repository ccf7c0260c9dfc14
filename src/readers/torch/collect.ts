import { plainValue } from "../../encodings/pickle/inert.ts";
import { NumpyArray, numpyArray, numpyTensor, objectElements } from "../../encodings/pickle/numpy.ts";
import { bytesValue, itemsOf, mappingEntries } from "../../encodings/pickle/standard.ts";
import { carried, joined, nestingOf, type Visitor, walkTree } from "../../encodings/pickle/tree.ts";
import { UnknownObjects } from "../../encodings/pickle/unknown.ts";
import { ObjectRecord, PersistentId, type PickleValue } from "../../encodings/pickle/values.ts";
import type { Checkpoint, Inert, LayerRecord, Note } from "../../tensor/checkpoint.ts";
import { quantisedNotes } from "../../tensor/dequantised.ts";
import { freeName, renamedNote } from "../../tensor/free-name.ts";
import type { NumericTensor, Tensor, TensorKind } from "../../tensor/tensor.ts";
import { isModule, isScripted, moduleChildren, moduleLayer } from "./modules.ts";
import { isPacked, packedChildren, packedLayer, packedName } from "./packed.ts";
import { markScales, realTensor } from "./quantised.ts";
import { className, type StorageId, TorchTensor, tensorRecord, type UnsupportedRecord } from "./records.ts";
import { type StorageSet, TensorMaker } from "./storages.ts";

/** What a pickle of PyTorch holds. */
export interface CollectedTensors {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly dequantised?: NonNullable<Checkpoint["dequantised"]>;
  readonly layers: readonly LayerRecord[];
  readonly metadata: ReadonlyMap<string, Inert>;
  readonly notes: readonly Note[];
  readonly nesting?: readonly string[];
}

export interface CollectOptions {
  readonly file: string;
  /** What the container knows of a value: a tensor of a tar's own table. */
  readonly known?: (value: PickleValue) => TorchTensor | undefined;
  /** A storage that is kept inside the pickle. */
  readonly embedded?: (call: ObjectRecord) => Promise<{ readonly id: StorageId; readonly storages: StorageSet } | undefined>;
}

interface Found {
  readonly path: string;
  readonly value: TorchTensor | UnsupportedRecord | NumpyArray;
  readonly kind: TensorKind | undefined;
}

/** Lists what is in `root`: tensors by their path joined with ".", modules by the names that state_dict() gives. */
export async function collectTensors(root: PickleValue, storages: StorageSet, options: CollectOptions): Promise<CollectedTensors> {
  const { file } = options;
  const walk = new Walk(root, options);
  walkTree(root, ".", walk);
  const maker = new TensorMaker(storages, file);
  const tensors = new Map<string, Tensor>();
  /** Quantised ones as they are stored. */
  const quantised = new Map<string, NumericTensor>();
  const notes: Note[] = [];
  const unsupported = (tensor: string, message: string): void => {
    notes.push({ code: "unsupported-tensor", message, tensor });
  };
  const scalesOf = async (record: TorchTensor): Promise<NumericTensor | undefined> => {
    const made = await make({ name: "" }, record, maker, options);
    return "unsupported" in made ? undefined : made;
  };
  for (const found of walk.found) {
    const { value, kind } = found;
    const path = freeName(tensors, found.path);
    if (path !== found.path) notes.push(renamedNote(found.path, path));
    const names = { name: path, ...(kind === undefined ? {} : { kind }) };
    if (value instanceof TorchTensor) {
      const made = await make(names, value, maker, options);
      const { quantiser } = value.view;
      const real = "unsupported" in made || quantiser === undefined ? made : await realTensor(made, quantiser, scalesOf);
      if ("unsupported" in real) unsupported(path, `${real.unsupported} is not read`);
      else tensors.set(path, real);
      if (real === made || "unsupported" in made || "unsupported" in real) continue;
      quantised.set(path, made);
      unsupported(path, "a quantised tensor is listed only within a network; convert gives the numbers that it means");
    } else if ("unsupported" in value) {
      unsupported(path, `${value.unsupported} is not read`);
    } else {
      const tensor = numpyTensor(path, value, { file, ...(kind === undefined ? {} : { kind }) });
      if (tensor === undefined) unsupported(path, `elements of NumPy type ${value.type} are no numbers that are read`);
      else tensors.set(path, tensor);
    }
  }
  notes.push(...walk.unknown.notes());
  if (tensors.size === 0 && walk.unknown.size > 0) throw walk.unknown.refusal(file);
  const said = { layers: walk.layers, metadata: walk.metadata, nesting: nestingOf(root, ".", tensors) };
  // Halves are kept in packed weights too, and are not whole numbers by scales.
  if ([...tensors.keys()].some((name) => name.includes(packedName))) markScales(tensors);
  return quantised.size === 0 ? { ...said, tensors, notes } : { ...said, ...divided(tensors, quantised, notes) };
}

/** Quantised tensors kept apart: as torch has them, they are no plain numbers. */
function divided(
  tensors: Map<string, Tensor>,
  quantised: ReadonlyMap<string, NumericTensor>,
  notes: readonly Note[],
): Pick<CollectedTensors, "tensors" | "notes" | "dequantised"> {
  markScales(tensors);
  const others = notes.filter(({ tensor }) => tensor === undefined || !quantised.has(tensor));
  return {
    tensors: new Map([...tensors].filter(([name]) => !quantised.has(name))),
    notes,
    dequantised: { tensors, notes: [...others, ...quantisedNotes(quantised, (name) => quantised.get(name)?.dtype)] },
  };
}

async function make(
  names: { readonly name: string; readonly kind?: TensorKind },
  record: TorchTensor,
  maker: TensorMaker,
  options: CollectOptions,
): Promise<NumericTensor | UnsupportedRecord> {
  if (!(record.storage instanceof ObjectRecord)) return maker.make(names, record.storage, record);
  const embedded = await options.embedded?.(record.storage);
  if (embedded === undefined) return { unsupported: "a tensor whose storage is pickled inside" };
  return new TensorMaker(embedded.storages, options.file).make(names, embedded.id, record);
}

class Walk implements Visitor {
  readonly found: Found[] = [];
  readonly layers: LayerRecord[] = [];
  readonly metadata = new Map<string, Inert>();
  readonly unknown = new UnknownObjects();
  readonly #known: CollectOptions["known"];
  /** Paths of optimizers' own dicts, each ending in ".". */
  readonly #optimizers: string[] = [];
  /** The file keeps more than one state dict's worth: what is beside the dicts is bookkeeping. */
  readonly #isTraining: boolean;

  constructor(root: PickleValue, options: CollectOptions) {
    this.#known = options.known;
    const values = [...(mappingEntries(root)?.values() ?? [])];
    this.#isTraining = values.some((value) => (mappingEntries(value)?.size ?? 0) > 0 || isModule(value));
  }

  take(value: PickleValue, path: string | undefined): "tensor" | "taken" | undefined {
    const record = this.#known?.(value) ?? tensorRecord(value) ?? numpyArray(value);
    if (record !== undefined) {
      if (record instanceof NumpyArray && objectElements(record) !== undefined) return undefined;
      this.found.push({ path: path ?? "", value: record, kind: this.#kind(path ?? "", record) });
      return "tensor";
    }
    const entries = mappingEntries(value);
    if (entries !== undefined) {
      // What torch.optim.Optimizer.state_dict() returns.
      if (entries.has("state") && entries.has("param_groups")) this.#optimizers.push(path === undefined ? "" : `${path}.`);
      return undefined;
    }
    if (value instanceof PersistentId) return "taken"; // a storage without a tensor
    const plain = plainValue(value);
    if (plain !== undefined) {
      this.metadata.set(freeName(this.metadata, path ?? ""), plain);
      return "taken";
    }
    if (!(value instanceof ObjectRecord) || itemsOf(value) !== undefined || bytesValue(value) !== undefined) return undefined;
    if (isPacked(value)) {
      const layer = packedLayer(value, path ?? "");
      if (layer !== undefined) this.layers.push(layer);
      return undefined;
    }
    if (!isModuleLike(value)) {
      this.unknown.add(className(value.callable), path);
      return undefined;
    }
    const layer = moduleLayer(value, path ?? "");
    if (layer !== undefined) this.layers.push(layer);
    return undefined;
  }

  #kind(path: string, record: TorchTensor | UnsupportedRecord | NumpyArray): TensorKind | undefined {
    if (this.#optimizers.some((prefix) => path.startsWith(prefix))) return "optimizer";
    if (record instanceof TorchTensor && (record.view.parameter || record.view.quantiser !== undefined)) return "parameter";
    const isScalar = "shape" in record && record.shape.length === 0;
    return this.#isTraining && isScalar && !path.includes(".") ? "bookkeeping" : undefined;
  }

  *inside(value: ObjectRecord, path: string | undefined): Generator<readonly [string | undefined, PickleValue]> {
    const array = numpyArray(value);
    if (array !== undefined) {
      for (const [index, element] of (objectElements(array) ?? []).entries()) {
        yield [array.shape.length === 0 ? path : joined(path, ".", String(index)), element];
      }
    } else if (isPacked(value)) {
      yield* packedChildren(value, path);
    } else if (isModuleLike(value)) {
      yield* moduleChildren(value, path);
    } else {
      yield* carried(value, path, ".");
    }
  }
}

function isModuleLike(value: ObjectRecord): boolean {
  return isModule(value) || isScripted(value);
}
