import type { Expr } from "./ast.ts";
import { call } from "./calls.ts";
import { plainOf } from "./holders.ts";
import type { Frame, Machine } from "./machine.ts";
import { bind } from "./statements.ts";
import { anyOf, elementsOf, optionsOf, unknown, type Value } from "./values.ts";

export function evaluate(expr: Expr, frame: Frame, machine: Machine): Value {
  switch (expr.kind) {
    case "name":
      return frame.locals.get(expr.name) ?? machine.scope.lookup(expr.name);
    case "attribute":
      return attribute(expr, frame, machine);
    case "subscript":
      return elementsOf(machine.evaluate(expr.object, frame));
    case "call":
      return call(expr, frame, machine);
    case "display":
      return plainOf(
        expr.container,
        expr.items.map((item) => machine.evaluate(item, frame)),
      );
    case "comprehension": {
      const inner: Frame = { ...frame, locals: new Map(frame.locals) };
      for (const loop of expr.loops) bind(loop.target, elementsOf(machine.evaluate(loop.iterable, inner)), inner, machine);
      return plainOf(
        expr.container,
        expr.items.map((item) => machine.evaluate(item, inner)),
      );
    }
    case "either":
      return anyOf(expr.options.map((option) => machine.evaluate(option, frame)));
    case "binary": {
      const sides = [machine.evaluate(expr.left, frame), machine.evaluate(expr.right, frame)];
      const lists = sides.flatMap(optionsOf).filter((side) => side.kind === "plain" || side.kind === "layer");
      return lists.length === 0
        ? unknown
        : plainOf(
            "list",
            lists.map((side) => elementsOf(side)),
          );
    }
    case "lambda":
      return { kind: "function", definition: expr, params: expr.params };
    case "string":
      return unknown;
    case "other":
      return anyOf(expr.parts.map((part) => machine.evaluate(part, frame)));
  }
}

function attribute(expr: Extract<Expr, { kind: "attribute" }>, frame: Frame, machine: Machine): Value {
  const object = machine.evaluate(expr.object, frame);
  return anyOf(
    optionsOf(object).map((option): Value => {
      if (option.kind === "path") return { kind: "path", path: `${option.path}.${expr.name}` };
      if (option.kind !== "self") return unknown;
      const values = option.self.attributes.get(expr.name);
      if (values !== undefined) return anyOf(values.map(({ value }) => value));
      const method = machine.scope.method(option.self.definition, expr.name);
      return method === undefined ? unknown : { kind: "function", definition: method, params: method.params, self: option.self };
    }),
  );
}
