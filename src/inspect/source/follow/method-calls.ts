import type { Expr } from "../python/ast.ts";
import { registering } from "../vocabulary.ts";
import { addTo, keep, plainOf, register, setAttribute, setVarying } from "./holders.ts";
import { type Arguments, allOf, type CallExpr, type Machine } from "./machine.ts";
import { anyOf, callOpaque, elementsOf, type Frame, optionsOf, type Self, unknown, type Value } from "./values.ts";

const adders = new Set(["append", "add", "insert", "extend", "update", "setdefault", "appendleft", "extendleft", "__setitem__", "push"]);
const viewers = new Set([
  "items",
  "values",
  "copy",
  "get",
  "pop",
  "popleft",
  "children",
  "named_children",
  "modules",
  "named_modules",
  "sublayers",
  "named_sublayers",
  "links",
]);
/** Methods of layers that give the layer back. */
const returning =
  /^(to|cuda|cpu|xpu|npu|float|half|double|bfloat16|type|train|eval|apply|requires_grad_|share_memory|to_gpu|to_cpu|to_device|hybridize|initialize|set_train|to_float|astype|compile|add_hook)$/;

/** Calls of methods that put layers into an object or take them out, and of base classes; undefined for all others. */
export function methodCall(
  callee: Extract<Expr, { kind: "attribute" }>,
  expr: CallExpr,
  args: Arguments,
  frame: Frame,
  machine: Machine,
): Value | undefined {
  const { name } = callee;
  const { self } = frame;
  if (self !== undefined) {
    const base = baseCall(callee, expr, args, frame, machine);
    if (base !== undefined) return base;
  }
  const all = allOf(args);
  const holders = optionsOf(machine.evaluate(callee.object, frame));
  const results = holders.flatMap((holder): readonly Value[] => {
    if (holder.kind === "self") {
      if (machine.classes.method(holder.self.definition, name) !== undefined) return [];
      return ownMethod(name, holder, expr, args, machine);
    }
    if (holder.kind === "opaque") {
      if (machine.sites.phase === "forward" && /^(forward|call|__call__|construct)$/.test(name)) callOpaque(holder);
      return viewers.has(name) ? [elementsOf(holder)] : [];
    }
    if (holder.kind !== "plain" && holder.kind !== "layer") return [];
    if (adders.has(name) || (registering.has(name) && holder.kind === "layer")) {
      addTo(holder, name === "extend" || name === "update" || name === "extendleft" ? [...all, ...all.map(elementsOf)] : all);
      return [anyOf(all)];
    }
    if (viewers.has(name)) return [plainOf("iterator", [elementsOf(holder)]), elementsOf(holder)];
    if (holder.kind !== "layer" || !returning.test(name)) return [];
    // Of a parameter .cuda() and the like give a plain tensor, which is no parameter.
    const cast = /(^|\.)Parameter$/.test(holder.site.maker) && !/^(train|eval|apply|requires_grad_|share_memory)$/.test(name);
    if (cast) holder.site.cast = name;
    return cast ? [unknown] : [holder];
  });
  return results.length === 0 ? undefined : anyOf(results);
}

/** Methods that the framework gives every class. */
function ownMethod(
  name: string,
  holder: Extract<Value, { kind: "self" }>,
  expr: CallExpr,
  args: Arguments,
  machine: Machine,
): readonly Value[] {
  const all = allOf(args);
  const { self } = holder;
  const [key] = expr.args;
  const constant = key?.kind === "string" ? key.value : undefined;
  if (name === "__setattr__") {
    const value = args.list[1] ?? unknown;
    if (constant === undefined) setVarying(holder, value, expr.at, machine);
    else setAttribute(holder, constant, value, expr.at, machine);
    return [unknown];
  }
  if (registering.has(name)) {
    const layers = all.flatMap(optionsOf).filter((option) => option.kind === "layer" || option.kind === "opaque");
    const loop = machine.sites.loop;
    for (const layer of layers) register(self, layer, constant === undefined ? undefined : { attribute: constant, at: expr.at, loop });
    return [anyOf(all)];
  }
  // Lists of layers that are modules themselves: append and extend of a subclass of ModuleList, add of a subclass of Sequential.
  if (adders.has(name)) for (const value of [...all, ...all.map(elementsOf)]) register(self, value);
  if (viewers.has(name)) return [plainOf("iterator", [...self.registered])];
  return returning.test(name) ? [holder] : [];
}

/** super().method(…), Base.method(self, …), object.__setattr__(self, …). */
function baseCall(
  callee: Extract<Expr, { kind: "attribute" }>,
  expr: CallExpr,
  args: Arguments,
  frame: Frame,
  machine: Machine,
): Value | undefined {
  const { self } = frame;
  const { object, name } = callee;
  if (self === undefined) return undefined;
  if (isSuper(object)) {
    const owner = frame.owner ?? self.definition;
    const inherited = machine.classes.method(self.definition, name, owner);
    if (inherited !== undefined) return machine.sites.followed(expr.at, () => machine.invoke(machine.method(inherited, self), args));
    if (name === "__init__") giveBase(self, args);
    else return anyOf([...ownMethod(name, { kind: "self", self }, expr, args, machine), anyOf(args.list)]);
    return unknown;
  }
  const first = args.list[0];
  if (first?.kind !== "self") return undefined;
  const rest: Arguments = { ...args, list: args.list.slice(1) };
  const [, key, ...more] = expr.args;
  const bases = optionsOf(machine.evaluate(object, frame));
  // What object.__setattr__ sets, the framework does not see.
  if (object.kind === "name" && object.name === "object" && name === "__setattr__") {
    keep(
      first.self,
      key?.kind === "string" ? (key.value ?? "of object.__setattr__") : "of object.__setattr__",
      rest.list[1] ?? unknown,
      expr.at,
    );
    return unknown;
  }
  for (const base of bases) {
    if (base.kind === "class") {
      const method = machine.classes.method(base.definition, name);
      if (method !== undefined) return machine.sites.followed(expr.at, () => machine.invoke(machine.method(method, first.self), rest));
    } else if (base.kind === "path") {
      if (name === "__init__") giveBase(first.self, rest);
      else {
        const shifted = key === undefined ? [] : [key, ...more];
        return anyOf([...ownMethod(name, first, { ...expr, args: shifted }, rest, machine), unknown]);
      }
    }
  }
  return name === "__init__" ? unknown : undefined;
}

/** Constructors of base classes register what they are given: Sequential(*layers), ModuleList(layers), Chain(conv1=…). */
function giveBase(self: Self, args: Arguments): void {
  for (const value of allOf(args)) for (const option of optionsOf(value)) register(self, option);
}

function isSuper(object: Expr): boolean {
  return object.kind === "call" && object.callee.kind === "name" && object.callee.name === "super";
}
