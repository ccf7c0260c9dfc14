import type { ClassDef, Expr, FunctionDef, Stmt } from "./ast.ts";
import { unknown, type Value } from "./values.ts";
import { bareName, type Framework, frameworkOf, isContainer, learnedBy, moduleBase } from "./vocabulary.ts";

/** Names of modules that snippets use without importing them. */
const usual = new Map([
  ["torch", "torch"],
  ["paddle", "paddle"],
  ["fluid", "paddle.fluid"],
  ["tf", "tensorflow"],
  ["keras", "keras"],
]);

/** What a file's names stand for: its classes, functions and imports. */
export class Scope {
  private readonly names = new Map<string, Value>();
  private readonly classes = new Map<string, ClassDef>();
  private readonly wildcards: string[] = [];
  private readonly resolving = new Set<ClassDef>();

  constructor(statements: readonly Stmt[]) {
    this.collect(statements);
    if (!this.names.has("nn"))
      this.names.set("nn", {
        kind: "path",
        path: [...this.names.keys()].some((name) => /paddle|fluid/.test(name)) ? "paddle.nn" : "torch.nn",
      });
  }

  /** Definitions anywhere at the top, in `if`, `try` and the like included. */
  private collect(statements: readonly Stmt[]): void {
    for (const statement of statements) {
      if (statement.kind === "class") {
        this.classes.set(statement.name, statement);
        this.names.set(statement.name, { kind: "class", definition: statement });
        this.collect(statement.body.filter((inner) => inner.kind === "class"));
      } else if (statement.kind === "function") {
        this.names.set(statement.name, { kind: "function", definition: statement, params: statement.params });
      } else if (statement.kind === "import") {
        for (const { local, path } of statement.names) {
          if (local === "*") this.wildcards.push(path);
          else if (!this.names.has(local)) this.names.set(local, { kind: "path", path });
        }
      } else if (statement.kind === "blocks") {
        for (const body of statement.bodies) this.collect(body);
      } else if (statement.kind === "assign") {
        this.alias(statement.targets, statement.value);
      }
    }
  }

  /** `layers = tf.keras.layers`, `Conv = nn.Conv2d`. */
  private alias(targets: readonly Expr[], value: Expr): void {
    const path = this.pathOf(value);
    if (path === undefined) return;
    for (const target of targets)
      if (target.kind === "name" && !this.names.has(target.name)) this.names.set(target.name, { kind: "path", path });
  }

  lookup(name: string): Value {
    const known = this.names.get(name);
    if (known !== undefined) return known;
    for (const prefix of this.wildcards) {
      const path = `${prefix}.${name}`;
      if (learnedBy(path) !== undefined || isContainer(path) || moduleBase(path) !== undefined) return { kind: "path", path };
    }
    const path = usual.get(name) ?? bareName(name);
    return path === undefined ? unknown : { kind: "path", path };
  }

  allClasses(): readonly ClassDef[] {
    return [...this.classes.values()];
  }

  classNamed(name: string): ClassDef | undefined {
    return this.classes.get(name);
  }

  /** The local name of a module, as the file would write it: "nn" for torch.nn. */
  localName(path: string): string {
    let best: { readonly text: string; readonly length: number } = { text: path, length: 0 };
    for (const [local, value] of this.names) {
      if (value.kind !== "path" || (path !== value.path && !path.startsWith(`${value.path}.`))) continue;
      if (value.path.length > best.length) best = { text: local + path.slice(value.path.length), length: value.path.length };
    }
    return best.text;
  }

  /** The framework whose base class a class has, directly or through classes of the file; undefined for plain classes. */
  framework(definition: ClassDef): Framework | undefined {
    if (this.resolving.has(definition)) return undefined;
    this.resolving.add(definition);
    try {
      for (const base of definition.bases) {
        const parent = base.kind === "name" ? this.classes.get(base.name) : undefined;
        const path = parent === undefined ? this.pathOf(base) : undefined;
        const found =
          parent !== undefined && parent !== definition
            ? this.framework(parent)
            : path === undefined
              ? undefined
              : (moduleBase(path) ?? layerBase(path));
        if (found !== undefined) return found;
      }
      return undefined;
    } finally {
      this.resolving.delete(definition);
    }
  }

  private pathOf(expr: Expr): string | undefined {
    if (expr.kind === "attribute") {
      const object = this.pathOf(expr.object);
      return object === undefined ? undefined : `${object}.${expr.name}`;
    }
    const value = expr.kind === "name" ? this.lookup(expr.name) : unknown;
    return value.kind === "path" ? value.path : undefined;
  }

  /** A method of the class or of its bases in the file. */
  method(definition: ClassDef, name: string, seen: ReadonlySet<ClassDef> = new Set()): FunctionDef | undefined {
    return this.methods(definition).find((method) => method.name === name) ?? this.inherited(definition, name, seen);
  }

  inherited(definition: ClassDef, name: string, seen: ReadonlySet<ClassDef> = new Set()): FunctionDef | undefined {
    if (seen.has(definition)) return undefined;
    for (const base of definition.bases) {
      const parent = base.kind === "name" ? this.classes.get(base.name) : undefined;
      const found = parent && this.method(parent, name, new Set([...seen, definition]));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  hasMethod(definition: ClassDef, name: string): boolean {
    return this.method(definition, name) !== undefined;
  }

  methods(definition: ClassDef): readonly FunctionDef[] {
    return definition.body.filter((statement) => statement.kind === "function");
  }
}

/** A class derived from a layer of the framework: nn.Conv2d, layers.Dense. */
function layerBase(path: string): Framework | undefined {
  return learnedBy(path) !== undefined || isContainer(path) ? frameworkOf(path) : undefined;
}
