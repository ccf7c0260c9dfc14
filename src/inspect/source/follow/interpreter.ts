import type { ClassDef, Expr, FunctionDef, Param, Stmt } from "../python/ast.ts";
import type { LayerType } from "../vocabulary.ts";
import { type Classes, methodsOf } from "./classes.ts";
import { opaque } from "./constructions.ts";
import { evaluate } from "./evaluate.ts";
import { plainOf } from "./holders.ts";
import { type Arguments, allOf, type FunctionValue, type GivenToLayer, type Machine, noArguments } from "./machine.ts";
import type { Scope } from "./scope.ts";
import { Sites } from "./sites.ts";
import { executeStatement } from "./statements.ts";
import { anyOf, type Frame, type Names, optionsOf, type Self, unknown, type Value } from "./values.ts";

/** A class of a thousand layers takes some ten thousand steps; a hostile one stops here. */
const mostSteps = 200_000;
/** Calls within calls, and expressions within expressions over all of them. */
const deepestCall = 24;
const deepestEvaluation = 600;

/** What all classes of all files share: steps that are left, and what constructors are given anywhere. */
export interface Common {
  readonly classes: Classes;
  readonly given: Map<ClassDef, Arguments[]>;
  readonly learned: Map<ClassDef, ReadonlySet<LayerType>>;
  steps: number;
}

/**
 * Follows what a class does with the layers it makes, without running it: every branch is taken, every loop once, calls
 * of functions and methods of the files are followed.
 */
export class Interpreter implements Machine {
  readonly classes: Classes;
  readonly sites = new Sites();
  readonly within = { depth: 0 };
  /** Definitions of the files whose code was followed. */
  readonly visited = new Set<FunctionDef | ClassDef>();
  /** Where code runs that nobody can read. */
  readonly hiddenAt: number[] = [];
  readonly givenToLayers: GivenToLayer[] = [];
  /** Whether everything that came up was followed to its end. */
  complete = true;
  /** What a class gives itself, and not its objects. */
  readonly ofClass = new Map<ClassDef, Map<string, Value>>();
  private readonly common: Common;
  private readonly stack: (FunctionDef | Expr)[] = [];
  private steps = 0;
  private depth = 0;

  constructor(common: Common) {
    this.common = common;
    this.classes = common.classes;
  }

  /** Runs the code of a file around its classes, and its functions: for what constructors are given. */
  runFile(scope: Scope, statements: readonly Stmt[]): void {
    this.run(statements, frameOf(scope, scope.globals));
    for (const definition of scope.functions) {
      if (!this.visited.has(definition)) this.invoke({ kind: "function", definition, params: definition.params }, noArguments);
    }
  }

  /** Makes an object of a class of the file: its constructor, what Keras calls build, forward, then what nothing called. */
  construct(definition: ClassDef): Self {
    this.sites.clear();
    const self = this.create(definition, this.givenTo(definition));
    this.sites.during("constructor", () => {
      for (const name of ["build", "setup"]) this.runMethod(self, name, noArguments);
    });
    this.sites.during("forward", () => {
      for (const name of this.classes.framework(definition)?.forward ?? []) this.runMethod(self, name, noArguments);
    });
    for (const method of methodsOf(definition)) {
      if (!this.visited.has(method) && this.classes.method(definition, method.name) === method)
        this.invoke(this.method(method, self), noArguments);
    }
    return self;
  }

  create(definition: ClassDef, args: Arguments): Self {
    this.visited.add(definition);
    const self: Self = { definition, attributes: new Map(), registered: new Set(), replaced: new Map(), outside: new Map() };
    if (this.stack.length >= deepestCall) {
      this.complete = false;
      return self;
    }
    this.classBodies(self);
    this.sites.during("constructor", () => this.runMethod(self, "__init__", args));
    return self;
  }

  /** What is given names in the bodies of the class and of its bases. */
  private classBodies(self: Self): void {
    for (const definition of this.classes.ancestry(self.definition).classes.toReversed()) {
      const scope = this.classes.home(definition);
      this.visited.add(definition);
      if (scope === undefined) continue;
      const known = this.ofClass.get(definition) ?? new Map<string, Value>();
      if (!this.ofClass.has(definition)) {
        this.ofClass.set(definition, known);
        this.run(
          definition.body.filter(({ kind }) => kind !== "function" && kind !== "class"),
          frameOf(scope, known),
        );
      }
      for (const [name, value] of known) self.attributes.set(name, [{ value, at: definition.at }]);
    }
  }

  private givenTo(definition: ClassDef): Arguments {
    const calls = this.common.given.get(definition) ?? [];
    const width = Math.max(0, ...calls.map(({ list }) => list.length));
    const names = new Set(calls.flatMap(({ keywords }) => [...keywords.keys()]));
    return {
      list: Array.from({ length: width }, (_, i) => anyOf(calls.map(({ list }) => list[i] ?? unknown))),
      keywords: new Map([...names].map((name) => [name, anyOf(calls.map(({ keywords }) => keywords.get(name) ?? unknown))])),
      spread: anyOf(calls.map(({ spread }) => spread)),
    };
  }

  gives(definition: ClassDef, args: Arguments): void {
    const calls = this.common.given.get(definition) ?? [];
    if (calls.length < 64 && allOf(args).some((value) => value.kind !== "unknown")) calls.push(args);
    this.common.given.set(definition, calls);
  }

  private runMethod(self: Self, name: string, args: Arguments): void {
    const method = this.classes.method(self.definition, name);
    if (method !== undefined) this.invoke(this.method(method, self), args);
  }

  method(definition: FunctionDef, self: Self): FunctionValue {
    return { kind: "function", definition, params: definition.params, self };
  }

  invoke(callee: FunctionValue, args: Arguments): Value {
    const { definition, params, self, outer } = callee;
    if (this.stack.length >= deepestCall) this.complete = false;
    if (this.stack.length >= deepestCall || this.stack.filter((other) => other === definition).length > 1) return unknown;
    const isFunction = definition.kind === "function";
    const owner = isFunction ? this.classes.owner(definition) : undefined;
    const scope = (isFunction ? this.classes.home(definition) : undefined) ?? outer?.scope ?? this.classes.scopes[0];
    if (scope === undefined) return unknown;
    const bound = owner !== undefined && self !== undefined && isFunction && !definition.decorators.some((name) => isStatic(name));
    const frame: Frame = {
      ...frameOf(scope, new Map()),
      ...(self && { self }),
      ...(owner ? { owner } : outer?.owner && { owner: outer.owner }),
      ...(outer && { outer }),
    };
    this.bindParams(params, bound ? { ...args, list: [{ kind: "self", self }, ...args.list] } : args, frame);
    if (isFunction) this.visited.add(definition);
    this.stack.push(definition);
    if (isFunction) this.run(definition.body, frame);
    else if (definition.kind === "lambda") frame.returns.push(this.evaluate(definition.body, frame));
    this.stack.pop();
    this.dropUnread(frame, params);
    return frame.yields.length > 0 ? plainOf("iterator", frame.yields) : anyOf(frame.returns);
  }

  private bindParams(params: readonly Param[], args: Arguments, frame: Frame): void {
    const named = new Set(params.map(({ name }) => name));
    let place = 0;
    for (const param of params) {
      if (param.star === "*") {
        frame.locals.set(param.name, plainOf("tuple", [...args.list.slice(place), args.spread, this.fromCaller(param, args)]));
        place = args.list.length;
      } else if (param.star === "**") {
        const others = [...args.keywords].filter(([name]) => !named.has(name)).map(([, value]) => value);
        frame.locals.set(param.name, plainOf("dict", [...others, args.spread]));
      } else {
        const value = args.list[place++] ?? args.keywords.get(param.name);
        const given = value === undefined || value.kind === "unknown" ? anyOf([args.spread]) : value;
        const fallback = param.fallback === undefined ? unknown : this.evaluate(param.fallback, frameOf(frame.scope, new Map()));
        const known = value === undefined ? anyOf([given, fallback]) : given;
        frame.locals.set(param.name, known.kind === "unknown" ? this.fromCaller(param, args) : known);
      }
    }
  }

  /** What nobody in the files gives, a caller elsewhere may. */
  private fromCaller(param: Param, args: Arguments): Value {
    if (param.star === "*" && (args.list.length > 1 || args.spread.kind !== "unknown")) return unknown;
    const value = opaque(`what the caller gives as ${param.name}`, 0);
    return param.star === "*" && value.kind === "opaque" ? { ...value, element: true } : value;
  }

  /** Names that hold layers and that nothing reads. */
  private dropUnread(frame: Frame, params: readonly Param[]): void {
    for (const [name, value] of frame.locals) {
      if (frame.read.has(name) || frame.read.has("*") || params.some((param) => param.name === name)) continue;
      for (const option of optionsOf(value)) if (option.kind === "layer") option.site.dropped = true;
    }
  }

  step(count = 1): boolean {
    this.steps += count;
    this.common.steps -= count;
    const more = this.steps <= mostSteps && this.common.steps > 0;
    if (!more) this.complete = false;
    return more;
  }

  hidden(at: number): void {
    this.hiddenAt.push(at);
  }

  run(statements: readonly Stmt[], frame: Frame): void {
    if (this.depth >= deepestEvaluation) this.complete = false;
    if (this.depth >= deepestEvaluation) return;
    this.depth++;
    for (const statement of statements) if (this.step()) executeStatement(statement, frame, this);
    this.depth--;
  }

  evaluate(expr: Expr, frame: Frame): Value {
    if (!this.step()) return unknown;
    if (this.depth >= deepestEvaluation) {
      this.complete = false;
      return unknown;
    }
    this.depth++;
    const value = evaluate(expr, frame, this);
    this.depth--;
    const width = value.kind === "any" ? value.options.length : value.kind === "plain" ? value.plain.items.size : 0;
    if (width > 8) this.step(width >> 3);
    return value;
  }

  learns(definition: ClassDef): readonly LayerType[] {
    const known = this.common.learned.get(definition);
    if (known !== undefined) return [...known];
    this.common.learned.set(definition, new Set(["other"]));
    const inner = new Interpreter(this.common);
    inner.create(definition, noArguments);
    const types = new Set(inner.sites.all().flatMap((site) => [...site.types]));
    this.common.learned.set(definition, types);
    return [...types];
  }
}

function frameOf(scope: Names, locals: Map<string, Value>): Frame {
  return { locals, scope, returns: [], yields: [], read: new Set() };
}

function isStatic(decorator: Expr): boolean {
  return decorator.kind === "name" && decorator.name === "staticmethod";
}
