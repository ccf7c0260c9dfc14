import { CheckpointError } from "../../errors.ts";
import type { PickleStack } from "./stack.ts";
import { GlobalName, Interpreted, Mapping, ObjectRecord, type PickleValue, Sequence } from "./values.ts";

/*
 * The instructions that make and fill containers, and those that would call something: they make records. The numbers are rough sizes of
 * the JavaScript values in bytes.
 */

/** An empty list or dict. */
export const emptySize = 56;
const arraySize = 40;
const emptyTuple = new Sequence("tuple");

export function pushSequence(stack: PickleStack, kind: Sequence["kind"], items: PickleValue[]): undefined {
  if (kind === "tuple" && items.length === 0) return stack.push(emptyTuple);
  return stack.make(new Sequence(kind, items), emptySize + arraySize + 8 * items.length);
}

export function pushDict(stack: PickleStack, pairs: PickleValue[]): undefined {
  const mapping = new Mapping();
  assign(stack, mapping, pairs);
  return stack.make(mapping, emptySize);
}

/** APPEND, APPENDS, ADDITEMS: to the value on top. */
export function append(stack: PickleStack, values: PickleValue[]): undefined {
  const target = stack.top();
  stack.budget.spend(arraySize + 8 * values.length, stack.where);
  if (target instanceof Sequence && target.kind !== "tuple" && target.kind !== "frozenset") {
    target.add(values);
  } else if (target instanceof ObjectRecord) {
    target.list ??= new Sequence("list");
    target.list.add(values);
  } else {
    throw stack.malformed("a pickle appends to something that is no list");
  }
}

/** SETITEM, SETITEMS: in the value on top. */
export function setItems(stack: PickleStack, pairs: PickleValue[]): undefined {
  const target = stack.top();
  if (target instanceof Mapping) return assign(stack, target, pairs);
  if (target instanceof ObjectRecord) {
    target.dict ??= new Mapping();
    return assign(stack, target.dict, pairs);
  }
  throw stack.malformed("a pickle sets keys of something that is no dict");
}

function assign(stack: PickleStack, target: Mapping, pairs: PickleValue[]): undefined {
  if (pairs.length % 2 !== 0) throw stack.malformed("a pickle sets a key without a value");
  stack.budget.spend(arraySize + 8 * pairs.length, stack.where);
  for (let k = 0; k < pairs.length; k += 2) {
    const key = pairs[k];
    if (key instanceof Mapping || (key instanceof Sequence && (key.kind === "list" || key.kind === "set"))) {
      throw stack.malformed("a dict key of a type that Python does not hash");
    }
  }
  target.add(pairs);
}

export function pushGlobal(stack: PickleStack, module: PickleValue, name: PickleValue): undefined {
  if (typeof module !== "string" || typeof name !== "string") throw stack.malformed("a global whose name is no text");
  return stack.make(new GlobalName(module, name), 200);
}

/** REDUCE and NEWOBJ: a callable and a tuple; with NEWOBJ_EX a dict of keyword arguments too. */
export function pushCall(stack: PickleStack, callable: PickleValue, args: PickleValue, kwargs?: PickleValue): undefined {
  if (!(args instanceof Sequence) || args.kind !== "tuple") throw stack.malformed("a call whose arguments are no tuple");
  if (kwargs !== undefined && !(kwargs instanceof Mapping)) throw stack.malformed("a call whose keyword arguments are no dict");
  return stack.make(classMade(callable, args.items) ?? new ObjectRecord(callable, args.items, kwargs), 100);
}

/**
 * What protocols 0 and 1 write for NEWOBJ (CPython Lib/copyreg.py): `__newobj__(class, *arguments)`, and `_reconstructor(class, base, value)`
 * for an object whose base class is `object`, without a value, or list, dict and the like, with it.
 */
function classMade(callable: PickleValue, args: readonly PickleValue[]): ObjectRecord | undefined {
  if (!(callable instanceof GlobalName) || (callable.module !== "copyreg" && callable.module !== "copy_reg")) return undefined;
  const [type, ...rest] = args;
  if (type === undefined) return undefined;
  if (callable.name === "__newobj__") return new ObjectRecord(type, rest);
  if (callable.name !== "_reconstructor" || rest.length !== 2) return undefined;
  const [base = null, value = null] = rest;
  const isPlain = base instanceof GlobalName && base.name === "object";
  return new ObjectRecord(type, isPlain ? [] : [value]);
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
  if (target instanceof Interpreted) {
    if (target.keeps(state)) return;
    throw new CheckpointError("unsupported", "a pickled array gets another state after it was made, which no writer does", stack.where());
  }
  if (!(target instanceof ObjectRecord)) throw stack.malformed("a pickle gives state to something that is no object");
  target.state = state;
}
