import type { ClassDef } from "./ast.ts";
import { parsePython } from "./convert.ts";
import { Interpreter } from "./interpreter.ts";
import { Scope } from "./scope.ts";
import { optionsOf, type Plain, reach, type Self, type Site, type Value } from "./values.ts";
import type { Framework, LayerType } from "./vocabulary.ts";

/** A place in model code where a layer is made that the framework is never told of. */
export interface SourceProblem {
  readonly className: string;
  /** The attribute that holds the layers; absent for layers made inside forward. */
  readonly attribute?: string;
  /** forward: made anew at every call. object: in an object of a class that registers nothing. */
  readonly kind: "list" | "tuple" | "dict" | "set" | "object" | "forward";
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** As written: "conv_bn", "nn.Conv2d". */
  readonly makers: readonly string[];
  /** Lines on which the layers are made. */
  readonly madeOn: readonly number[];
  readonly types: ReadonlySet<LayerType>;
  readonly framework: Framework;
  readonly message: string;
  readonly fix: string;
}

/** Finds the layers of Paddle, PyTorch and Keras model code that are never registered. The code is parsed, never run. */
export function findProblems(text: string): readonly SourceProblem[] {
  const scope = new Scope(parsePython(text));
  const lines = lineStarts(text);
  const problems = scope.allClasses().flatMap((definition) => {
    const framework = scope.framework(definition);
    return framework === undefined ? [] : new ClassCheck(scope, definition, framework, lines).run();
  });
  // A class that inherits a fault has it at the same place: told once, of the first.
  const placeOf = ({ line, column, attribute }: SourceProblem): string => `${line} ${column} ${attribute ?? ""}`;
  const first = new Map(problems.toReversed().map((problem) => [placeOf(problem), problem]));
  return problems.filter((problem) => first.get(placeOf(problem)) === problem);
}

class ClassCheck {
  private readonly scope: Scope;
  private readonly definition: ClassDef;
  private readonly framework: Framework;
  private readonly lines: readonly number[];

  constructor(scope: Scope, definition: ClassDef, framework: Framework, lines: readonly number[]) {
    this.scope = scope;
    this.definition = definition;
    this.framework = framework;
    this.lines = lines;
  }

  run(): readonly SourceProblem[] {
    const interpreter = new Interpreter(this.scope);
    const self = interpreter.construct(this.definition);
    const registered = reach(self.registered);
    return [...this.attributes(self, registered), ...this.forwardSites(interpreter.takeForwardSites(), registered)];
  }

  private attributes(self: Self, registered: ReadonlySet<Site>): readonly SourceProblem[] {
    return [...self.attributes].flatMap(([attribute, values]) => {
      for (const { value, at } of values) {
        const plain = plainsOf(value).find((option) => lost(option, registered).length > 0);
        if (plain === undefined) continue;
        const sites = lost(plain, registered).filter((site) => site.forward === undefined);
        if (sites.length > 0) return [this.held(attribute, at, plain, sites)];
      }
      return [];
    });
  }

  private held(attribute: string, at: number, plain: Plain, sites: readonly Site[]): SourceProblem {
    const makers = makersOf(sites);
    const how =
      plain.container === "object"
        ? `an object of class ${plain.className}, which is no ${baseName(this.framework)}`
        : `a plain ${plain.container}`;
    const where = this.place(at);
    return {
      ...this.common(sites),
      ...where,
      attribute,
      kind: plain.container,
      message: `class ${this.definition.name} keeps layers made by ${makers.map((maker) => `${maker}(…)`).join(", ")} in ${how}, attribute ${attribute} (line ${where.line}): ${this.consequence()}`,
      fix: this.fixOf(attribute, plain, makers),
    };
  }

  /** Layers made while forward runs: not kept, or kept anew at every call without a condition. */
  private forwardSites(sites: readonly Site[], registered: ReadonlySet<Site>): readonly SourceProblem[] {
    const made = sites.filter((site) => site.types.size > 0 && !(registered.has(site) && site.forward === "sometimes"));
    const byPlace = new Map(made.map((site) => [site.at, site]));
    return [...byPlace.values()].map((site) => {
      const where = this.place(site.at);
      const inside = this.framework === "keras" ? "call" : "forward";
      return {
        ...this.common([site]),
        ...where,
        kind: "forward" as const,
        message: `class ${this.definition.name} makes ${site.maker}(…) inside ${inside} (line ${where.line}): its parameters are new at every call, never trained and never saved`,
        fix: `make it once in __init__, self.layer = ${this.layerClass(site)}(…), and call self.layer(…) in ${inside}`,
      };
    });
  }

  /** The layer to make in place of a function that makes parameters (fluid.layers.batch_norm). */
  private layerClass(site: Site): string {
    if (/(^|\.)[A-Z]\w*$/.test(site.maker)) return site.maker;
    const home = this.paddleHome();
    const norm = home === "paddle.nn" ? "BatchNorm2D" : "BatchNorm";
    const name = site.types.has("norm") ? norm : site.types.has("conv") ? "Conv2D" : site.types.has("linear") ? "Linear" : "Layer";
    return `${this.scope.localName(home)}.${name}`;
  }

  private common(sites: readonly Site[]) {
    return {
      className: this.definition.name,
      framework: this.framework,
      makers: makersOf(sites),
      madeOn: [...new Set(sites.map((site) => this.place(site.at).line))].sort((a, b) => a - b),
      types: new Set(sites.flatMap((site) => [...site.types])),
    };
  }

  private place(at: number): { readonly line: number; readonly column: number } {
    let line = this.lines.findIndex((start) => start > at);
    if (line < 0) line = this.lines.length;
    return { line, column: at - (this.lines[line - 1] ?? 0) + 1 };
  }

  private consequence(): string {
    if (this.framework === "keras") return "Keras does not track them, so they are neither trained nor saved";
    const loaded = this.framework === "paddle" ? "Paddle" : "PyTorch";
    return `${loaded} never registers them, so state_dict() does not hold them, the optimizer does not train them, and they are drawn anew every time`;
  }

  private fixOf(attribute: string, plain: Plain, makers: readonly string[]): string {
    const module = this.framework === "torch" ? "torch.nn" : this.framework === "paddle" ? this.paddleHome() : "keras";
    const local = this.scope.localName(module);
    if (plain.container === "object")
      return `derive ${plain.className} from ${this.framework === "torch" ? `${local}.Module` : `${local}.Layer`}`;
    if (this.framework === "torch" && makers.every((maker) => /(^|\.)Parameter$/.test(maker)))
      return `self.${attribute} = ${local}.${plain.container === "dict" ? "ParameterDict" : "ParameterList"}(…)`;
    if (plain.container === "dict") {
      const container = this.framework === "torch" ? "ModuleDict" : "LayerDict";
      return `self.${attribute} = ${local}.${container}(…)`;
    }
    const container = this.framework === "torch" ? "ModuleList" : "LayerList";
    const adder = this.framework === "torch" ? "add_module" : "add_sublayer";
    return `self.${attribute} = ${local}.${container}(…), or self.${adder}(name, layer) for each layer`;
  }

  /** Old Paddle keeps LayerList in fluid.dygraph. */
  private paddleHome(): string {
    const old = this.definition.bases.some(
      (base) => base.kind === "attribute" && base.object.kind === "attribute" && base.object.name === "dygraph",
    );
    return old ? "paddle.fluid.dygraph" : "paddle.nn";
  }
}

function baseName(framework: Framework): string {
  return framework === "torch" ? "nn.Module" : "Layer";
}

function plainsOf(value: Value): readonly Plain[] {
  return optionsOf(value).flatMap((option) => (option.kind === "plain" ? [option.plain] : []));
}

/** Layers with something to learn that are held and not registered. */
function lost(plain: Plain, registered: ReadonlySet<Site>): readonly Site[] {
  return [...reach([{ kind: "plain", plain }])].filter((site) => site.types.size > 0 && !registered.has(site));
}

function makersOf(sites: readonly Site[]): readonly string[] {
  return [...new Set(sites.map((site) => site.maker))];
}

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}
