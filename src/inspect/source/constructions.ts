import type { ClassDef } from "./ast.ts";
import type { CallExpr, Machine } from "./machine.ts";
import { anyOf, optionsOf, unknown, type Value } from "./values.ts";
import { isContainer, learnedBy, makerType, moduleBase } from "./vocabulary.ts";

/** A call of something of a module: a layer where the framework has it, else the layers that go through it. */
export function construction(path: string, expr: CallExpr, args: readonly Value[], machine: Machine): Value {
  const type = learnedBy(path) ?? makerType(path);
  if (isContainer(path)) return machine.sites.layer(expr.text, expr.at, type === undefined ? [] : [type], args);
  if (type !== undefined) return machine.sites.layer(expr.text, expr.at, [type], args);
  if (moduleBase(path) !== undefined) return machine.sites.layer(expr.text, expr.at, [], args);
  return anyOf(args.flatMap(optionsOf).filter((value) => value.kind === "layer"));
}

/** An object of a class of the file. */
export function instance(definition: ClassDef, expr: CallExpr, machine: Machine): Value {
  if (machine.scope.framework(definition) !== undefined) return machine.sites.layer(expr.text, expr.at, machine.learns(definition), []);
  if (!machine.scope.hasMethod(definition, "__init__")) return unknown;
  const self = machine.sites.followed(expr.at, () => machine.create(definition));
  const items = [...self.attributes.values()]
    .flat()
    .flatMap(({ value }) => optionsOf(value).filter((option) => option.kind === "layer" || option.kind === "plain"));
  return { kind: "plain", plain: { container: "object", items: new Set(items), className: definition.name } };
}
