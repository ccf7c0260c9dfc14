import { CheckpointError } from "../../errors.ts";
import { itemsOf, keyName, mappingEntries } from "./standard.ts";
import { type Container, isContainer, ObjectRecord, type PickleValue } from "./values.ts";

/** Python's own recursion limit lets a pickler go about this deep; a checkpoint has some ten levels. */
const maxDepth = 300;
/** A shared list counts each time it is met. 100,000 tensors with their settings take 3 million; 4 million take 0.5 s. */
const maxVisits = 4_000_000;

/** Tensors met, shared ones wherever they are met; four times as many as the largest checkpoint that has to be read. */
const maxTensors = 400_000;

/** Containers that are asked whether tensors are in them: a checkpoint of a training has some ten. */
const mostNames = 100;

/** What a walk asks of each value. `path` is undefined for the root. */
export interface Visitor {
  /** tensor: it was listed. taken: nothing in it is to be looked at. undefined: look inside. */
  take(value: PickleValue, path: string | undefined): "tensor" | "taken" | undefined;
  /** What is inside an object that is no dict and no list, with the full paths. */
  inside(value: ObjectRecord, path: string | undefined): Iterable<readonly [path: string | undefined, value: PickleValue]>;
}

export function joined(path: string | undefined, separator: string, key: string): string {
  return path === undefined ? key : path + separator + key;
}

/**
 * Visits all values in a pickle in order, paths joined with `separator`; lists count from 0. What is shared is visited wherever it is
 * met, unless there was no tensor in it the first time: 40 lists, each ten times the one before, are done at once. Throws `unsafe`
 * beyond the limits.
 */
export function walkTree(root: PickleValue, separator: string, visitor: Visitor): void {
  const barren = new Set<Container>();
  const open = new Set<Container>();
  let visits = 0;
  let tensors = 0;
  const children = (value: Container, path: string | undefined): Iterable<readonly [string | undefined, PickleValue]> => {
    const entries = mappingEntries(value);
    if (entries !== undefined) return namedEntries(entries, path, separator);
    const items = itemsOf(value);
    if (items !== undefined) return numbered(items, path, separator);
    return value instanceof ObjectRecord ? visitor.inside(value, path) : [];
  };
  /** Whether a tensor was in it. */
  const visit = (value: PickleValue, path: string | undefined, depth: number): boolean => {
    visits += 1;
    if (visits > maxVisits) throw new CheckpointError("unsafe", `a pickle that unfolds to more than ${maxVisits} values`);
    if (depth > maxDepth) throw new CheckpointError("unsafe", `a pickle nested deeper than ${maxDepth} levels`);
    if (isContainer(value) && (barren.has(value) || open.has(value))) return false;
    const taken = visitor.take(value, path);
    if (taken === "tensor") tensors += 1;
    if (tensors > maxTensors) throw new CheckpointError("unsafe", `a pickle that unfolds to more than ${maxTensors} tensors`);
    if (taken !== undefined || !isContainer(value)) return taken === "tensor";
    open.add(value);
    let found = false;
    for (const [inner, child] of children(value, path)) {
      if (visit(child, inner, depth + 1)) found = true;
    }
    open.delete(value);
    if (!found) barren.add(value);
    return found;
  };
  visit(root, undefined, 0);
}

/**
 * The names of what the outermost dict or list keeps tensors in, one level or more below: `state_dict` of {state_dict, epoch}; the class of a
 * whole module. None for one flat dict of tensors.
 */
export function nestingOf(root: PickleValue, separator: string, tensors: ReadonlyMap<string, unknown>): readonly string[] {
  if (root instanceof ObjectRecord && mappingEntries(root) === undefined && itemsOf(root) === undefined)
    return tensors.has("") ? [] : [root.path ?? "an object"];
  const entries = mappingEntries(root);
  const children =
    entries === undefined ? numbered(itemsOf(root) ?? [], undefined, separator) : namedEntries(entries, undefined, separator);
  const names: string[] = [];
  for (const [name, value] of children) if (names.length < mostNames && isContainer(value) && !tensors.has(name)) names.push(name);
  const keys = [...tensors.keys()];
  return names.filter((name) => keys.some((key) => key.startsWith(name + separator)));
}

function* namedEntries(
  entries: ReadonlyMap<PickleValue, PickleValue>,
  path: string | undefined,
  separator: string,
): Generator<readonly [string, PickleValue]> {
  for (const [key, value] of entries) yield [joined(path, separator, keyName(key, entries)), value];
}

function* numbered(items: readonly PickleValue[], path: string | undefined, separator: string): Generator<readonly [string, PickleValue]> {
  for (const [index, value] of items.entries()) yield [joined(path, separator, String(index)), value];
}

/** What an unknown object carries along: dict entries, list items and attributes, all under its own path. */
export function* carried(
  value: ObjectRecord,
  path: string | undefined,
  separator: string,
): Generator<readonly [string | undefined, PickleValue]> {
  if (value.dict !== undefined) yield* namedEntries(value.dict.entries, path, separator);
  if (value.list !== undefined) yield* numbered(value.list.items, path, separator);
  const [first, second] = itemsOf(value.state) ?? [];
  // With slots the state is a pair: attributes, slots.
  for (const state of itemsOf(value.state)?.length === 2 ? [first, second] : [value.state]) {
    const attributes = mappingEntries(state);
    if (attributes !== undefined) yield* namedEntries(attributes, path, separator);
  }
}
