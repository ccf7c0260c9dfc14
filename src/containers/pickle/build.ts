import type { PickleStack } from "./stack.ts";
import { repr } from "./standard.ts";
import { GlobalName, Mapping, ObjectRecord, type PickleValue, Sequence } from "./values.ts";

/*
 * The instructions that make and fill containers, and those that would call something: they make records. The numbers are rough sizes of
 * the JavaScript values in bytes.
 */

const emptyTuple = new Sequence("tuple", []);

export function pushSequence(stack: PickleStack, kind: Sequence["kind"], items: PickleValue[]): undefined {
  if (kind === "tuple" && items.length === 0) return stack.push(emptyTuple);
  return stack.make(new Sequence(kind, items), 80 + 8 * items.length);
}

export function pushDict(stack: PickleStack, pairs: PickleValue[]): undefined {
  const mapping = new Mapping();
  assign(stack, mapping.entries, pairs);
  return stack.make(mapping, 250);
}

/** APPEND, APPENDS, ADDITEMS: to the value on top. */
export function append(stack: PickleStack, values: readonly PickleValue[]): undefined {
  const target = stack.top();
  stack.budget.spend(8 * values.length, stack.where);
  if (target instanceof Sequence && target.kind !== "tuple" && target.kind !== "frozenset") {
    for (const value of values) target.items.push(value);
  } else if (target instanceof ObjectRecord) {
    target.items ??= [];
    for (const value of values) target.items.push(value);
  } else {
    throw stack.malformed("a pickle appends to something that is no list");
  }
}

/** SETITEM, SETITEMS: in the value on top. */
export function setItems(stack: PickleStack, pairs: readonly PickleValue[]): undefined {
  const target = stack.top();
  if (target instanceof Mapping) return assign(stack, target.entries, pairs);
  if (target instanceof ObjectRecord) {
    target.entries ??= new Map();
    return assign(stack, target.entries, pairs);
  }
  throw stack.malformed("a pickle sets keys of something that is no dict");
}

function assign(stack: PickleStack, entries: Map<PickleValue, PickleValue>, pairs: readonly PickleValue[]): undefined {
  if (pairs.length % 2 !== 0) throw stack.malformed("a pickle sets a key without a value");
  stack.budget.spend(30 * pairs.length, stack.where);
  for (let k = 0; k < pairs.length; k += 2) {
    const key = pairs[k] ?? null;
    if (key instanceof Mapping || (key instanceof Sequence && (key.kind === "list" || key.kind === "set"))) {
      throw stack.malformed("a dict key of a type that Python does not hash");
    }
    // Python lets the later value win; a writer never does this, and two answers to one name are no checkpoint.
    if (entries.has(key)) throw stack.malformed(`a dict has the key ${repr(key)} twice`);
    entries.set(key, pairs[k + 1] ?? null);
  }
}

export function pushGlobal(stack: PickleStack, module: PickleValue, name: PickleValue): undefined {
  if (typeof module !== "string" || typeof name !== "string") throw stack.malformed("a global whose name is no text");
  return stack.make(new GlobalName(module, name), 200);
}

/** REDUCE and NEWOBJ: a callable and a tuple; with NEWOBJ_EX a dict of keyword arguments too. */
export function pushCall(stack: PickleStack, callable: PickleValue, args: PickleValue, kwargs?: PickleValue): undefined {
  if (!(args instanceof Sequence) || args.kind !== "tuple") throw stack.malformed("a call whose arguments are no tuple");
  if (kwargs !== undefined && !(kwargs instanceof Mapping)) throw stack.malformed("a call whose keyword arguments are no dict");
  return stack.make(new ObjectRecord(callable, args.items, kwargs), 100);
}

/** OBJ: the class, then its arguments. */
export function pushObject(stack: PickleStack, values: readonly PickleValue[]): undefined {
  const [callable, ...args] = values;
  if (callable === undefined) throw stack.malformed("an object without a class");
  return stack.make(new ObjectRecord(callable, args), 100 + 8 * args.length);
}

/** BUILD: the state of the value on top. */
export function giveState(stack: PickleStack, state: PickleValue): undefined {
  const target = stack.top();
  if (!(target instanceof ObjectRecord)) throw stack.malformed("a pickle gives state to something that is no object");
  target.state = state;
}
