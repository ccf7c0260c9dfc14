import { plainValue } from "../../encodings/pickle/inert.ts";
import { readPickle } from "../../encodings/pickle/machine.ts";
import {
  interpretNumpy,
  type NumpyArray,
  type NumpyTensorOptions,
  numpyArray,
  numpyScalar,
  numpyTensor,
  objectElements,
  textLength,
} from "../../encodings/pickle/numpy.ts";
import { bytesValue, itemsOf, mappingEntries } from "../../encodings/pickle/standard.ts";
import { carried, joined, nestingOf, type Visitor, walkTree } from "../../encodings/pickle/tree.ts";
import { UnknownObjects } from "../../encodings/pickle/unknown.ts";
import { GlobalName, isTuple, ObjectRecord, type PickleValue } from "../../encodings/pickle/values.ts";
import { CheckpointError } from "../../errors.ts";
import type { ByteSource } from "../../io/source/source.ts";
import type { Inert, Note, ReadCheckpoint } from "../../tensor/checkpoint.ts";
import { freeName, renamedNote } from "../../tensor/free-name.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { joinSlices, sliceTable } from "./big-parameters.ts";
import { optimizerKind } from "./optimizer-names.ts";

/*
 * What `paddle.save` and `fluid.save_dygraph` write (python/paddle/framework/io.py, python/paddle/fluid/dygraph/checkpoint.py): a pickle
 * of a dict of NumPy arrays with a table of names behind them, or, where the dict holds something else besides, of nested dicts and
 * lists with a tuple (name, array) for each tensor. Pickles of NumPy arrays by other programs are read alike.
 */

const nameTable = "StructuredToParameterName@@";
const bigTable = "UnpackBigParamInfor@@";

interface Found {
  readonly path: string;
  readonly array: NumpyArray;
  /** The name that is beside the array in a tuple. */
  readonly parameter: string | undefined;
}

/** Reads one pickle; the tensors stay where they are. Throws as `readPickle`, and `unsafe` for calls that no Paddle file makes. */
export async function readPickled(source: ByteSource, entry: string): Promise<ReadCheckpoint> {
  const { value: root, protocol } = await readPickle(source, 0, { interpret: interpretNumpy });
  const walk = new Walk(entry);
  const top = mappingEntries(root);
  const slices = sliceTable(top?.get(bigTable), entry);
  walkTree(root, "/", walk);

  const suffix = /\.(pd\w+)(\.info)?$/.exec(entry)?.[1];
  const pairs = walk.found.some((found) => found.parameter !== undefined);
  const isPaddle = suffix !== undefined || pairs || walk.evaluated || top?.has(nameTable) === true || slices.length > 0;
  // Paddle keeps bfloat16 as uint16 and reads every uint16 as bfloat16; beside tuples a bare array is a NumPy array that the user added.
  const bfloat16 = (found: Found): boolean => isPaddle && found.array.dtype === "uint16" && (!pairs || found.parameter !== undefined);

  const tensors = new Map<string, Tensor>();
  const parameters = new Map<string, Inert>();
  const notes: Note[] = [];
  let textBytes = 0;
  for (const found of walk.found) {
    const { array, parameter } = found;
    const path = freeName(tensors, found.path);
    if (path !== found.path) notes.push(renamedNote(found.path, path));
    const kind = optimizerKind(path, suffix === "pdopt");
    const options: NumpyTensorOptions = {
      file: entry,
      ...(bfloat16(found) ? { dtype: "bfloat16" } : {}),
      ...(kind === undefined ? {} : { kind }),
      ...(parameter !== undefined && path === "" ? { label: parameter } : {}),
    };
    const tensor = numpyTensor(path, array, options);
    if (tensor === undefined) {
      notes.push({
        code: "unsupported-tensor",
        message: `elements of NumPy type ${array.type} are no numbers that are read`,
        tensor: path,
      });
      continue;
    }
    tensors.set(path, tensor);
    textBytes += textLength(array);
    if (parameter !== undefined) parameters.set(path, parameter);
  }
  for (const slice of slices) await joinSlices(tensors, slice, entry);
  notes.push(...walk.unknown.notes());
  if (tensors.size === 0 && walk.unknown.size > 0) throw walk.unknown.refusal(entry);

  const metadata = walk.metadata;
  const table = plainValue(top?.get(nameTable) ?? null);
  if (table instanceof Map) metadata.set(nameTable, table);
  if (parameters.size > 0) metadata.set("parameter names", parameters);
  if (textBytes > 0) metadata.set("bytes of text", textBytes);
  return {
    format: isPaddle ? "paddle" : "pickle",
    variant: `${suffix ?? "NumPy arrays"}, pickle protocol ${protocol}`,
    files: [entry],
    bytes: source.size,
    tensors,
    layers: [],
    metadata,
    notes,
    nesting: nestingOf(root, "/", tensors),
    close: async () => {},
  };
}

class Walk implements Visitor {
  readonly found: Found[] = [];
  readonly metadata = new Map<string, Inert>();
  readonly unknown = new UnknownObjects();
  /** A static-graph tensor was met. */
  evaluated = false;
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  take(value: PickleValue, path: string | undefined): "tensor" | "taken" | undefined {
    if (path === nameTable || path === bigTable) return "taken";
    const pair = namedArray(value);
    const array = pair?.array ?? numpyArray(value);
    if (array !== undefined) return this.#array(array, path ?? "", pair?.name);
    if (value instanceof ObjectRecord && isEval(value)) return this.take(this.#evaluate(value), path);
    if (mappingEntries(value) !== undefined) return undefined;
    if (value instanceof GlobalName) this.unknown.add(value.path, path);
    const plain = plainValue(value);
    if (plain !== undefined) {
      this.metadata.set(path ?? "", plain);
      return "taken";
    }
    if (value instanceof ObjectRecord && itemsOf(value) === undefined && bytesValue(value) === undefined) {
      this.unknown.add(value.path, path);
    }
    return undefined;
  }

  #array(array: NumpyArray, path: string, parameter: string | undefined): "tensor" | "taken" | undefined {
    if (array.scalar) {
      const value = numpyScalar(array);
      if (value !== undefined) this.metadata.set(path, value);
      return "taken";
    }
    if (objectElements(array) !== undefined) return undefined;
    this.found.push({ path, array, parameter });
    return "tensor";
  }

  /** A static-graph tensor is written as eval("data", {"data": array}); nothing else is ever evaluated (paddle/framework/io.py). */
  #evaluate(value: ObjectRecord): PickleValue {
    const [expression, scope] = value.args;
    const data = mappingEntries(scope)?.get("data");
    if (expression !== "data" || data === undefined) {
      throw new CheckpointError(
        "unsafe",
        "the pickle calls eval with other text than the 'data' that Paddle writes: refused, nothing was run",
        {
          file: this.#file,
        },
      );
    }
    this.evaluated = true;
    return data;
  }

  *inside(value: ObjectRecord, path: string | undefined): Generator<readonly [string | undefined, PickleValue]> {
    const array = numpyArray(value);
    if (array === undefined) {
      yield* carried(value, path, "/");
      return;
    }
    const elements = objectElements(array) ?? [];
    for (const [index, element] of elements.entries()) yield [array.shape.length === 0 ? path : joined(path, "/", String(index)), element];
  }
}

function isEval(value: ObjectRecord): boolean {
  return value.path === "builtins.eval" || value.path === "__builtin__.eval";
}

/** The tuple (name, array) that means a tensor; written as a call of `tuple`. */
function namedArray(value: PickleValue): { readonly name: string; readonly array: NumpyArray } | undefined {
  const isPair = isTuple(value) || (value instanceof ObjectRecord && /^(builtins|__builtin__)\.tuple$/.test(value.path ?? ""));
  const items = isPair ? itemsOf(value) : undefined;
  if (items?.length !== 2 || typeof items[0] !== "string") return undefined;
  const array = numpyArray(items[1]);
  return array === undefined ? undefined : { name: items[0], array };
}
