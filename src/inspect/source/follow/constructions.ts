import type { ClassDef } from "../python/ast.ts";
import { frameworkOf, isHarmless, isModuleContainer, isNetwork, isStrange, learnedBy, makerType, moduleBase } from "../vocabulary.ts";
import { layersAmong, plainOf } from "./holders.ts";
import { type Arguments, allOf, type CallExpr, type Machine, noArguments } from "./machine.ts";
import { anyOf, elementsOf, matters, optionsOf, unknown, type Value } from "./values.ts";

/** Plain containers that modules make, by the name of what makes them. */
const plainMakers = new Map<string, "list" | "tuple" | "dict" | "set" | "deque" | "object" | "iterator">([
  ["collections.deque", "deque"],
  ["collections.OrderedDict", "dict"],
  ["collections.defaultdict", "dict"],
  ["types.SimpleNamespace", "object"],
  ["easydict.EasyDict", "dict"],
  // What namedtuple makes.
  ["collections.namedtuple()", "tuple"],
  ["itertools.chain", "iterator"],
  ["itertools.repeat", "iterator"],
]);

/** A call of something of a module: a layer where the framework has it, else the layers that go through it. */
export function construction(path: string, expr: CallExpr, given: Arguments, machine: Machine): Value {
  const args = allOf(given);
  const { text, at } = expr;
  const type = learnedBy(path) ?? makerType(path);
  if (type !== undefined) return machine.sites.layer(text, at, [type], args);
  if (isModuleContainer(path) || moduleBase(path) !== undefined) return machine.sites.layer(text, at, [], args);
  if (isNetwork(path)) return network(expr, machine);
  const plain = plainMakers.get(path);
  if (plain !== undefined)
    return plainOf(plain, /^types|\(\)$/.test(path) ? args : [...given.list.map(elementsOf), ...given.keywords.values()]);
  if (path === "collections.namedtuple") return { kind: "path", path: "collections.namedtuple()" };
  if (/^functools\.partial$/.test(path)) return given.list[0] ?? unknown;
  if (/^copy\.(deep)?copy$/.test(path)) return given.list[0] ?? unknown;
  if (/(^|\.)Lambda$/.test(path) && frameworkOf(path) !== undefined) {
    runWithin(args, machine);
    return unknown;
  }
  runFunctions(args, machine);
  const layers = layersAmong(args);
  if (isStrange(path)) {
    if (args.flatMap(optionsOf).some((value) => value.kind === "layer" || value.kind === "plain"))
      return machine.sites.layer(text, at, [], args);
    return opaque(`what ${text}(…) makes`, at, true);
  }
  if (layers.kind !== "unknown") return layers;
  return isHarmless(path)
    ? unknown
    : opaque(
        `what ${text}(…) gives (imported from ${path.slice(0, path.lastIndexOf(".")) || "elsewhere"})`,
        at,
        /^[A-Z]\w*[a-z]/.test(path.slice(path.lastIndexOf(".") + 1)),
      );
}

/** A network that a library makes: a layer, and all that one takes out of it is a layer of it. */
function network(expr: CallExpr, machine: Machine): Value {
  const value = machine.sites.layer(expr.text, expr.at, ["other"], []);
  if (value.kind === "layer") value.site.children.add(value);
  return value;
}

/** The function of a Lambda layer makes its layers anew whenever the network runs. */
function runWithin(args: readonly Value[], machine: Machine): void {
  machine.sites.during("forward", () => {
    for (const value of args.flatMap(optionsOf)) if (value.kind === "function") machine.invoke(value, noArguments);
  });
}

/** Functions that are handed to others are called with what is handed on beside them: reduce(lambda x, layer: layer(x), layers). */
function runFunctions(args: readonly Value[], machine: Machine): void {
  const functions = args.flatMap(optionsOf).filter((value) => value.kind === "function");
  if (functions.length === 0) return;
  const others = anyOf(args.filter((value) => value.kind !== "function").flatMap((value) => [value, elementsOf(value)]));
  for (const value of functions) if (value.kind === "function") machine.invoke(value, { ...noArguments, spread: others });
}

export function opaque(text: string, at: number, maybeLayer = false): Value {
  return { kind: "opaque", opaque: { text, at, maybeLayer, called: false, elementsCalled: false }, element: false };
}

/** An object of a class of the file. */
export function instance(definition: ClassDef, expr: CallExpr, args: Arguments, machine: Machine): Value {
  machine.gives(definition, args);
  const held = allOf(args);
  if (machine.classes.framework(definition) !== undefined) return machine.sites.layer(expr.text, expr.at, machine.learns(definition), held);
  // A class whose base nobody knows may register what it holds, or may not.
  if (machine.classes.ancestry(definition).outside.length > 0) return opaque(`what ${expr.text}(…) makes`, expr.at, true);
  if (machine.classes.method(definition, "__init__") === undefined) {
    const items = held.flatMap(optionsOf).filter(matters);
    return items.length === 0
      ? unknown
      : { kind: "plain", plain: { container: "object", items: new Set(items), className: definition.name } };
  }
  const self = machine.sites.followed(expr.at, () => machine.create(definition, args));
  const items = [...self.attributes.values()].flat().flatMap(({ value }) => optionsOf(anyOf([value])).filter(matters));
  return { kind: "plain", plain: { container: "object", items: new Set(items), className: definition.name } };
}
