import type { Expr, Stmt } from "../python/ast.ts";
import { addTo, keep, plainOf, register, setAttribute } from "./holders.ts";
import type { Machine } from "./machine.ts";
import { anyOf, eachOf, elementsOf, type Frame, optionsOf, type Value } from "./values.ts";

export function executeStatement(statement: Stmt, frame: Frame, machine: Machine): void {
  switch (statement.kind) {
    case "assign":
      for (const target of statement.targets) assignExpression(target, statement.value, frame, statement.at, machine);
      return;
    case "augment": {
      const value = machine.evaluate(statement.value, frame);
      for (const option of optionsOf(machine.evaluate(statement.target, frame))) addTo(option, [elementsOf(value)]);
      return;
    }
    case "expression": {
      const made = machine.evaluate(statement.value, frame);
      if (statement.value.kind === "call") drop(made, statement.at);
      return;
    }
    case "delete":
      machine.evaluate(statement.value, frame);
      return;
    case "for": {
      const elements = eachOf(machine.evaluate(statement.loop.iterable, frame));
      machine.sites.repeat(() => {
        bind(statement.loop.target, elements, frame, machine);
        machine.run(statement.body, frame);
      }, statement.at);
      return;
    }
    case "blocks":
      blocks(statement, frame, machine);
      return;
    case "return":
      if (statement.value !== undefined) frame.returns.push(machine.evaluate(statement.value, frame));
      return;
    case "exec":
      machine.hidden(statement.at);
      return;
    case "function":
      frame.read.add("*");
      // A name that the file defines twice means both: the scope knows that.
      if (frame.locals !== frame.scope.globals)
        frame.locals.set(statement.name, {
          kind: "function",
          definition: statement,
          params: statement.params,
          outer: frame,
          ...(frame.self && { self: frame.self }),
        });
      return;
    case "class":
      if (frame.locals !== frame.scope.globals) frame.locals.set(statement.name, { kind: "class", definition: statement });
      return;
    case "import":
      if (frame.locals === frame.scope.globals) return;
      for (const { local, path } of statement.names)
        if (local !== "*") frame.locals.set(local, machine.classes.linked(path) ?? { kind: "path", path });
  }
}

function blocks(statement: Extract<Stmt, { kind: "blocks" }>, frame: Frame, machine: Machine): void {
  for (const head of statement.heads) machine.evaluate(head, frame);
  const within = statement.how === "with" && statement.heads.some(opensScope);
  if (within) machine.within.depth++;
  for (const body of statement.bodies) {
    const run = (): void => machine.run(body, frame);
    if (statement.how === "loop") machine.sites.repeat(run, statement.at);
    else machine.sites.branch(run, statement.how === "conditional");
  }
  if (within) machine.within.depth--;
}

/** `with self.init_scope():` of Chainer. */
function opensScope(head: Expr): boolean {
  return head.kind === "call" && head.callee.kind === "attribute" && head.callee.name === "init_scope";
}

/** A layer that is made by a statement of its own, and given to nothing. */
function drop(made: Value, at: number): void {
  for (const option of optionsOf(made)) if (option.kind === "layer" && option.site.at === at) option.site.dropped = true;
}

function assignExpression(target: Expr, value: Expr, frame: Frame, at: number, machine: Machine): void {
  const starred = value.kind === "display" && value.items.some((item) => item.kind === "star");
  const star = target.kind === "display" ? target.items.findIndex((item) => item.kind === "star") : -1;
  if (target.kind === "display" && value.kind === "display" && star >= 0 && !starred && value.items.length >= target.items.length - 1) {
    const end = value.items.length - (target.items.length - 1 - star);
    const middle: Expr = { kind: "display", container: "list", items: value.items.slice(star, end), at: value.at };
    const values = [...value.items.slice(0, star), middle, ...value.items.slice(end)];
    target.items.forEach((item, i) => {
      const part = values[i];
      if (part !== undefined) assignExpression(item.kind === "star" ? item.value : item, part, frame, at, machine);
    });
    return;
  }
  if (target.kind === "display" && value.kind === "display" && target.items.length === value.items.length && !starred) {
    target.items.forEach((item, i) => {
      const part = value.items[i];
      if (part !== undefined) assignExpression(item, part, frame, at, machine);
    });
    return;
  }
  assign(target, machine.evaluate(value, frame), frame, at, machine);
}

/** Gives a value to a name, an attribute, an element, or to several of them. */
export function assign(target: Expr, value: Value, frame: Frame, at: number, machine: Machine): void {
  if (target.kind === "display") {
    bind(target, elementsOf(value), frame, machine);
  } else if (target.kind === "name") {
    const before = machine.sites.conditional || frame.locals === frame.scope.globals ? frame.locals.get(target.name) : undefined;
    frame.locals.set(target.name, before === undefined ? value : anyOf([before, value]));
  } else if (target.kind === "attribute") {
    for (const option of optionsOf(machine.evaluate(target.object, frame))) setAttribute(option, target.name, value, at, machine);
  } else if (target.kind === "subscript") {
    element(target, value, frame, at, machine);
  } else if (target.kind === "star") {
    assign(target.value, value, frame, at, machine);
  }
}

function element(target: Extract<Expr, { kind: "subscript" }>, value: Value, frame: Frame, at: number, machine: Machine): void {
  const { object, index } = target;
  const table = object.kind === "attribute" ? object.name : "";
  if (object.kind === "attribute" && /^(_modules|_sub_layers|_layers|_parameters|_children|_cells|_params|__dict__)$/.test(table)) {
    for (const option of optionsOf(machine.evaluate(object.object, frame))) {
      // What goes into __dict__ goes past the framework.
      if (option.kind === "self" && table === "__dict__")
        keep(option.self, index.kind === "string" ? (index.value ?? "__dict__") : "__dict__", value, at);
      else if (option.kind === "self") register(option.self, value);
      else addTo(option, [value]);
    }
    return;
  }
  for (const option of optionsOf(machine.evaluate(object, frame))) {
    if (option.kind === "self") register(option.self, value);
    else addTo(option, [value]);
  }
}

/** Loop variables mean each of the elements, whatever their place in a tuple. */
export function bind(target: Expr, value: Value, frame: Frame, machine: Machine): void {
  if (target.kind === "name") frame.locals.set(target.name, value);
  else if (target.kind === "display") {
    const inner = anyOf([value, elementsOf(value)]);
    for (const item of target.items) {
      if (item.kind === "star") bind(item.value, plainOf("list", [value]), frame, machine);
      else bind(item, inner, frame, machine);
    }
  } else assign(target, value, frame, target.at, machine);
}
