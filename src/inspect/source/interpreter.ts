import type { ClassDef, Expr, FunctionDef, Param, Stmt } from "./ast.ts";
import type { Scope } from "./scope.ts";
import { anyOf, elementsOf, optionsOf, type Plain, type Self, type Site, unknown, type Value } from "./values.ts";
import { type Framework, isContainer, type LayerType, learnedBy, makerType, moduleBase, registering } from "./vocabulary.ts";

/** A program of a thousand layers takes some ten thousand steps; a hostile one stops here. */
const mostSteps = 200_000;
/** Calls within calls that are followed; helpers of helpers are rarely deeper than three. */
const deepestCall = 8;

const copiers = new Set([
  "list",
  "tuple",
  "set",
  "dict",
  "sorted",
  "reversed",
  "iter",
  "zip",
  "enumerate",
  "OrderedDict",
  "deque",
  "chain",
  "filter",
]);
const adders = new Set(["append", "add", "insert", "extend", "update", "setdefault", "appendleft", "__setitem__"]);
const viewers = new Set(["items", "values", "copy", "get", "pop", "popleft", "children", "named_children", "sublayers"]);

/** Names of one run of a function. */
type Locals = Map<string, Value>;

interface Frame {
  readonly locals: Locals;
  readonly self?: Self;
  readonly returns: Value[];
}

/**
 * Follows what a class does with the layers it makes, without running it: every branch is taken, every loop once, calls
 * of functions and methods of the file are followed.
 */
export class Interpreter {
  private readonly scope: Scope;
  private readonly sites = new Map<string, Site>();
  private readonly stack: (FunctionDef | Expr)[] = [];
  private readonly learning = new Map<ClassDef, ReadonlySet<LayerType>>();
  private readonly visited = new Set<FunctionDef>();
  private path = "";
  /** Functions of the file whose calls are being followed, by name. */
  private readonly helpers: string[] = [];
  private steps = 0;
  private conditions = 0;
  private inForward = false;

  constructor(scope: Scope) {
    this.scope = scope;
  }

  /** Every layer made while forward ran, since the last call of this. */
  takeForwardSites(): readonly Site[] {
    return [...this.sites.values()].filter((site) => site.forward !== undefined);
  }

  /** Makes an object of a class of the file: its constructor, what Keras calls build, forward, then what nothing called. */
  construct(definition: ClassDef): Self {
    this.sites.clear();
    const self = this.create(definition);
    for (const name of ["build", "setup"]) this.runMethod(self, name);
    this.inForward = true;
    for (const name of ["forward", "call", "__call__"]) this.runMethod(self, name);
    this.inForward = false;
    for (const method of this.scope.methods(definition)) {
      if (!this.visited.has(method)) this.invoke(method, method.params, [], new Map(), self);
    }
    return self;
  }

  private create(definition: ClassDef): Self {
    const self: Self = { definition, attributes: new Map(), registered: new Set() };
    this.runMethod(self, "__init__");
    return self;
  }

  private runMethod(self: Self, name: string): void {
    const method = this.scope.method(self.definition, name);
    if (method !== undefined) this.invoke(method, method.params, [], new Map(), self);
  }

  /** Runs a function of the file with what is known of its arguments; gives what it may return. */
  private invoke(
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
    const locals: Locals = new Map();
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

  private run(statements: readonly Stmt[], frame: Frame): void {
    for (const statement of statements) {
      if (++this.steps > mostSteps) return;
      this.execute(statement, frame);
    }
  }

  private execute(statement: Stmt, frame: Frame): void {
    switch (statement.kind) {
      case "assign":
        for (const target of statement.targets) this.assign(target, statement.value, frame, statement.at);
        return;
      case "augment": {
        const value = this.evaluate(statement.value, frame);
        for (const option of optionsOf(this.evaluate(statement.target, frame))) this.addTo(option, [elementsOf(value)]);
        return;
      }
      case "expression":
        this.evaluate(statement.value, frame);
        return;
      case "for":
        this.bind(statement.loop.target, elementsOf(this.evaluate(statement.loop.iterable, frame)), frame);
        this.branch(() => this.run(statement.body, frame), false);
        return;
      case "blocks":
        for (const head of statement.heads) this.evaluate(head, frame);
        for (const body of statement.bodies) this.branch(() => this.run(body, frame), statement.conditional);
        return;
      case "return":
        if (statement.value !== undefined) frame.returns.push(this.evaluate(statement.value, frame));
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

  /** What stands under a condition may not happen: assignments there add to what was known. */
  private branch(work: () => void, conditional: boolean): void {
    if (conditional) this.conditions++;
    work();
    if (conditional) this.conditions--;
  }

  private assign(target: Expr, value: Expr, frame: Frame, at: number): void {
    if (target.kind === "display" && value.kind === "display" && target.items.length === value.items.length) {
      target.items.forEach((item, i) => {
        const part = value.items[i];
        if (part !== undefined) this.assign(item, part, frame, at);
      });
      return;
    }
    this.store(target, this.evaluate(value, frame), frame, at);
  }

  private store(target: Expr, value: Value, frame: Frame, at: number): void {
    if (target.kind === "display") {
      this.bind(target, elementsOf(value), frame);
    } else if (target.kind === "name") {
      const before = this.conditions > 0 ? frame.locals.get(target.name) : undefined;
      frame.locals.set(target.name, before === undefined ? value : anyOf([before, value]));
    } else if (target.kind === "attribute") {
      for (const option of optionsOf(this.evaluate(target.object, frame))) this.setAttribute(option, target.name, value, at);
    } else if (target.kind === "subscript") {
      const registry =
        target.object.kind === "attribute" && /^(_modules|_sub_layers|_layers|_parameters)$/.test(target.object.name)
          ? target.object
          : undefined;
      const holder = this.evaluate(registry === undefined ? target.object : registry.object, frame);
      for (const option of optionsOf(holder)) {
        if (option.kind === "self") this.register(option.self, value);
        else this.addTo(option, [value]);
      }
    }
  }

  /** Loop variables stand for each of the elements, whatever their place in a tuple. */
  private bind(target: Expr, value: Value, frame: Frame): void {
    if (target.kind === "name") frame.locals.set(target.name, value);
    else if (target.kind === "display") {
      const inner = anyOf([value, elementsOf(value)]);
      for (const item of target.items) this.bind(item, inner, frame);
    } else this.store(target, value, frame, target.at);
  }

  private setAttribute(holder: Value, name: string, value: Value, at: number): void {
    if (holder.kind === "self") {
      const values = holder.self.attributes.get(name) ?? [];
      holder.self.attributes.set(name, values);
      values.push({ value, at });
      for (const option of optionsOf(value)) {
        const tracked = option.kind === "plain" && option.plain.container !== "object" && this.frameworkOf(holder.self) === "keras";
        if (option.kind === "layer" || tracked) this.register(holder.self, option);
      }
    } else if (holder.kind === "layer") {
      holder.site.children.add(value);
    } else if (holder.kind === "plain") {
      holder.plain.items.add(value);
    }
  }

  private frameworkOf(self: Self): Framework | undefined {
    return this.scope.framework(self.definition);
  }

  private register(self: Self, value: Value): void {
    self.registered.add(value);
  }

  private addTo(holder: Value, values: readonly Value[]): void {
    const into = holder.kind === "plain" ? holder.plain.items : holder.kind === "layer" ? holder.site.children : undefined;
    for (const value of values)
      for (const option of optionsOf(value)) if (option.kind === "layer" || option.kind === "plain") into?.add(option);
  }

  private evaluate(expr: Expr, frame: Frame): Value {
    if (++this.steps > mostSteps) return unknown;
    switch (expr.kind) {
      case "name":
        return frame.locals.get(expr.name) ?? this.scope.lookup(expr.name);
      case "attribute":
        return this.attribute(expr, frame);
      case "subscript":
        return elementsOf(this.evaluate(expr.object, frame));
      case "call":
        return this.call(expr, frame);
      case "display":
        return plainOf(
          expr.container,
          expr.items.map((item) => this.evaluate(item, frame)),
        );
      case "comprehension": {
        const inner: Frame = { ...frame, locals: new Map(frame.locals) };
        for (const loop of expr.loops) this.bind(loop.target, elementsOf(this.evaluate(loop.iterable, inner)), inner);
        return plainOf(
          expr.container,
          expr.items.map((item) => this.evaluate(item, inner)),
        );
      }
      case "either":
        return anyOf(expr.options.map((option) => this.evaluate(option, frame)));
      case "binary": {
        const sides = [this.evaluate(expr.left, frame), this.evaluate(expr.right, frame)];
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
        return anyOf(expr.parts.map((part) => this.evaluate(part, frame)));
    }
  }

  private attribute(expr: Extract<Expr, { kind: "attribute" }>, frame: Frame): Value {
    const object = this.evaluate(expr.object, frame);
    return anyOf(
      optionsOf(object).map((option): Value => {
        if (option.kind === "path") return { kind: "path", path: `${option.path}.${expr.name}` };
        if (option.kind !== "self") return unknown;
        const values = option.self.attributes.get(expr.name);
        if (values !== undefined) return anyOf(values.map(({ value }) => value));
        const method = this.scope.method(option.self.definition, expr.name);
        return method === undefined ? unknown : { kind: "function", definition: method, params: method.params, self: option.self };
      }),
    );
  }

  private call(expr: Extract<Expr, { kind: "call" }>, frame: Frame): Value {
    const args = expr.args.map((arg) => this.evaluate(arg, frame));
    const keywords = new Map([...expr.keywords].map(([name, value]) => [name, this.evaluate(value, frame)]));
    const all = [...args, ...keywords.values()];
    const { callee } = expr;
    if (callee.kind === "attribute") {
      const method = this.methodCall(callee, expr, args, keywords, frame);
      if (method !== undefined) return method;
    }
    if (callee.kind === "name") {
      const builtin = this.builtin(callee.name, args, frame);
      if (builtin !== undefined) return builtin;
    }
    const results = optionsOf(this.evaluate(callee, frame)).map((option): Value => {
      if (option.kind === "path") return this.construction(option.path, expr, all);
      if (option.kind === "class") return this.instance(option.definition, expr);
      if (option.kind === "function") return this.follow(expr, option, args, keywords);
      // An unknown function of a layer gives that layer back: weight_norm(conv), init(linear), deepcopy(block).
      return option.kind === "unknown" ? anyOf(all.flatMap(optionsOf).filter((value) => value.kind === "layer")) : unknown;
    });
    return anyOf(results);
  }

  /** A call of a function of the file: what it makes is known by its name. */
  private follow(
    expr: Extract<Expr, { kind: "call" }>,
    callee: Extract<Value, { kind: "function" }>,
    args: readonly Value[],
    keywords: ReadonlyMap<string, Value>,
  ): Value {
    const helper = callee.self === undefined;
    if (helper) this.helpers.push(expr.text);
    const value = this.followed(expr.at, () => this.invoke(callee.definition, callee.params, args, keywords, callee.self));
    if (helper) this.helpers.pop();
    return value;
  }

  /** Calls from different places make different layers. */
  private followed(at: number, work: () => Value): Value {
    const before = this.path;
    this.path = `${before} ${at}`;
    const value = work();
    this.path = before;
    return value;
  }

  private builtin(name: string, args: readonly Value[], frame: Frame): Value | undefined {
    if (frame.locals.has(name)) return undefined;
    if (name === "setattr") {
      const [holder = unknown, , value = unknown] = args;
      for (const option of optionsOf(holder)) {
        if (option.kind === "self") this.register(option.self, value);
        else this.addTo(option, [value]);
      }
      return unknown;
    }
    if (name === "map") {
      const [mapper = unknown, list = unknown] = args;
      const results = optionsOf(mapper).map((option) =>
        option.kind === "function" ? this.invoke(option.definition, option.params, [elementsOf(list)], new Map(), option.self) : unknown,
      );
      return plainOf("list", results);
    }
    return copiers.has(name)
      ? plainOf(name === "tuple" ? "tuple" : name === "dict" || name === "OrderedDict" ? "dict" : "list", args.map(elementsOf))
      : undefined;
  }

  private methodCall(
    callee: Extract<Expr, { kind: "attribute" }>,
    expr: Extract<Expr, { kind: "call" }>,
    args: readonly Value[],
    keywords: ReadonlyMap<string, Value>,
    frame: Frame,
  ): Value | undefined {
    const { name } = callee;
    if (name === "__init__" && frame.self !== undefined) {
      this.baseConstructor(callee.object, frame.self, args, keywords);
      return unknown;
    }
    if (isSuper(callee.object) && frame.self !== undefined) {
      const inherited = this.scope.inherited(frame.self.definition, name);
      const self = frame.self;
      if (inherited !== undefined) return this.followed(expr.at, () => this.invoke(inherited, inherited.params, args, keywords, self));
      if (registering.has(name)) for (const value of args) this.register(self, value);
      return anyOf(args);
    }
    const all = [...args, ...keywords.values()];
    const holders = optionsOf(this.evaluate(callee.object, frame));
    const results = holders.flatMap((holder): readonly Value[] => {
      if (
        holder.kind === "self" &&
        (registering.has(name) || name === "__setattr__") &&
        this.scope.method(holder.self.definition, name) === undefined
      ) {
        for (const value of all) for (const option of optionsOf(value)) if (option.kind === "layer") this.register(holder.self, option);
        return [anyOf(all)];
      }
      if (holder.kind !== "plain" && holder.kind !== "layer") return [];
      if (adders.has(name) || (registering.has(name) && holder.kind === "layer")) {
        this.addTo(holder, name === "extend" || name === "update" ? [...all, ...all.map(elementsOf)] : all);
        return [anyOf(all)];
      }
      return viewers.has(name) ? [plainOf("list", [elementsOf(holder)]), elementsOf(holder)] : [];
    });
    return results.length === 0 ? undefined : anyOf(results);
  }

  /** super().__init__(…), Base.__init__(self, …): constructors of base classes in the file. */
  private baseConstructor(object: Expr, self: Self, args: readonly Value[], keywords: ReadonlyMap<string, Value>): void {
    const own = isSuper(object);
    const named = object.kind === "name" ? this.scope.classNamed(object.name) : undefined;
    const method = own ? this.scope.inherited(self.definition, "__init__") : named && this.scope.method(named, "__init__");
    if (method !== undefined) this.invoke(method, method.params, own ? args : args.slice(1), keywords, self);
  }

  private construction(path: string, expr: Extract<Expr, { kind: "call" }>, args: readonly Value[]): Value {
    const type = learnedBy(path) ?? makerType(path);
    if (isContainer(path)) return this.site(expr, type === undefined ? [] : [type], args);
    if (type !== undefined) return this.site(expr, [type], args);
    if (moduleBase(path) !== undefined) return this.site(expr, [], args);
    return anyOf(args.flatMap(optionsOf).filter((value) => value.kind === "layer"));
  }

  private instance(definition: ClassDef, expr: Extract<Expr, { kind: "call" }>): Value {
    if (this.scope.framework(definition) !== undefined) return this.site(expr, this.learns(definition), []);
    if (!this.scope.hasMethod(definition, "__init__")) return unknown;
    const self = this.followed(expr.at, () => ({
      kind: "self",
      self: this.stack.length < deepestCall ? this.create(definition) : emptySelf(definition),
    }));
    if (self.kind !== "self") return unknown;
    const items = [...self.self.attributes.values()]
      .flat()
      .flatMap(({ value }) => optionsOf(value).filter((option) => option.kind === "layer" || option.kind === "plain"));
    return { kind: "plain", plain: { container: "object", items: new Set(items), className: definition.name } };
  }

  /** What the layers of a class of the file learn, all together. */
  private learns(definition: ClassDef): readonly LayerType[] {
    const known = this.learning.get(definition);
    if (known !== undefined) return [...known];
    this.learning.set(definition, new Set(["other"]));
    const inner = new Interpreter(this.scope);
    for (const [key, value] of this.learning) inner.learning.set(key, value);
    inner.steps = this.steps;
    inner.create(definition);
    this.steps = inner.steps;
    const types = new Set([...inner.sites.values()].flatMap((site) => [...site.types]));
    this.learning.set(definition, types);
    return [...types];
  }

  private site(expr: Extract<Expr, { kind: "call" }>, types: readonly LayerType[], args: readonly Value[]): Value {
    const key = `${this.path} ${expr.at}`;
    const children = args.flatMap(optionsOf).filter((value) => value.kind === "layer" || value.kind === "plain");
    const known = this.sites.get(key);
    if (known !== undefined) {
      for (const child of children) known.children.add(child);
      return { kind: "layer", site: known };
    }
    const forward = this.inForward ? (this.conditions > 0 ? ("sometimes" as const) : ("always" as const)) : undefined;
    const site: Site = {
      maker: this.helpers[0] ?? expr.text,
      at: expr.at,
      types: new Set(types),
      children: new Set(children),
      ...(forward && { forward }),
    };
    this.sites.set(key, site);
    return { kind: "layer", site };
  }
}

function emptySelf(definition: ClassDef): Self {
  return { definition, attributes: new Map(), registered: new Set() };
}

function isSuper(object: Expr): boolean {
  return object.kind === "call" && object.callee.kind === "name" && object.callee.name === "super";
}

function plainOf(container: Plain["container"], values: readonly Value[]): Value {
  const items = values.flatMap(optionsOf).filter((value) => value.kind === "layer" || value.kind === "plain");
  return { kind: "plain", plain: { container, items: new Set(items) } };
}
