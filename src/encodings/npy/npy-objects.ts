import type { ByteSource } from "../../io/source/source.ts";
import type { Inert, Note } from "../../tensor/checkpoint.ts";
import { freeName, renamedNote } from "../../tensor/free-name.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import { plainValue } from "../pickle/inert.ts";
import { readPickle } from "../pickle/machine.ts";
import { interpretNumpy, numpyArray, numpyTensor, objectElements } from "../pickle/numpy.ts";
import { carried, joined, nestingOf, walkTree } from "../pickle/tree.ts";
import { UnknownObjects } from "../pickle/unknown.ts";
import type { ObjectRecord, PickleValue } from "../pickle/values.ts";

/** Settings beside the arrays; an array of a million Python numbers is not kept one by one. */
const maxPlain = 1000;

/** How the arrays are named. */
export interface NpyNames {
  /** Comes first. */
  readonly name?: string;
  /** Between keys and indices of lists; a dot unless said. */
  readonly separator?: string;
  /** Names that others have already. */
  readonly taken?: { has(name: string): boolean };
}

/** What an array of Python objects holds. */
export interface NpyObjects {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: ReadonlyMap<string, Inert>;
  readonly notes: readonly Note[];
  readonly unknown: UnknownObjects;
  /** What holds the arrays, below the one dict or list that the array of objects is. */
  readonly nesting: readonly string[];
}

/**
 * The arrays inside an array of objects, which is one pickle at `offset`: a dict of layers saved with `np.save` is an
 * array of no dimensions whose one object is the dict. Nothing that the pickle would call is run.
 */
export async function readNpyObjects(source: ByteSource, offset: number, names: NpyNames = {}): Promise<NpyObjects> {
  const { name, separator = ".", taken } = names;
  const { value } = await readPickle(source, offset, { interpret: interpretNumpy });
  const tensors = new Map<string, Tensor>();
  const metadata = new Map<string, Inert>();
  const notes: Note[] = [];
  const unknown = new UnknownObjects();

  const keep = (key: string, plain: Inert): void => {
    if (metadata.size < maxPlain) metadata.set(freeName(metadata, key), plain);
  };
  const take = (item: PickleValue, path: string | undefined): "tensor" | "taken" | undefined => {
    const array = numpyArray(item);
    const full = path === undefined ? (name ?? "") : joined(name, separator, path);
    const key = array === undefined ? full : freeName({ has: (other) => tensors.has(other) || taken?.has(other) === true }, full);
    if (array === undefined) {
      const plain = plainValue(item);
      if (plain === undefined || plain instanceof Map || Array.isArray(plain)) return undefined;
      keep(key, plain);
      return "taken";
    }
    if (objectElements(array) !== undefined) return undefined;
    const tensor = array.scalar ? undefined : numpyTensor(key, array, { file: source.name });
    if (tensor === undefined) {
      const scalar = plainValue(item);
      if (scalar !== undefined) keep(key, scalar);
      else notes.push({ code: "unsupported-tensor", message: `elements of NumPy type ${array.type} are not read`, tensor: key });
      return "taken";
    }
    tensors.set(key, tensor);
    if (key !== full) notes.push(renamedNote(full, key));
    return "tensor";
  };

  const inside = (item: ObjectRecord, path: string | undefined): Iterable<readonly [string | undefined, PickleValue]> => {
    const array = numpyArray(item);
    const elements = array && objectElements(array);
    if (array === undefined || elements === undefined) {
      unknown.add(item.path, path);
      return carried(item, path, separator);
    }
    if (array.shape.length === 0) return elements.map((element) => [path, element] as const);
    return elements.map((element, index) => [joined(path, separator, String(index)), element] as const);
  };

  walkTree(value, separator, { take, inside });
  const root = numpyArray(value);
  if (tensors.size === 0 && unknown.size === 0 && root !== undefined && root.shape.length > 0) {
    notes.push({
      code: "unsupported-tensor",
      message: `an array of ${root.shape.join("x")} Python objects is no tensor`,
      tensor: name ?? "",
    });
  }
  const [only] = root === undefined || root.shape.length > 0 ? [] : (objectElements(root) ?? []);
  return { tensors, metadata, notes, unknown, nesting: only === undefined ? [] : nestingOf(only, separator, tensors) };
}
