import type { Expr } from "../python/ast.ts";
import { construction, instance, opaque } from "./constructions.ts";
import { addTo, layersAmong, plainOf, setAttribute, setVarying } from "./holders.ts";
import { type Arguments, allOf, type CallExpr, type FunctionValue, type Machine, noArguments } from "./machine.ts";
import { methodCall } from "./method-calls.ts";
import { anyOf, callOpaque, elementsOf, type Frame, optionsOf, type PlainKind, unknown, type Value } from "./values.ts";

/** Built-in functions that give what they are given in another container. */
const copiers: ReadonlyMap<string, PlainKind> = new Map([
  ["list", "list"],
  ["sorted", "list"],
  ["tuple", "tuple"],
  ["set", "set"],
  ["frozenset", "set"],
  ["dict", "dict"],
  ["OrderedDict", "dict"],
  ["deque", "deque"],
  ["reversed", "iterator"],
  ["iter", "iterator"],
  ["zip", "iterator"],
  ["enumerate", "iterator"],
  ["chain", "iterator"],
  ["filter", "iterator"],
]);

/** Built-in functions that give no layers. */
const builtins =
  /^(abs|all|any|bin|bool|bytes|callable|chr|dir|divmod|float|format|hasattr|hash|hex|id|input|int|isinstance|issubclass|len|max|min|oct|open|ord|pow|print|range|xrange|repr|round|slice|str|sum|type|unicode|vars|globals|locals|super|object|property|staticmethod|classmethod|\w*Error|\w*Exception)$/;

export function call(expr: CallExpr, frame: Frame, machine: Machine): Value {
  const args = argumentsOf(expr, frame, machine);
  const { callee } = expr;
  if (callee.kind === "attribute") {
    const method = methodCall(callee, expr, args, frame, machine);
    if (method !== undefined) return method;
  }
  if (callee.kind === "name" && !frame.locals.has(callee.name)) {
    const result = builtin(callee.name, expr, args, machine);
    if (result !== undefined) return result;
  }
  return anyOf(optionsOf(machine.evaluate(callee, frame)).map((option) => called(option, expr, args, machine)));
}

function called(option: Value, expr: CallExpr, args: Arguments, machine: Machine): Value {
  switch (option.kind) {
    case "path":
      return construction(option.path, expr, args, machine);
    case "class":
      return instance(option.definition, expr, args, machine);
    case "function":
      return follow(expr, option, args, machine);
    case "layer":
      return unknown;
    case "opaque":
      if (machine.sites.phase === "forward") callOpaque(option);
      return passedThrough(expr, args);
    case "unknown":
      return passedThrough(expr, args);
    default:
      return unknown;
  }
}

/** An unknown function of a layer gives that layer back (weight_norm(conv), init(linear)); else nobody knows what it gives. */
function passedThrough(expr: CallExpr, args: Arguments): Value {
  const layers = layersAmong(allOf(args));
  if (layers.kind !== "unknown") return layers;
  // getattr(nn, kind)(3, 3): a call of a call.
  return opaque(`what ${expr.text}(…) gives`, expr.at, expr.callee.kind === "call" || isLookup(expr.callee));
}

/** globals()["nn"].Linear, table[name] */
function isLookup(expr: Expr): boolean {
  return expr.kind === "subscript" || (expr.kind === "attribute" && (expr.object.kind === "subscript" || isLookup(expr.object)));
}

function argumentsOf(expr: CallExpr, frame: Frame, machine: Machine): Arguments {
  const starred = (arg: Expr): boolean => arg.kind === "star";
  return {
    list: expr.args.filter((arg) => !starred(arg)).map((arg) => machine.evaluate(arg, frame)),
    keywords: new Map([...expr.keywords].map(([name, value]) => [name, machine.evaluate(value, frame)])),
    spread: anyOf(expr.args.filter(starred).map((arg) => machine.evaluate(arg, frame))),
  };
}

/** A call of a function of the file: what it makes is known by its name. */
function follow(expr: CallExpr, callee: FunctionValue, args: Arguments, machine: Machine): Value {
  const run = (): Value => machine.sites.followed(expr.at, () => machine.invoke(callee, args));
  const method =
    callee.definition.kind === "function" && machine.classes.owner(callee.definition) !== undefined && callee.self !== undefined;
  return !method ? machine.sites.helped(expr.text, run) : run();
}

function builtin(name: string, expr: CallExpr, args: Arguments, machine: Machine): Value | undefined {
  const [holder = unknown, second = unknown, third = unknown] = args.list;
  if (name === "setattr") {
    const [, key] = expr.args;
    const constant = key?.kind === "string" ? key.value : undefined;
    for (const option of optionsOf(holder)) {
      if (option.kind === "self" && constant !== undefined) setAttribute(option, constant, third, expr.at, machine);
      else if (option.kind === "self") setVarying(option, third, expr.at, machine);
      else addTo(option, [third]);
    }
    return unknown;
  }
  if (name === "getattr") return attributeByName(holder, expr);
  if (name === "exec" || name === "eval" || name === "__import__") {
    machine.hidden(expr.at);
    return unknown;
  }
  if (name === "map") {
    const given: Arguments = { ...noArguments, list: [elementsOf(second)] };
    const each: CallExpr = { ...expr, text: written(expr.args[0]) };
    const results = optionsOf(holder).map((option) =>
      option.kind === "function"
        ? machine.sites.followed(expr.at, () => machine.invoke(option, given))
        : called(option, each, given, machine),
    );
    return plainOf("iterator", results);
  }
  if (name === "next") return elementsOf(holder);
  const copied = copiers.get(name);
  if (copied !== undefined) return plainOf(copied, [...args.list.map(elementsOf), ...args.keywords.values(), args.spread]);
  return builtins.test(name) ? unknown : undefined;
}

/** Names and dots as the file has them. */
function written(expr: Expr | undefined): string {
  if (expr?.kind === "attribute") return `${written(expr.object)}.${expr.name}`;
  return expr?.kind === "name" ? expr.name : "map";
}

/** What getattr gives: of the object that runs any of its attributes, of a module what has that name. */
function attributeByName(holder: Value, expr: CallExpr): Value {
  const [, key] = expr.args;
  return anyOf(
    optionsOf(holder).map((option): Value => {
      if (option.kind === "path" && key?.kind === "string" && key.value !== undefined)
        return { kind: "path", path: `${option.path}.${key.value}` };
      if (option.kind !== "self") return unknown;
      const all =
        key?.kind === "string" && key.value !== undefined
          ? [option.self.attributes.get(key.value) ?? []]
          : [...option.self.attributes.values()];
      return anyOf(all.flat().map(({ value }) => value));
    }),
  );
}
