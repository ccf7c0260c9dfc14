import type { ClassDef, Expr, FunctionDef, Param, Stmt } from "./ast.ts";
import { evaluate } from "./expressions.ts";
import type { Frame, Machine } from "./machine.ts";
import type { Scope } from "./scope.ts";
import { Sites } from "./sites.ts";
import { execute } from "./statements.ts";
import { anyOf, type Self, type Site, unknown, type Value } from "./values.ts";
import type { LayerType } from "./vocabulary.ts";

/** A program of a thousand layers takes some ten thousand steps; a hostile one stops here. */
const mostSteps = 200_000;
/** Calls within calls that are followed; helpers of helpers are rarely deeper than three. */
const deepestCall = 8;

/**
 * Follows what a class does with the layers it makes, without running it: every branch is taken, every loop once, calls
 * of functions and methods of the file are followed.
 */
export class Interpreter implements Machine {
  readonly scope: Scope;
  readonly sites = new Sites();
  private readonly stack: (FunctionDef | Expr)[] = [];
  private readonly learning = new Map<ClassDef, ReadonlySet<LayerType>>();
  private readonly visited = new Set<FunctionDef>();
  private steps = 0;

  constructor(scope: Scope) {
    this.scope = scope;
  }

  /** Every layer made while forward ran, since the last call of this. */
  takeForwardSites(): readonly Site[] {
    return this.sites.all().filter((site) => site.forward !== undefined);
  }

  /** Makes an object of a class of the file: its constructor, what Keras calls build, forward, then what nothing called. */
  construct(definition: ClassDef): Self {
    this.sites.clear();
    const self = this.create(definition);
    for (const name of ["build", "setup"]) this.runMethod(self, name);
    this.sites.forward(() => {
      for (const name of ["forward", "call", "__call__"]) this.runMethod(self, name);
    });
    for (const method of this.scope.methods(definition)) {
      if (!this.visited.has(method)) this.invoke(method, method.params, [], new Map(), self);
    }
    return self;
  }

  create(definition: ClassDef): Self {
    const self: Self = { definition, attributes: new Map(), registered: new Set() };
    if (this.stack.length >= deepestCall) return self;
    this.runMethod(self, "__init__");
    return self;
  }

  private runMethod(self: Self, name: string): void {
    const method = this.scope.method(self.definition, name);
    if (method !== undefined) this.invoke(method, method.params, [], new Map(), self);
  }

  invoke(
    definition: FunctionDef | Expr,
    params: readonly Param[],
    args: readonly Value[],
    keywords: ReadonlyMap<string, Value>,
    self?: Self,
  ): Value {
    if (this.stack.length >= deepestCall || this.stack.filter((other) => other === definition).length > 1) return unknown;
    const statically = "decorators" in definition && definition.decorators.some((name) => name === "staticmethod");
    const bound = self !== undefined && !statically;
    const given = bound ? [{ kind: "self", self } satisfies Value, ...args] : args;
    const locals = new Map<string, Value>();
    params.forEach((param, i) => {
      const value = param.star ? unknown : (given[i] ?? keywords.get(param.name));
      locals.set(
        param.name,
        value ?? (param.fallback === undefined ? unknown : this.evaluate(param.fallback, { locals: new Map(), returns: [] })),
      );
    });
    const frame: Frame = { locals, returns: [], ...(self && { self }) };
    if ("decorators" in definition) this.visited.add(definition);
    this.stack.push(definition);
    if ("body" in definition && Array.isArray(definition.body)) this.run(definition.body, frame);
    else if (definition.kind === "lambda") frame.returns.push(this.evaluate(definition.body, frame));
    this.stack.pop();
    return anyOf(frame.returns);
  }

  step(): boolean {
    return ++this.steps <= mostSteps;
  }

  run(statements: readonly Stmt[], frame: Frame): void {
    for (const statement of statements) {
      if (!this.step()) return;
      execute(statement, frame, this);
    }
  }

  evaluate(expr: Expr, frame: Frame): Value {
    return this.step() ? evaluate(expr, frame, this) : unknown;
  }

  learns(definition: ClassDef): readonly LayerType[] {
    const known = this.learning.get(definition);
    if (known !== undefined) return [...known];
    this.learning.set(definition, new Set(["other"]));
    const inner = new Interpreter(this.scope);
    for (const [key, value] of this.learning) inner.learning.set(key, value);
    inner.steps = this.steps;
    inner.create(definition);
    this.steps = inner.steps;
    const types = new Set(inner.sites.all().flatMap((site) => [...site.types]));
    this.learning.set(definition, types);
    return [...types];
  }
}
