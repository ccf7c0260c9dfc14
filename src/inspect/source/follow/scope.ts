import type { ClassDef, Expr, FunctionDef, Stmt } from "../python/ast.ts";
import { bareName, isModuleContainer, learnedBy, moduleBase } from "../vocabulary.ts";
import { anyOf, type Names, optionsOf, unknown, type Value } from "./values.ts";

/** Names of modules that snippets use without importing them. */
const usual: ReadonlyMap<string, string> = new Map([
  ["torch", "torch"],
  ["paddle", "paddle"],
  ["fluid", "paddle.fluid"],
  ["tf", "tensorflow"],
  ["keras", "keras"],
  ["chainer", "chainer"],
  ["gluon", "mxnet.gluon"],
  ["functools", "functools"],
  ["collections", "collections"],
]);

/** Finds what a dotted path means in the other files that are given; undefined where none of them has it. */
export type Linker = (path: string) => Value | undefined;

/** What the names of one file mean: its classes, functions and imports. A name that is defined twice means both. */
export class Scope implements Names {
  /** Of the file, without its ending: what other files import. */
  readonly module: string;
  /** What its own code gives names to, once it has run. */
  readonly globals = new Map<string, Value>();
  readonly classes: ClassDef[] = [];
  readonly functions: FunctionDef[] = [];
  private readonly names = new Map<string, Value[]>();
  private readonly wildcards: string[] = [];
  private readonly link: Linker;

  constructor(module: string, statements: readonly Stmt[], link: Linker) {
    this.module = module;
    this.link = link;
    this.collect(statements, true);
    if (!this.names.has("nn")) this.add("nn", { kind: "path", path: this.usualNn() });
  }

  /** Definitions wherever they are; those within functions are found by their names too. */
  private collect(statements: readonly Stmt[], top: boolean): void {
    for (const statement of statements) {
      if (statement.kind === "class") {
        this.classes.push(statement);
        this.add(statement.name, { kind: "class", definition: statement });
        this.collect(statement.body, false);
      } else if (statement.kind === "function") {
        if (top) {
          this.functions.push(statement);
          this.add(statement.name, { kind: "function", definition: statement, params: statement.params });
        }
        this.collect(statement.body, false);
      } else if (statement.kind === "import") {
        for (const { local, path } of statement.names) {
          if (local === "*") this.wildcards.push(path);
          else this.add(local, { kind: "path", path });
        }
      } else if (statement.kind === "blocks") {
        for (const body of statement.bodies) this.collect(body, top);
      } else if (statement.kind === "for") {
        this.collect(statement.body, top);
      } else if (statement.kind === "assign" && top) {
        this.alias(statement.targets, statement.value);
      }
    }
  }

  private add(name: string, value: Value): void {
    const known = this.names.get(name);
    if (known === undefined) this.names.set(name, [value]);
    else if (value.kind !== "path" || !known.some((other) => other.kind === "path" && other.path === value.path)) known.push(value);
  }

  private usualNn(): string {
    const imported = (pattern: RegExp): boolean => [...this.names.keys()].some((name) => pattern.test(name));
    return imported(/paddle|fluid/) ? "paddle.nn" : imported(/^mindspore/) ? "mindspore.nn" : "torch.nn";
  }

  /** `layers = tf.keras.layers`, `Conv = nn.Conv2d`. */
  private alias(targets: readonly Expr[], value: Expr): void {
    const [path] = this.pathsOf(value);
    if (path === undefined) return;
    for (const target of targets) if (target.kind === "name" && !this.names.has(target.name)) this.add(target.name, { kind: "path", path });
  }

  /** What the file itself defines or imports under a name. */
  own(name: string): Value | undefined {
    const known = this.names.get(name);
    const global = this.globals.get(name);
    if (known === undefined && global === undefined) return undefined;
    const linked = (known ?? []).map((value) => (value.kind === "path" ? (this.link(value.path) ?? value) : value));
    return anyOf(global === undefined ? linked : [...linked, global]);
  }

  lookup(name: string): Value {
    const known = this.own(name);
    if (known !== undefined) return known;
    for (const prefix of this.wildcards) {
      const path = `${prefix}.${name}`;
      const linked = this.link(path);
      if (linked !== undefined) return linked;
      if (learnedBy(path) !== undefined || isModuleContainer(path) || moduleBase(path) !== undefined) return { kind: "path", path };
    }
    const path = usual.get(name) ?? bareName(name);
    return path === undefined ? unknown : { kind: "path", path };
  }

  /** Paths that are imported, whatever their local names. */
  imports(): readonly string[] {
    const paths = [...this.names.values()].flat().flatMap((value) => (value.kind === "path" ? [value.path] : []));
    return [...paths, ...this.wildcards];
  }

  /** The local name of a module, as the file would write it: "nn" for torch.nn. */
  localName(path: string): string {
    let best: { readonly text: string; readonly length: number } = { text: path, length: 0 };
    for (const [local, values] of this.names) {
      for (const value of values) {
        if (value.kind !== "path" || (path !== value.path && !path.startsWith(`${value.path}.`))) continue;
        if (value.path.length > best.length) best = { text: local + path.slice(value.path.length), length: value.path.length };
      }
    }
    return best.text;
  }

  /** What an expression of names and dots means: each of its meanings, where a name has several. */
  meaningsOf(expr: Expr): readonly Value[] {
    if (expr.kind === "name") return optionsOf(this.lookup(expr.name));
    if (expr.kind !== "attribute") return [];
    return this.meaningsOf(expr.object).flatMap((object): readonly Value[] => {
      if (object.kind === "class") return nested(object.definition, expr.name);
      if (object.kind !== "path") return [];
      const path = `${object.path}.${expr.name}`;
      return optionsOf(this.link(path) ?? { kind: "path", path });
    });
  }

  private pathsOf(expr: Expr): readonly string[] {
    return this.meaningsOf(expr).flatMap((value) => (value.kind === "path" ? [value.path] : []));
  }
}

/** A class within a class. */
export function nested(definition: ClassDef, name: string): readonly Value[] {
  return definition.body.flatMap((inner): readonly Value[] =>
    inner.kind === "class" && inner.name === name ? [{ kind: "class", definition: inner }] : [],
  );
}
