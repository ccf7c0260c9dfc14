import type { Inert, LayerRecord } from "../../tensor/checkpoint.ts";
import type { T7Object, T7Tensor, T7Value } from "./value.ts";
import { fieldOf, isT7Object, isTable, isTensor, join } from "./walk.ts";

/** Networks nest a few levels; a module inside itself would go on for ever. */
const maxDepth = 64;

/** The modules of a network in forward order, those inside containers too; `names` has the key of every listed tensor. */
export function layersOf(root: T7Value, names: ReadonlyMap<T7Tensor, string>): readonly LayerRecord[] {
  const layers: LayerRecord[] = [];
  const top = networkOf(root);
  if (top !== undefined) addModule({ layers, names }, top.object, top.path, 0);
  return layers;
}

/** The network itself, or the one network among the fields of a table ({ model = …, epoch = 3 }). */
function networkOf(root: T7Value): { readonly object: T7Object; readonly path: string } | undefined {
  if (isT7Object(root)) return isTable(root.payload) ? { object: root, path: "" } : undefined;
  if (!isTable(root)) return undefined;
  const found = root.entries.flatMap(([key, value]) =>
    isT7Object(value) && isTable(fieldOf(value, "modules")) ? [{ object: value, path: String(key) }] : [],
  );
  return found.length === 1 ? found[0] : undefined;
}

interface Listing {
  readonly layers: LayerRecord[];
  /** Keys of the listed tensors. */
  readonly names: ReadonlyMap<T7Tensor, string>;
}

/** Gives the name of the last layer added. */
function addModule(into: Listing, module: T7Object, path: string, depth: number, before?: string): string | undefined {
  const modules = fieldOf(module, "modules");
  if (!isTable(modules)) {
    if (!isTable(module.payload)) return before;
    into.layers.push(recordOf(module, path, into.names, before));
    return path;
  }
  if (depth > maxDepth) return before;
  // Only a Sequential says what reads what; branches of other containers start with what came before these.
  const chain = module.className.endsWith("Sequential");
  let last = before;
  for (const [key, inner] of modules.entries) {
    if (!isT7Object(inner)) continue;
    const made = addModule(into, inner, join(path, `modules.${String(key)}`), depth + 1, chain ? last : before);
    last = made ?? last;
  }
  return last;
}

function recordOf(module: T7Object, path: string, names: ReadonlyMap<T7Tensor, string>, before: string | undefined): LayerRecord {
  const attributes = new Map<string, Inert>();
  const tensors: string[] = [];
  for (const [key, value] of isTable(module.payload) ? module.payload.entries : []) {
    if (typeof key !== "string") continue;
    const name = isTensor(value) ? names.get(value) : undefined;
    if (name !== undefined) tensors.push(name);
    else if (typeof value === "number" || typeof value === "boolean" || typeof value === "string") attributes.set(key, value);
  }
  return { name: path, type: module.className, attributes, inputs: before === undefined ? [] : [before], tensors: inOrder(tensors) };
}

/** Lua keeps fields in no order: weight before bias before the rest. */
function inOrder(keys: readonly string[]): readonly string[] {
  const rank = (key: string): number => {
    const place = ["weight", "bias"].indexOf(key.slice(key.lastIndexOf(".") + 1));
    return place < 0 ? 2 : place;
  };
  return keys.toSorted((a, b) => rank(a) - rank(b));
}
