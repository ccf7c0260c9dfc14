import type { ClassDef, Expr, FunctionDef, Stmt } from "../python/ast.ts";
import {
  bringsLayers,
  type Framework,
  frameworkOf,
  isHarmless,
  isModuleContainer,
  isStrange,
  learnedBy,
  moduleBase,
} from "../vocabulary.ts";
import { Scope } from "./scope.ts";
import type { Value } from "./values.ts";

/** Classes above a class, and levels of them; model code has a handful. */
const mostAncestors = 200;
const deepestInheritance = 100;
/** Files that import a name from one another, in a row; some import from themselves. */
const deepestImport = 6;
/** Steps that finding the ancestors of all classes may take together: graphs that double at each level end here. */
const mostWork = 300_000;

/** A base class that is not in the files. */
export interface OutsideBase {
  /** Dotted, or as written. */
  readonly name: string;
  readonly at: number;
  /** no-module: nothing says where it comes from. library: one that is known, with layers of its own. */
  readonly from: "module" | "library" | "no-module";
}

/** A class, and all that it inherits from. */
export interface Ancestry {
  /** Itself first, in the order in which Python looks for methods. */
  readonly classes: readonly ClassDef[];
  readonly outside: readonly OutsideBase[];
  readonly framework?: Framework;
  /** More classes than are followed. */
  readonly bounded: boolean;
}

/** The code of one file. */
export interface Module {
  readonly name: string;
  readonly statements: readonly Stmt[];
}

/** All classes of all files that are given, and how they inherit. */
export class Classes {
  readonly scopes: readonly Scope[];
  private readonly homes = new Map<ClassDef | FunctionDef, Scope>();
  private readonly owners = new Map<FunctionDef, ClassDef>();
  private readonly ancestries = new Map<ClassDef, Ancestry>();
  private readonly tables = new Map<ClassDef, ReadonlyMap<string, FunctionDef>>();
  private readonly modules = new Map<string, Scope>();
  private work = 0;
  private linking = 0;

  constructor(modules: readonly Module[]) {
    this.scopes = modules.map(({ name, statements }) => new Scope(name, statements, (path) => this.link(path)));
    for (const scope of this.scopes) {
      this.modules.set(scope.module, scope);
      for (const definition of scope.functions) this.homes.set(definition, scope);
      for (const definition of scope.classes) {
        this.homes.set(definition, scope);
        for (const method of methodsOf(definition)) {
          this.homes.set(method, scope);
          this.owners.set(method, definition);
        }
      }
    }
  }

  /** `from .blocks import Conv` means the Conv of blocks.py, where that file is given too. */
  /** What a dotted path means, where one of the files has it. */
  linked(path: string): Value | undefined {
    return this.link(path);
  }

  private link(path: string): Value | undefined {
    const parts = path.split(".");
    const [module, name] = [parts.at(-2), parts.at(-1)];
    if (module === undefined || name === undefined || this.linking >= deepestImport || frameworkOf(path) !== undefined) return undefined;
    this.linking++;
    const found = this.modules.get(module)?.own(name);
    this.linking--;
    return found;
  }

  home(definition: ClassDef | FunctionDef): Scope | undefined {
    return this.homes.get(definition);
  }

  owner(method: FunctionDef): ClassDef | undefined {
    return this.owners.get(method);
  }

  framework(definition: ClassDef): Framework | undefined {
    return this.ancestry(definition).framework;
  }

  ancestry(definition: ClassDef, depth = 0): Ancestry {
    const known = this.ancestries.get(definition);
    if (known !== undefined) return known;
    // A class that inherits from itself comes here again.
    this.ancestries.set(definition, { classes: [definition], outside: [], bounded: false });
    const found = this.findAncestry(definition, depth);
    this.ancestries.set(definition, found);
    return found;
  }

  private findAncestry(definition: ClassDef, depth: number): Ancestry {
    const order: ClassDef[] = [];
    const outside: OutsideBase[] = [];
    let framework: Framework | undefined;
    let bounded = depth >= deepestInheritance || this.work > mostWork;
    for (const base of bounded ? [] : definition.bases) {
      for (const value of this.meanings(base, definition)) {
        if (value.kind === "class") {
          const above = this.ancestry(value.definition, depth + 1);
          this.work += 1 + above.classes.length + above.outside.length;
          order.push(...above.classes);
          outside.push(...above.outside);
          framework ??= above.framework;
          bounded ||= above.bounded;
        } else {
          const base = this.outside(value);
          framework ??= base.framework;
          if (base.outside !== undefined) outside.push(base.outside);
        }
      }
    }
    // Of a class that is come to twice, the later place counts, as in Python.
    const classes = [definition, ...[...new Set(order.toReversed())].toReversed().filter((other) => other !== definition)];
    if (classes.length > mostAncestors || outside.length > mostAncestors) bounded = true;
    return {
      classes: classes.slice(0, mostAncestors),
      outside: [...new Map(outside.map((base) => [base.name, base])).values()].slice(0, mostAncestors),
      bounded,
      ...(framework && { framework }),
    };
  }

  /** What the file knows of a base class: classes of the file, paths of modules, names that it does not define. */
  private meanings(base: Expr, definition: ClassDef): readonly (BaseMeaning | Extract<Value, { kind: "class" }>)[] {
    const scope = this.homes.get(definition);
    if (scope === undefined) return [];
    switch (base.kind) {
      case "name":
      case "attribute": {
        const values = scope.meaningsOf(base);
        const classes = values.filter((value) => value.kind === "class");
        // Of two definitions of a name the last one before counts.
        const before = classes.filter((value) => value.definition.at < definition.at);
        const parent = before.at(-1) ?? classes.at(-1);
        const paths = values.flatMap((value): readonly BaseMeaning[] =>
          value.kind === "path" ? [{ kind: "path", name: value.path, at: base.at }] : [],
        );
        if (parent !== undefined) return [...paths.filter(({ name }) => moduleBase(name) !== undefined), parent];
        return paths.length > 0 ? paths : [{ kind: "unknown", name: written(base), at: base.at }];
      }
      case "subscript":
        return this.meanings(base.object, definition);
      case "either":
        return base.options.flatMap((option) => this.meanings(option, definition));
      case "call":
        // six.with_metaclass(Meta, nn.Module), and factories of classes.
        return base.args.flatMap((arg) => this.meanings(arg, definition)).filter((value) => value.kind !== "unknown");
      default:
        return [];
    }
  }

  private outside({ kind, name, at }: BaseMeaning): { readonly framework?: Framework; readonly outside?: OutsideBase } {
    const framework = kind === "path" ? (moduleBase(name) ?? layerBase(name)) : undefined;
    if (framework !== undefined) return { framework, ...(bringsLayers(name) && { outside: { name, at, from: "library" } }) };
    const plain = kind === "path" ? isHarmless(name) : builtinBases.test(name);
    return plain ? {} : { outside: { name, at, from: kind === "unknown" ? "no-module" : "module" } };
  }

  /** A method of the class or of its bases in the files; with `after` only of what comes behind that class. */
  method(definition: ClassDef, name: string, after?: ClassDef): FunctionDef | undefined {
    const { classes } = this.ancestry(definition);
    const from = after === undefined ? 0 : classes.indexOf(after) + 1;
    for (const other of classes.slice(from)) {
      const found = this.table(other).get(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The methods of a class alone; of two with one name the last. */
  table(definition: ClassDef): ReadonlyMap<string, FunctionDef> {
    const known = this.tables.get(definition) ?? new Map(methodsOf(definition).map((method) => [method.name, method]));
    this.tables.set(definition, known);
    return known;
  }
}

/** A base class that no file has. */
interface BaseMeaning {
  readonly kind: "path" | "unknown";
  readonly name: string;
  readonly at: number;
}

const builtinBases =
  /^(object|type|dict|list|tuple|set|frozenset|str|int|float|bytes|\w*Exception|\w*Error|Warning|Generic|Protocol|ABC|Enum|IntEnum|NamedTuple|TypedDict|Dataset|IterableDataset|Callback)$/;

/** The methods of a class, also those under a condition. */
export function methodsOf(definition: ClassDef): readonly FunctionDef[] {
  const within = (statements: readonly Stmt[]): readonly FunctionDef[] =>
    statements.flatMap((statement) =>
      statement.kind === "function" ? [statement] : statement.kind === "blocks" ? statement.bodies.flatMap(within) : [],
    );
  return within(definition.body);
}

/** A class derived from a layer of the framework: nn.Conv2d, layers.Dense. */
function layerBase(path: string): Framework | undefined {
  return learnedBy(path) !== undefined || isModuleContainer(path) || isStrange(path) ? frameworkOf(path) : undefined;
}

function written(expr: Expr): string {
  return expr.kind === "attribute" ? `${written(expr.object)}.${expr.name}` : expr.kind === "name" ? expr.name : "…";
}
