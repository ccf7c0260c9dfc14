import type { Expr } from "./ast.ts";
import { addTo, plainOf, register } from "./holders.ts";
import type { CallExpr, Frame, Machine } from "./machine.ts";
import { anyOf, elementsOf, optionsOf, type Self, unknown, type Value } from "./values.ts";
import { registering } from "./vocabulary.ts";

const adders = new Set(["append", "add", "insert", "extend", "update", "setdefault", "appendleft", "__setitem__"]);
const viewers = new Set(["items", "values", "copy", "get", "pop", "popleft", "children", "named_children", "sublayers"]);

/** Calls of methods that put layers into an object or take them out, and of base classes; undefined for all others. */
export function methodCall(
  callee: Extract<Expr, { kind: "attribute" }>,
  expr: CallExpr,
  args: readonly Value[],
  keywords: ReadonlyMap<string, Value>,
  frame: Frame,
  machine: Machine,
): Value | undefined {
  const { name } = callee;
  if (name === "__init__" && frame.self !== undefined) {
    baseConstructor(callee.object, frame.self, args, keywords, machine);
    return unknown;
  }
  if (isSuper(callee.object) && frame.self !== undefined) {
    const inherited = machine.scope.inherited(frame.self.definition, name);
    const self = frame.self;
    if (inherited !== undefined)
      return machine.sites.followed(expr.at, () => machine.invoke(inherited, inherited.params, args, keywords, self));
    if (registering.has(name)) for (const value of args) register(self, value);
    return anyOf(args);
  }
  const all = [...args, ...keywords.values()];
  const holders = optionsOf(machine.evaluate(callee.object, frame));
  const results = holders.flatMap((holder): readonly Value[] => {
    if (
      holder.kind === "self" &&
      (registering.has(name) || name === "__setattr__") &&
      machine.scope.method(holder.self.definition, name) === undefined
    ) {
      for (const value of all) for (const option of optionsOf(value)) if (option.kind === "layer") register(holder.self, option);
      return [anyOf(all)];
    }
    if (holder.kind !== "plain" && holder.kind !== "layer") return [];
    if (adders.has(name) || (registering.has(name) && holder.kind === "layer")) {
      addTo(holder, name === "extend" || name === "update" ? [...all, ...all.map(elementsOf)] : all);
      return [anyOf(all)];
    }
    return viewers.has(name) ? [plainOf("list", [elementsOf(holder)]), elementsOf(holder)] : [];
  });
  return results.length === 0 ? undefined : anyOf(results);
}

/** super().__init__(…), Base.__init__(self, …): constructors of base classes in the file. */
function baseConstructor(object: Expr, self: Self, args: readonly Value[], keywords: ReadonlyMap<string, Value>, machine: Machine): void {
  const own = isSuper(object);
  const named = object.kind === "name" ? machine.scope.classNamed(object.name) : undefined;
  const method = own ? machine.scope.inherited(self.definition, "__init__") : named && machine.scope.method(named, "__init__");
  if (method !== undefined) machine.invoke(method, method.params, own ? args : args.slice(1), keywords, self);
}

function isSuper(object: Expr): boolean {
  return object.kind === "call" && object.callee.kind === "name" && object.callee.name === "super";
}
