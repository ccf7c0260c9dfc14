import type { Expr, Stmt } from "./ast.ts";
import { addTo, register, setAttribute } from "./holders.ts";
import type { Frame, Machine } from "./machine.ts";
import { anyOf, elementsOf, optionsOf, type Value } from "./values.ts";

export function execute(statement: Stmt, frame: Frame, machine: Machine): void {
  switch (statement.kind) {
    case "assign":
      for (const target of statement.targets) assign(target, statement.value, frame, statement.at, machine);
      return;
    case "augment": {
      const value = machine.evaluate(statement.value, frame);
      for (const option of optionsOf(machine.evaluate(statement.target, frame))) addTo(option, [elementsOf(value)]);
      return;
    }
    case "expression":
      machine.evaluate(statement.value, frame);
      return;
    case "for":
      bind(statement.loop.target, elementsOf(machine.evaluate(statement.loop.iterable, frame)), frame, machine);
      machine.sites.branch(() => machine.run(statement.body, frame), false);
      return;
    case "blocks":
      for (const head of statement.heads) machine.evaluate(head, frame);
      for (const body of statement.bodies) machine.sites.branch(() => machine.run(body, frame), statement.conditional);
      return;
    case "return":
      if (statement.value !== undefined) frame.returns.push(machine.evaluate(statement.value, frame));
      return;
    case "function":
      frame.locals.set(statement.name, { kind: "function", definition: statement, params: statement.params });
      return;
    case "class":
      frame.locals.set(statement.name, { kind: "class", definition: statement });
      return;
    case "import":
      for (const { local, path } of statement.names) if (local !== "*") frame.locals.set(local, { kind: "path", path });
  }
}

function assign(target: Expr, value: Expr, frame: Frame, at: number, machine: Machine): void {
  if (target.kind === "display" && value.kind === "display" && target.items.length === value.items.length) {
    target.items.forEach((item, i) => {
      const part = value.items[i];
      if (part !== undefined) assign(item, part, frame, at, machine);
    });
    return;
  }
  store(target, machine.evaluate(value, frame), frame, at, machine);
}

function store(target: Expr, value: Value, frame: Frame, at: number, machine: Machine): void {
  if (target.kind === "display") {
    bind(target, elementsOf(value), frame, machine);
  } else if (target.kind === "name") {
    const before = machine.sites.conditional ? frame.locals.get(target.name) : undefined;
    frame.locals.set(target.name, before === undefined ? value : anyOf([before, value]));
  } else if (target.kind === "attribute") {
    for (const option of optionsOf(machine.evaluate(target.object, frame))) setAttribute(option, target.name, value, at, machine);
  } else if (target.kind === "subscript") {
    const registry =
      target.object.kind === "attribute" && /^(_modules|_sub_layers|_layers|_parameters)$/.test(target.object.name)
        ? target.object
        : undefined;
    const holder = machine.evaluate(registry === undefined ? target.object : registry.object, frame);
    for (const option of optionsOf(holder)) {
      if (option.kind === "self") register(option.self, value);
      else addTo(option, [value]);
    }
  }
}

/** Loop variables stand for each of the elements, whatever their place in a tuple. */
export function bind(target: Expr, value: Value, frame: Frame, machine: Machine): void {
  if (target.kind === "name") frame.locals.set(target.name, value);
  else if (target.kind === "display") {
    const inner = anyOf([value, elementsOf(value)]);
    for (const item of target.items) bind(item, inner, frame, machine);
  } else store(target, value, frame, target.at, machine);
}
