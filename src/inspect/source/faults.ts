import type { Severity } from "../findings/check.ts";
import type { Scope } from "./follow/scope.ts";
import type { Plain, PlainKind, Site } from "./follow/values.ts";
import { type Place, type Places, placeText } from "./places.ts";
import type { ClassDef } from "./python/ast.ts";
import type { Framework, LayerType } from "./vocabulary.ts";

/** How a layer escapes the framework. */
export type FaultKind =
  | PlainKind
  /** Made inside forward: anew at every call. */
  | "forward"
  /** In an attribute of the class, not of its objects. */
  | "class"
  /** Registered under one name in a loop: each replaces the one before. */
  | "replaced"
  /** Given to an attribute where the framework does not look. */
  | "outside"
  /** Kept nowhere. */
  | "dropped"
  /** In a constructor that never runs. */
  | "never-runs";

/** A place in model code where a layer is made that the framework does not register. */
export interface SourceProblem extends Place {
  readonly className: string;
  /** What holds the layers; absent for layers that nothing holds. */
  readonly attribute?: string;
  readonly kind: FaultKind;
  readonly severity: Severity;
  /** As written: "conv_bn", "nn.Conv2d". */
  readonly makers: readonly string[];
  /** Lines on which the layers are made. */
  readonly madeOn: readonly number[];
  readonly types: ReadonlySet<LayerType>;
  readonly framework: Framework["id"];
  readonly message: string;
  readonly fix: string;
}

/** What a fault is about, before it is put into words. */
export interface Fault {
  readonly kind: FaultKind;
  readonly at: number;
  readonly sites: readonly Site[];
  readonly attribute?: string;
  /** Makes no fault of what it is not sure of. */
  readonly severity?: Severity;
}

/** Puts the faults of one class into words. */
export class FaultText {
  readonly #definition: ClassDef;
  readonly #framework: Framework;
  readonly #scope: Scope;
  readonly #places: Places;

  constructor(definition: ClassDef, framework: Framework, scope: Scope, places: Places) {
    this.#definition = definition;
    this.#framework = framework;
    this.#scope = scope;
    this.#places = places;
  }

  problem(fault: Fault, message: string, fix: string): SourceProblem {
    const { kind, at, sites, attribute, severity = "error" } = fault;
    return {
      className: this.#definition.name,
      framework: this.#framework.id,
      kind,
      severity,
      ...(attribute !== undefined && { attribute }),
      makers: [...new Set(sites.map((site) => site.maker))],
      madeOn: [...new Set(sites.map((site) => this.#places.of(site.at).line))].sort((a, b) => a - b),
      types: new Set(sites.flatMap((site) => [...site.types])),
      ...this.#places.of(at),
      message,
      fix,
    };
  }

  held(attribute: string, at: number, plain: Plain, sites: readonly Site[]): SourceProblem {
    const message = `class ${this.#name} keeps layers made by ${made(sites)} in ${this.#holder(plain)}, attribute ${attribute} (${this.#where(at)}): ${this.#framework.consequence}`;
    return this.problem({ kind: plain.container, at, sites, attribute }, message, this.#fixOf(attribute, plain, sites));
  }

  /** A list of what is made elsewhere, and called as layers are. */
  heldStrange(attribute: string, at: number, plain: Plain, texts: readonly string[]): SourceProblem {
    const [forward = "forward"] = this.#framework.forward;
    const message = `class ${this.#name} keeps ${texts.join(", ")} in ${this.#holder(plain)}, attribute ${attribute} (${this.#where(at)}), and calls it in ${forward}: where those are layers, ${this.#framework.consequence}`;
    return this.problem(
      { kind: plain.container, at, sites: [], attribute, severity: "warning" },
      message,
      this.#fixOf(attribute, plain, []),
    );
  }

  ofClass(attribute: string, at: number, sites: readonly Site[]): SourceProblem {
    const message = `class ${this.#name} makes ${made(sites)} in its own body, attribute ${attribute} (${this.#where(at)}): an attribute of the class is none of its objects, ${this.#framework.consequence}`;
    return this.problem({ kind: "class", at, sites, attribute }, message, `make them in __init__, with self.${attribute} = …`);
  }

  inForward(site: Site): SourceProblem {
    const [inside = "forward"] = this.#framework.forward;
    const message = `class ${this.#name} makes ${made([site])} inside ${inside} (${this.#where(site.at)}): its parameters are new at every call, never trained and never saved`;
    const fix = `make it once in __init__, self.layer = ${this.#layerClass(site)}(…), and call self.layer(…) in ${inside}`;
    return this.problem({ kind: "forward", at: site.at, sites: [site] }, message, fix);
  }

  replaced(site: Site, attribute: string, at: number, lists: readonly string[]): SourceProblem {
    const rest =
      lists.length === 0 ? "" : `; ${lists.map((list) => `self.${list}`).join(", ")} holds the others, and nothing registers those`;
    const message = `class ${this.#name} gives ${made([site])} to attribute ${attribute} in a loop (${this.#where(at)}): each takes the place of the one before, and only the last is registered${rest}`;
    const fix = `give each a name of its own: ${this.#adder("name")}, or ${this.#listOf(attribute)}`;
    return this.problem({ kind: "replaced", at, sites: [site], attribute }, message, fix);
  }

  /** A layer that a later statement of the constructor takes away. It may be meant so: a head that is put in another's place. */
  overwritten(site: Site, attribute: string, at: number, deleted: boolean): SourceProblem {
    const then = deleted ? "deletes the attribute" : "gives it another value";
    const message = `class ${this.#name} gives ${made([site])} to attribute ${attribute} (${this.#where(site.at)}) and then ${then} (${this.#where(at)}): the layer of before is not registered`;
    const fix = `make only what is kept, or keep both: give the second another name than ${attribute}`;
    return this.problem({ kind: "replaced", at, sites: [site], attribute, severity: "warning" }, message, fix);
  }

  outside(site: Site, attribute: string, at: number): SourceProblem {
    const { within = "", name } = this.#framework;
    const message = `class ${this.#name} gives ${made([site])} to attribute ${attribute} (${this.#where(at)}) outside of \`with self.${within}():\`, and ${name} registers nothing there`;
    return this.problem(
      { kind: "outside", at, sites: [site], attribute },
      message,
      `with self.${within}(): self.${attribute} = ${site.maker}(…)`,
    );
  }

  past(attribute: string, at: number, sites: readonly Site[]): SourceProblem {
    const message = `class ${this.#name} gives ${made(sites)} to attribute ${attribute} past ${this.#framework.name} (${this.#where(at)}), which registers only what self.${attribute} = … gives it`;
    return this.problem({ kind: "outside", at, sites, attribute }, message, `self.${attribute} = …, which registers it`);
  }

  dropped(site: Site): SourceProblem {
    if (site.cast !== undefined) {
      const text = `class ${this.#name} calls .${site.cast}() of ${made([site])} (${this.#where(site.at)}), which gives a plain tensor where anything changes, and ${this.#framework.name} registers parameters only`;
      return this.problem(
        { kind: "dropped", at: site.at, sites: [site] },
        text,
        `leave .${site.cast}() to the network, which moves all that is registered`,
      );
    }
    const message = `class ${this.#name} makes ${made([site])} (${this.#where(site.at)}) and keeps it nowhere, so it is never registered`;
    return this.problem({ kind: "dropped", at: site.at, sites: [site] }, message, `keep it in an attribute: self.layer = ${site.maker}(…)`);
  }

  neverRuns(name: string, at: number, sites: readonly Site[], why: string): SourceProblem {
    const message = `class ${this.#name} has ${name} (${this.#where(at)}), which never runs: ${why}; the layers that it makes do not exist`;
    return this.problem(
      { kind: "never-runs", at, sites, attribute: name },
      message,
      "call it __init__, and let there be one of it in the class",
    );
  }

  get #name(): string {
    return this.#definition.name;
  }

  #where(at: number): string {
    return placeText(this.#places.of(at));
  }

  #holder({ container, className }: Plain): string {
    if (container === "object")
      return className === undefined ? "a plain object" : `an object of class ${className}, which is no ${this.#framework.base}`;
    return container === "iterator" ? "an iterator" : `a plain ${container}`;
  }

  #fixOf(attribute: string, plain: Plain, sites: readonly Site[]): string {
    if (plain.container === "object") return `derive ${plain.className ?? "its class"} from ${this.#local(this.#framework.base)}`;
    const { id, dict } = this.#framework;
    if (id === "torch" && sites.length > 0 && sites.every(({ maker }) => /(^|\.)Parameter$/.test(maker)))
      return `self.${attribute} = ${this.#local(plain.container === "dict" ? "ParameterDict" : "ParameterList")}(…)`;
    if (plain.container === "dict" && dict !== this.#framework.list) return `self.${attribute} = ${this.#local(dict)}(…)`;
    if (this.#framework.adder === "") return `self.${attribute} = list(…), which it tracks`;
    return `${this.#listOf(attribute)}, or ${this.#adder("name")} for each layer`;
  }

  #listOf(attribute: string): string {
    const { id, list } = this.#framework;
    return id === "keras" ? `self.${attribute} = [...], which Keras tracks` : `self.${attribute} = ${this.#local(list)}(…)`;
  }

  #adder(name: string): string {
    const { id, adder } = this.#framework;
    if (adder === "" || id === "keras") return `setattr(self, ${name}, layer)`;
    return id === "gluon" ? `self.${adder}(layer)` : `self.${adder}(${name}, layer)`;
  }

  /** A class of the framework as the file would write it. */
  #local(name: string): string {
    const last = name.slice(name.lastIndexOf(".") + 1);
    return `${this.#scope.localName(this.#home)}.${last}`;
  }

  get #home(): string {
    const { id, homes } = this.#framework;
    // Old Paddle keeps LayerList in fluid.dygraph.
    const old = this.#definition.bases.some(
      (base) => base.kind === "attribute" && base.object.kind === "attribute" && base.object.name === "dygraph",
    );
    if (id === "paddle" && old) return "paddle.fluid.dygraph";
    if (id === "chainer") return "chainer";
    if (id === "gluon") return "mxnet.gluon.nn";
    if (id === "keras") return "keras";
    return id === "tensorflow" ? "tensorflow" : (homes[0] ?? "");
  }

  /** The layer to make in place of a function that makes parameters (fluid.layers.batch_norm). */
  #layerClass(site: Site): string {
    if (/(^|\.)[A-Z]\w*$/.test(site.maker)) return site.maker;
    const norm = this.#home === "paddle.nn" ? "BatchNorm2D" : "BatchNorm";
    return this.#local(site.types.has("norm") ? norm : site.types.has("conv") ? "Conv2D" : site.types.has("linear") ? "Linear" : "Layer");
  }
}

function made(sites: readonly Site[]): string {
  return [...new Set(sites.map((site) => `${site.maker}(…)`))].join(", ");
}
