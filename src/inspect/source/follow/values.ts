import type { ClassDef, DisplayKind, Expr, FunctionDef, Param } from "../python/ast.ts";
import type { LayerType } from "../vocabulary.ts";

/** A place where a layer is made. Containers (Sequential, LayerList) are layers with children. */
export interface Site {
  /** As written: "nn.Conv2d"; a function of the file that makes it: "conv_bn". */
  readonly maker: string;
  readonly at: number;
  /** What it learns itself; a container or a class of the file what is in it. */
  readonly types: Set<LayerType>;
  readonly children: Set<Value>;
  /** What ran when it was made. */
  readonly phase: Phase;
  /** Made while forward runs only under a condition. */
  readonly sometimes: boolean;
  /** The innermost loop in which it is made, where nothing in that loop decides whether it is. */
  readonly loop?: number;
  /** Kept by a name that nothing reads, or by none. */
  dropped: boolean;
  /** One of a list's was taken by a number or a slice while the constructor ran. */
  picked: boolean;
  /** Each of the list's was taken: by a loop, or with a star. */
  taken: boolean;
  /** The method that made a plain tensor of a parameter. */
  cast?: string;
}

/** Names and results of one run of a function, of a class's body, or of a file. */
export interface Frame {
  readonly locals: Map<string, Value>;
  /** The file that the code is in. */
  readonly scope: Names;
  readonly self?: Self;
  /** The class that the running method is written in. */
  readonly owner?: ClassDef;
  /** Around a function within a function. */
  readonly outer?: Frame;
  readonly returns: Value[];
  readonly yields: Value[];
  /** Names that were read; `*` where a function within this one may read any of them. */
  readonly read: Set<string>;
}

/** The names of a file. */
export interface Names {
  /** What its own code gives names to, once it has run. */
  readonly globals: Map<string, Value>;
  lookup(name: string): Value;
}

export type Phase = "constructor" | "forward" | "other";

/** What holds layers and registers nothing: Python's containers, iterators over them, objects of plain classes. */
export type PlainKind = DisplayKind | "iterator" | "deque" | "object";

export interface Plain {
  readonly container: PlainKind;
  readonly items: Set<Value>;
  /** A slice of another list. */
  readonly cut?: true;
  /** Of an object: its class. */
  readonly className?: string;
}

/** Something whose making is not in the file: what a caller gives, or what a function of another file returns. */
export interface Opaque {
  /** In words: "what the caller gives as layers", "what make(…) gives". */
  readonly text: string;
  readonly at: number;
  /** Something with a class's name made it, or something that the code looks up by a name of its own. */
  readonly maybeLayer: boolean;
  /** It is called as a layer is; what iterating over it gives is. */
  called: boolean;
  elementsCalled: boolean;
}

/** The object whose methods run. */
export interface Self {
  readonly definition: ClassDef;
  /** Every value that an attribute was ever given, and where. */
  readonly attributes: Map<string, { readonly value: Value; readonly at: number }[]>;
  /** What the framework registers. */
  readonly registered: Set<Value>;
  /** What it registers in a loop under one name: each replaces the one before. */
  readonly replaced: Map<Site, { readonly attribute: string; readonly at: number }>;
  /** Layers given to attributes where the framework does not look (Chainer, outside of init_scope). */
  readonly outside: Map<Site, { readonly attribute: string; readonly at: number }>;
}

export type Value =
  | { readonly kind: "layer"; readonly site: Site }
  | { readonly kind: "plain"; readonly plain: Plain }
  | { readonly kind: "self"; readonly self: Self }
  | {
      readonly kind: "function";
      readonly params: readonly Param[];
      readonly definition: FunctionDef | Expr;
      readonly self?: Self;
      /** Where it is defined: its names are seen from within. */
      readonly outer?: Frame;
    }
  | { readonly kind: "class"; readonly definition: ClassDef }
  /** A dotted name of a module, resolved through the imports. */
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "opaque"; readonly opaque: Opaque; readonly element: boolean }
  | { readonly kind: "any"; readonly options: readonly Value[] }
  | { readonly kind: "unknown" };

export const unknown: Value = { kind: "unknown" };

/** Loops and branches could grow values without end; a network has far fewer layers in one variable. */
const mostOptions = 2000;

/** One of several values. */
export function anyOf(options: readonly Value[]): Value {
  const flat = [
    ...new Set(options.flatMap((option) => (option.kind === "any" ? option.options : option.kind === "unknown" ? [] : [option]))),
  ];
  const [first] = flat;
  if (first === undefined) return unknown;
  return flat.length === 1 ? first : { kind: "any", options: flat.slice(0, mostOptions) };
}

export function optionsOf(value: Value): readonly Value[] {
  return value.kind === "any" ? value.options : [value];
}

/** Whether a value may be, or hold, a layer. */
export function matters(value: Value): boolean {
  return value.kind !== "unknown" && value.kind !== "self";
}

/** Everything that can be reached through lists and containers. */
export interface Reached {
  readonly sites: ReadonlySet<Site>;
  readonly opaque: ReadonlySet<Opaque>;
  readonly plain: ReadonlySet<Plain>;
}

/** `objects`: whether objects of plain classes are looked into; frameworks do not. */
export function reach(roots: Iterable<Value>, objects = true): Reached {
  const sites = new Set<Site>();
  const opaque = new Set<Opaque>();
  const seen = new Set<Plain>();
  const queue = [...roots];
  for (let value = queue.pop(); value !== undefined; value = queue.pop()) {
    if (value.kind === "any") queue.push(...value.options);
    else if (value.kind === "opaque") opaque.add(value.opaque);
    else if (value.kind === "layer" && !sites.has(value.site)) {
      sites.add(value.site);
      queue.push(...value.site.children);
    } else if (value.kind === "plain" && !seen.has(value.plain) && (objects || value.plain.container !== "object")) {
      seen.add(value.plain);
      queue.push(...value.plain.items);
    }
  }
  return { sites, opaque, plain: seen };
}

/** Something that nobody knows the making of is used as a layer is. */
export function callOpaque({ opaque, element }: Extract<Value, { kind: "opaque" }>): void {
  if (element) opaque.elementsCalled = true;
  else opaque.called = true;
}

/** What a loop or a star takes: each element. */
export function eachOf(value: Value): Value {
  for (const option of optionsOf(value)) {
    if (option.kind !== "plain" || option.plain.cut === true) continue;
    for (const item of option.plain.items) if (item.kind === "layer") item.site.taken = true;
  }
  return elementsOf(value);
}

/** What iterating or indexing gives. */
export function elementsOf(value: Value): Value {
  return anyOf(
    optionsOf(value).flatMap((option): readonly Value[] => {
      if (option.kind === "plain")
        return [...option.plain.items].flatMap((item) =>
          item.kind === "plain" && item.plain.container === "tuple" ? [item, ...item.plain.items] : [item],
        );
      if (option.kind === "opaque") return option.element ? [option] : [{ ...option, element: true }];
      return option.kind === "layer" ? [...option.site.children] : [];
    }),
  );
}
