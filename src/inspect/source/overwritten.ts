import { optionsOf, type Self, type Site } from "./follow/values.ts";
import type { Expr, FunctionDef, Stmt } from "./python/ast.ts";
import { walk } from "./python/walk.ts";

/** A layer that an attribute was given, and that the same constructor takes away from it. */
export interface Overwritten {
  readonly attribute: string;
  readonly site: Site;
  /** Where the attribute is given another value, or deleted. */
  readonly at: number;
  readonly deleted: boolean;
}

/** Attributes through which a module gives its layers, whatever their names. */
const givesAll = new Set(["children", "modules", "named_children", "named_modules", "sublayers", "add_link", "__dict__", "_modules"]);

/**
 * Layers that the constructor makes for an attribute, in a statement that always runs, and that another such statement replaces by None, by
 * another layer or by nothing. Where anything between the two reads the attribute, the layer may be kept elsewhere.
 */
export function overwrittenLayers(init: FunctionDef, self: Self): readonly Overwritten[] {
  const object = init.params[0]?.name;
  const { body } = init;
  return body.flatMap((statement, i): readonly Overwritten[] => {
    const attribute = statement.kind === "assign" && statement.value.kind === "call" ? onlyTarget(statement, object) : undefined;
    if (attribute === undefined) return [];
    const rest = body.slice(i + 1);
    const end = rest.findIndex((later) => takesAway(later, attribute, object));
    const later = rest[end];
    if (later === undefined || rest.slice(0, end).some((between) => reads([between], attribute) || mayEnd(between))) return [];
    const values = later.kind === "assign" ? [later.value] : [];
    if (values.some((value) => reads([{ kind: "expression", value, at: value.at }], attribute))) return [];
    if (later.kind === "assign" && !isOther(later, attribute, self)) return [];
    const given = (self.attributes.get(attribute) ?? []).filter(({ at }) => at === statement.at);
    return given.flatMap(({ value }) =>
      optionsOf(value).flatMap((option) =>
        option.kind === "layer" ? [{ attribute, site: option.site, at: later.at, deleted: later.kind === "delete" }] : [],
      ),
    );
  });
}

/** The attribute of the object that a statement alone assigns: self.conv = … */
function onlyTarget(statement: Extract<Stmt, { kind: "assign" }>, object: string | undefined): string | undefined {
  const [target] = statement.targets;
  return statement.targets.length === 1 ? attributeOf(target, object) : undefined;
}

function attributeOf(target: Expr | undefined, object: string | undefined): string | undefined {
  return target?.kind === "attribute" && target.object.kind === "name" && target.object.name === object ? target.name : undefined;
}

function takesAway(statement: Stmt, attribute: string, object: string | undefined): boolean {
  if (statement.kind === "delete") return attributeOf(statement.value, object) === attribute;
  return statement.kind === "assign" && statement.targets.some((target) => attributeOf(target, object) === attribute);
}

/** None, or a layer: of anything else nobody knows what it is. */
function isOther({ value, at }: Extract<Stmt, { kind: "assign" }>, attribute: string, self: Self): boolean {
  if (value.kind === "name" && value.name === "None") return true;
  const given = (self.attributes.get(attribute) ?? []).filter((entry) => entry.at === at).flatMap((entry) => optionsOf(entry.value));
  return value.kind === "call" && given.length > 0 && given.every(({ kind }) => kind === "layer");
}

function reads(statements: readonly Stmt[], attribute: string): boolean {
  for (const node of walk(statements)) {
    if (node.kind === "attribute" && (node.name === attribute || givesAll.has(node.name))) return true;
    // getattr(self, name), make(self), vars(self)
    if (node.kind === "call" && givesSelf(node)) return true;
  }
  return false;
}

/** Whether the object itself is given away; super(Net, self) gives it back. */
function givesSelf(call: Extract<Expr, { kind: "call" }>): boolean {
  const isSuper = call.callee.kind === "name" && call.callee.name === "super";
  return !isSuper && call.args.some((arg) => arg.kind === "name" && arg.name === "self");
}

/** After a return under a condition nothing always runs. */
function mayEnd(statement: Stmt): boolean {
  for (const node of walk([statement])) if (node.kind === "return") return true;
  return false;
}
