import type { SourceProblem } from "./faults.ts";
import { FaultText } from "./faults.ts";
import { methodsOf, type OutsideBase } from "./follow/classes.ts";
import { type Common, Interpreter } from "./follow/interpreter.ts";
import type { Scope } from "./follow/scope.ts";
import { type Opaque, optionsOf, type Plain, type Reached, reach, type Self, type Site } from "./follow/values.ts";
import { keptUnknown, plainsOf } from "./kept-unknown.ts";
import { overwrittenLayers } from "./overwritten.ts";
import type { Places } from "./places.ts";
import type { ClassDef, FunctionDef, Stmt } from "./python/ast.ts";
import { walk } from "./python/walk.ts";
import type { Framework } from "./vocabulary.ts";

/** What was found out about one class. */
export interface ClassResult {
  readonly definition: ClassDef;
  readonly problems: readonly SourceProblem[];
  /** Why its layers cannot all be followed; empty where it was read to its end. */
  readonly unread: readonly { readonly at: number; readonly reason: string }[];
  /** Whether it makes any layer with something to learn. */
  readonly makesLayers: boolean;
  /** Definitions that were followed. */
  readonly visited: ReadonlySet<FunctionDef | ClassDef>;
}

/** Follows the layers of one class of a framework. */
export class ClassCheck {
  readonly #definition: ClassDef;
  readonly #framework: Framework;
  readonly #common: Common;
  readonly #places: Places;
  readonly #text: FaultText;
  /** Names by which any method is called in the files. */
  readonly #called: ReadonlySet<string>;
  readonly #interpreter: Interpreter;
  readonly #self: Self;
  readonly #registered: Reached;

  constructor(definition: ClassDef, framework: Framework, scope: Scope, context: CheckContext) {
    this.#definition = definition;
    this.#framework = framework;
    this.#common = context.common;
    this.#places = context.places;
    this.#called = context.called;
    this.#text = new FaultText(definition, framework, scope, context.places);
    this.#interpreter = new Interpreter(context.common);
    this.#self = this.#interpreter.construct(definition);
    this.#registered = reach(this.#self.registered, false);
  }

  run(): ClassResult {
    const replaced = this.#replaced();
    const outside = this.#outside();
    const held = this.#held(new Set(replaced.map(({ site }) => site)));
    const own = this.#common.classes.method(this.#definition, "__setattr__") !== undefined;
    const problems = [
      ...this.#ofClass(),
      ...(own ? [] : [...held, ...replaced.map(({ problem }) => problem), ...outside, ...this.#overwritten()]),
      ...this.#forward(),
      ...this.#neverRuns(),
    ];
    const escaped = own ? [] : this.#escaped(problems);
    return {
      definition: this.#definition,
      problems: [...problems, ...escaped.filter(isKnown).map((site) => this.#text.dropped(site))],
      unread: [
        ...this.#unread(escaped.filter((site) => !isKnown(site))),
        ...(own ? [this.#ownSetattr()] : keptUnknown(this.#self, this.#framework, this.#registered, problems)),
      ],
      makesLayers: this.#interpreter.sites.all().some(({ types }) => types.size > 0),
      visited: this.#interpreter.visited,
    };
  }

  /** Layers with something to learn that are held and not registered. */
  #lost(plain: Plain): readonly Site[] {
    return [...reach([{ kind: "plain", plain }]).sites].filter((site) => site.types.size > 0 && !this.#registered.sites.has(site));
  }

  #held(known: ReadonlySet<Site>): readonly SourceProblem[] {
    const classValues = new Set([...this.#interpreter.ofClass.values()].flatMap((names) => [...names.values()]));
    return [...this.#self.attributes].flatMap(([attribute, values]): readonly SourceProblem[] => {
      for (const { value, at } of values) {
        if (classValues.has(value)) continue;
        for (const plain of plainsOf(value)) {
          const sites = this.#lost(plain).filter((site) => site.phase !== "forward" && !known.has(site));
          if (sites.length > 0) return [this.#text.held(attribute, at, this.#culprit(plain), sites)];
          const strange = this.#strange(plain);
          if (strange.length > 0) return [this.#text.heldStrange(attribute, at, plain, strange)];
        }
        const direct = optionsOf(value).filter(
          (option) => option.kind === "layer" && this.#unregistered(option.site) && !known.has(option.site),
        );
        const past = direct.flatMap((option) => (option.kind === "layer" && !this.#self.outside.has(option.site) ? [option.site] : []));
        if (past.length > 0) return [this.#text.past(attribute, at, past)];
      }
      return [];
    });
  }

  #unregistered(site: Site): boolean {
    return site.types.size > 0 && site.phase !== "forward" && !this.#registered.sites.has(site);
  }

  /** Of containers that the framework tracks the object within is at fault. */
  #culprit(plain: Plain): Plain {
    if (!this.#framework.tracks.includes(plain.container)) return plain;
    const inner = [...plain.items].flatMap(plainsOf).find((other) => this.#lost(other).length > 0);
    return inner === undefined || inner === plain ? plain : this.#culprit(inner);
  }

  /** What nobody knows the making of, called as a layer out of a plain list. */
  #strange(plain: Plain): readonly string[] {
    if (this.#framework.tracks.includes(plain.container) || plain.container === "object") return [];
    const called = [...plain.items].flatMap(optionsOf).filter((item) => item.kind === "opaque" && isCalled(item.opaque, item.element));
    const lost = called.flatMap((item) => (item.kind === "opaque" && !this.#registered.opaque.has(item.opaque) ? [item.opaque.text] : []));
    return [...new Set(lost)];
  }

  #ofClass(): readonly SourceProblem[] {
    return [...this.#interpreter.ofClass.values()].flatMap((names) =>
      [...names].flatMap(([attribute, value]): readonly SourceProblem[] => {
        const sites = [...reach([value]).sites].filter((site) => this.#unregistered(site));
        const [first] = sites;
        return first === undefined ? [] : [this.#text.ofClass(attribute, first.at, sites)];
      }),
    );
  }

  #replaced(): readonly { readonly site: Site; readonly problem: SourceProblem }[] {
    return [...this.#self.replaced].flatMap(([site, { attribute, at }]) => {
      const inner = [...reach([{ kind: "layer", site }]).sites].filter(({ types }) => types.size > 0);
      if (inner.length === 0 || this.#registered.sites.has(site)) return [];
      const lists = [...this.#self.attributes].filter(([, values]) =>
        values.some(({ value }) => plainsOf(value).some((plain) => this.#lost(plain).includes(inner[0] ?? site))),
      );
      const names = lists.map(([name]) => name);
      return inner.map((part) => ({ site: part, problem: this.#text.replaced(site, attribute, at, names) }));
    });
  }

  #overwritten(): readonly SourceProblem[] {
    const init = methodsOf(this.#definition).find(({ name }) => name === "__init__");
    if (init === undefined) return [];
    return overwrittenLayers(init, this.#self)
      .filter(({ site }) => [...reach([{ kind: "layer", site }]).sites].some(({ types }) => types.size > 0))
      .map(({ site, attribute, at, deleted }) => this.#text.overwritten(site, attribute, at, deleted));
  }

  #outside(): readonly SourceProblem[] {
    return [...this.#self.outside].flatMap(([site, { attribute, at }]) =>
      this.#unregistered(site) ? [this.#text.outside(site, attribute, at)] : [],
    );
  }

  /** Layers made while forward runs: not kept, or kept anew at every call without a condition. */
  #forward(): readonly SourceProblem[] {
    const sites = this.#interpreter.sites.all().filter(({ phase, types }) => phase === "forward" && types.size > 0);
    const made = sites.filter((site) => !(site.sometimes && (this.#registered.sites.has(site) || this.#self.replaced.has(site))));
    const byPlace = new Map(made.map((site) => [site.at, site]));
    return [...byPlace.values()].map((site) => this.#text.inForward(site));
  }

  #neverRuns(): readonly SourceProblem[] {
    const methods = methodsOf(this.#definition);
    const constructors = this.#definition.body.filter((inner) => inner.kind === "function" && inner.name === "__init__");
    const early = constructors.slice(0, -1).flatMap((inner) => (inner.kind === "function" ? [inner] : []));
    return [
      ...early.map((method) => this.#text.neverRuns("__init__", method.at, [], "another one further down takes its place")),
      ...methods.flatMap((method) => {
        if (!isMisspelt(method) || this.#called.has(method.name)) return [];
        const sites = this.#interpreter.sites.all().filter(({ at, types }) => types.size > 0 && at >= method.at && at < method.to);
        if (sites.length === 0 && !callsBase(method)) return [];
        return [this.#text.neverRuns(method.name, method.at, sites, "Python runs __init__, with two underscores on both sides")];
      }),
    ];
  }

  /** Layers of the constructor that are neither registered nor at fault. */
  #escaped(problems: readonly SourceProblem[]): readonly Site[] {
    const blamed = new Set(problems.flatMap(({ madeOn }) => madeOn));
    const misspelt = methodsOf(this.#definition).filter(isMisspelt);
    return this.#interpreter.sites.all().filter((site) => {
      if (site.phase !== "constructor" || !this.#unregistered(site)) return false;
      const inMisspelt = misspelt.some(({ at, to }) => site.at >= at && site.at < to);
      return !inMisspelt && !blamed.has(this.#places.of(site.at).line) && !this.#self.replaced.has(site);
    });
  }

  #unread(escaped: readonly Site[]): ClassResult["unread"] {
    const { name, at } = this.#definition;
    const of = `class ${name}`;
    const { outside, bounded } = this.#common.classes.ancestry(this.#definition);
    return [
      ...outside.map((base) => ({ at, reason: `${of} derives from ${base.name}, ${absent(base)}` })),
      ...(bounded ? [{ at, reason: `${of} inherits from more classes than are followed` }] : []),
      ...(this.#interpreter.complete ? [] : [{ at, reason: `${of} does more than is followed, in steps or in calls within calls` }]),
      ...this.#interpreter.hiddenAt.map((hidden) => ({ at: hidden, reason: `${of} runs code that is not written there (exec, eval)` })),
      ...(this.#interpreter.complete ? escaped : []).map((site) => ({
        at: site.at,
        reason: `${of} makes ${site.maker}(…), and what becomes of it could not be followed`,
      })),
      ...this.#givenLists(),
    ];
  }

  #ownSetattr(): ClassResult["unread"][number] {
    const { name, at } = this.#definition;
    return { at, reason: `class ${name} has a __setattr__ of its own, which decides what is registered` };
  }

  /** Attributes that hold what nobody knows, with elements that are called as layers. */
  #givenLists(): ClassResult["unread"] {
    return [...this.#self.attributes].flatMap(([attribute, values]) =>
      values.flatMap(({ value, at }) =>
        optionsOf(value).flatMap((option) => {
          if (option.kind !== "opaque" || option.element || !option.opaque.elementsCalled || this.#registered.opaque.has(option.opaque))
            return [];
          const reason = `class ${this.#definition.name} calls the elements of attribute ${attribute}, which is ${option.opaque.text}: in a plain list they would not be registered`;
          return [{ at, reason }];
        }),
      ),
    );
  }
}

/** What the checks of all classes share. */
export interface CheckContext {
  readonly common: Common;
  readonly places: Places;
  readonly called: ReadonlySet<string>;
}

/** Names by which methods are called; that a method of a name hands on to those of base classes does not count. */
export function calledNames(statements: readonly Stmt[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const node of walk(statements)) {
    if (node.kind !== "call" || node.callee.kind !== "attribute") continue;
    const { object } = node.callee;
    const [first] = node.args;
    const handsOn = object.kind === "call" || (first?.kind === "name" && first.name === "self");
    if (!handsOn) names.add(node.callee.name);
  }
  return names;
}

function absent({ name, from }: OutsideBase): string {
  if (from === "library") return "whose own layers are not in this file";
  const module = name.replace(/^\.+/, "").split(".").at(-2);
  if (from === "no-module" || module === undefined) return "which this file does not define";
  return `which is not in this file; --source ${module}.py beside it takes that file too`;
}

/** Whether it is known what becomes of a layer that is not registered. */
function isKnown(site: Site): boolean {
  return site.dropped || site.cast !== undefined;
}

function isCalled(opaque: Opaque, element: boolean): boolean {
  return element ? opaque.elementsCalled : opaque.called;
}

/** Nearly __init__: `_init_`, `__int__`, `__inti__`, `__init`. A method of the plain name init is one that somebody calls. */
function isMisspelt({ name }: { readonly name: string }): boolean {
  if (name === "__init__" || (!name.startsWith("_") && !name.endsWith("_"))) return false;
  const word = name.replace(/^_+|_+$/g, "").toLowerCase();
  return (
    word === "init" ||
    /^(?:[a-z]?int|inti|ni+t|ini|nit|iit|[a-z]init|init[a-z]|in[a-z]it|i[a-z]nit|ini[a-z]t|in[a-z]t|[a-z]nit|i[a-z]it|ini[a-z])$/.test(word)
  );
}

function callsBase(method: FunctionDef): boolean {
  for (const node of walk(method.body)) if (node.kind === "attribute" && node.name === "__init__") return true;
  return false;
}
