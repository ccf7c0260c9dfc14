import type { Expr } from "../python/ast.ts";
import { call } from "./calls.ts";
import { plainOf } from "./holders.ts";
import type { Machine } from "./machine.ts";
import { nested } from "./scope.ts";
import { assign, bind } from "./statements.ts";
import { anyOf, eachOf, elementsOf, type Frame, optionsOf, unknown, type Value } from "./values.ts";

export function evaluate(expr: Expr, frame: Frame, machine: Machine): Value {
  switch (expr.kind) {
    case "name":
      return named(expr.name, frame);
    case "attribute":
      return attribute(expr, frame, machine);
    case "subscript":
      machine.evaluate(expr.index, frame);
      return indexed(machine.evaluate(expr.object, frame), expr.index, machine);
    case "call":
      return call(expr, frame, machine);
    case "display":
      return plainOf(expr.container, evaluateAll(expr.items, frame, machine));
    case "comprehension": {
      const inner: Frame = { ...frame, locals: new Map(frame.locals) };
      let item: Value = unknown;
      machine.sites.repeat(() => {
        for (const { target, iterable, conditions } of expr.loops) {
          bind(target, eachOf(machine.evaluate(iterable, inner)), inner, machine);
          for (const condition of conditions) machine.evaluate(condition, inner);
        }
        item = machine.evaluate(expr.item, inner);
      }, expr.at);
      return plainOf(expr.container === "tuple" ? "iterator" : expr.container, [item]);
    }
    case "either":
      return anyOf(evaluateAll(expr.options, frame, machine));
    case "arithmetic":
      return sum(evaluateAll(expr.operands, frame, machine));
    case "lambda":
      frame.read.add("*");
      return { kind: "function", definition: expr, params: expr.params, outer: frame, ...(frame.self && { self: frame.self }) };
    case "star":
      return eachOf(machine.evaluate(expr.value, frame));
    case "named": {
      const value = machine.evaluate(expr.value, frame);
      assign(expr.target, value, frame, expr.at, machine);
      return value;
    }
    case "passed": {
      const value = expr.value === undefined ? unknown : machine.evaluate(expr.value, frame);
      if (expr.yields) frame.yields.push(value, elementsOf(value));
      return value;
    }
    case "string":
      return unknown;
    case "other":
      evaluateAll(expr.parts, frame, machine);
      return unknown;
  }
}

/** An element; of a list a slice is a list. What was picked by a number or a slice is not all that the list has. */
function indexed(object: Value, index: Expr, machine: Machine): Value {
  const slices = index.kind === "other" && index.slices === true;
  const picks = slices ? index.parts.length > 0 : index.kind === "other" && index.parts.length === 0;
  return anyOf(
    optionsOf(object).map((option): Value => {
      if (option.kind !== "plain") return elementsOf(option);
      const { container, items } = option.plain;
      const several = items.size > 1 || [...items].some((item) => item.kind === "layer" && item.site.loop !== undefined);
      if (picks && several && machine.sites.phase === "constructor")
        for (const item of items) if (item.kind === "layer") item.site.picked = true;
      return slices
        ? { kind: "plain", plain: { container, items: new Set(items), ...(picks && { cut: true as const }) } }
        : elementsOf(option);
    }),
  );
}

function evaluateAll(exprs: readonly Expr[], frame: Frame, machine: Machine): readonly Value[] {
  return exprs.map((expr) => machine.evaluate(expr, frame));
}

function named(name: string, frame: Frame): Value {
  for (let around: Frame | undefined = frame; around !== undefined; around = around.outer) {
    const value = around.locals.get(name);
    if (value === undefined) continue;
    around.read.add(name);
    return value;
  }
  return frame.scope.lookup(name);
}

/** [a] + [b], [a] * 3, and ModuleList + list, which is a ModuleList. */
function sum(operands: readonly Value[]): Value {
  const sides = operands.flatMap(optionsOf).filter((side) => side.kind === "plain" || side.kind === "layer" || side.kind === "opaque");
  const layers = sides.filter((side) => side.kind === "layer");
  const all = sides.map((side) => elementsOf(side));
  for (const layer of layers) for (const value of all) layer.site.children.add(value);
  if (sides.length === 0) return unknown;
  const tuple = sides.every((side) => side.kind === "plain" && side.plain.container === "tuple");
  return layers.length > 0 ? anyOf(layers) : plainOf(tuple ? "tuple" : "list", all);
}

function attribute(expr: Extract<Expr, { kind: "attribute" }>, frame: Frame, machine: Machine): Value {
  const object = machine.evaluate(expr.object, frame);
  const results = optionsOf(object).map((option): Value => {
    switch (option.kind) {
      case "path": {
        const path = `${option.path}.${expr.name}`;
        return machine.classes.linked(path) ?? { kind: "path", path };
      }
      case "self": {
        const values = option.self.attributes.get(expr.name);
        if (values !== undefined) return anyOf(values.map(({ value }) => value));
        const method = machine.classes.method(option.self.definition, expr.name);
        if (method === undefined) return unknown;
        const callee = machine.method(method, option.self);
        const property = method.decorators.some((decorator) => /property$/.test(lastName(decorator)));
        return property
          ? machine.sites.followed(expr.at, () => machine.invoke(callee, { list: [], keywords: new Map(), spread: unknown }))
          : callee;
      }
      case "class": {
        const [inner] = nested(option.definition, expr.name);
        const method = machine.classes.method(option.definition, expr.name);
        return inner ?? (method === undefined ? unknown : { kind: "function", definition: method, params: method.params });
      }
      case "plain":
        // An object of a plain class, or a namedtuple: each attribute may be any of what it holds.
        return option.plain.container === "object" ? elementsOf(option) : unknown;
      case "layer":
        // Parts of a network that a library made are layers of it.
        return option.site.children.has(option) ? option : unknown;
      default:
        return unknown;
    }
  });
  return anyOf(results);
}

function lastName(expr: Expr): string {
  return expr.kind === "name" || expr.kind === "attribute" ? expr.name : expr.kind === "call" ? lastName(expr.callee) : "";
}
