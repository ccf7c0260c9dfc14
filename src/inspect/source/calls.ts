import { construction, instance } from "./constructions.ts";
import { addTo, plainOf, register } from "./holders.ts";
import type { CallExpr, Frame, Machine } from "./machine.ts";
import { methodCall } from "./method-calls.ts";
import { anyOf, elementsOf, optionsOf, unknown, type Value } from "./values.ts";

const copiers = new Set([
  "list",
  "tuple",
  "set",
  "dict",
  "sorted",
  "reversed",
  "iter",
  "zip",
  "enumerate",
  "OrderedDict",
  "deque",
  "chain",
  "filter",
]);

export function call(expr: CallExpr, frame: Frame, machine: Machine): Value {
  const args = expr.args.map((arg) => machine.evaluate(arg, frame));
  const keywords = new Map([...expr.keywords].map(([name, value]) => [name, machine.evaluate(value, frame)]));
  const all = [...args, ...keywords.values()];
  const { callee } = expr;
  if (callee.kind === "attribute") {
    const method = methodCall(callee, expr, args, keywords, frame, machine);
    if (method !== undefined) return method;
  }
  if (callee.kind === "name") {
    const result = builtin(callee.name, args, frame, machine);
    if (result !== undefined) return result;
  }
  const results = optionsOf(machine.evaluate(callee, frame)).map((option): Value => {
    if (option.kind === "path") return construction(option.path, expr, all, machine);
    if (option.kind === "class") return instance(option.definition, expr, machine);
    if (option.kind === "function") return follow(expr, option, args, keywords, machine);
    // An unknown function of a layer gives that layer back: weight_norm(conv), init(linear), deepcopy(block).
    return option.kind === "unknown" ? anyOf(all.flatMap(optionsOf).filter((value) => value.kind === "layer")) : unknown;
  });
  return anyOf(results);
}

/** A call of a function of the file: what it makes is known by its name. */
function follow(
  expr: CallExpr,
  callee: Extract<Value, { kind: "function" }>,
  args: readonly Value[],
  keywords: ReadonlyMap<string, Value>,
  machine: Machine,
): Value {
  const run = (): Value =>
    machine.sites.followed(expr.at, () => machine.invoke(callee.definition, callee.params, args, keywords, callee.self));
  return callee.self === undefined ? machine.sites.helped(expr.text, run) : run();
}

function builtin(name: string, args: readonly Value[], frame: Frame, machine: Machine): Value | undefined {
  if (frame.locals.has(name)) return undefined;
  if (name === "setattr") {
    const [holder = unknown, , value = unknown] = args;
    for (const option of optionsOf(holder)) {
      if (option.kind === "self") register(option.self, value);
      else addTo(option, [value]);
    }
    return unknown;
  }
  if (name === "map") {
    const [mapper = unknown, list = unknown] = args;
    const results = optionsOf(mapper).map((option) =>
      option.kind === "function" ? machine.invoke(option.definition, option.params, [elementsOf(list)], new Map(), option.self) : unknown,
    );
    return plainOf("list", results);
  }
  return copiers.has(name)
    ? plainOf(name === "tuple" ? "tuple" : name === "dict" || name === "OrderedDict" ? "dict" : "list", args.map(elementsOf))
    : undefined;
}
