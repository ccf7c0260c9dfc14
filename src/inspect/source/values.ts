import type { ClassDef, Container, Expr, FunctionDef, Param } from "./ast.ts";
import type { LayerType } from "./vocabulary.ts";

/** A place where a layer is made. Containers (Sequential, LayerList) are layers with children. */
export interface Site {
  /** As written: "nn.Conv2d"; a function of the file that makes it: "conv_bn". */
  readonly maker: string;
  readonly at: number;
  /** What it learns itself; a container or a class of the file what is in it. */
  readonly types: Set<LayerType>;
  readonly children: Set<Value>;
  /** Made while forward runs, and whether only under a condition. */
  readonly forward?: "always" | "sometimes";
}

/** A list, tuple, dict, set, or an object of a class that registers nothing. */
export interface Plain {
  readonly container: Container | "object";
  readonly items: Set<Value>;
  /** Of an object: its class. */
  readonly className?: string;
}

/** The object whose methods run. */
export interface Self {
  readonly definition: ClassDef;
  /** Every value that an attribute was ever given, and where. */
  readonly attributes: Map<string, { readonly value: Value; readonly at: number }[]>;
  /** What the framework was told of. */
  readonly registered: Set<Value>;
}

export type Value =
  | { readonly kind: "layer"; readonly site: Site }
  | { readonly kind: "plain"; readonly plain: Plain }
  | { readonly kind: "self"; readonly self: Self }
  | { readonly kind: "function"; readonly params: readonly Param[]; readonly definition: FunctionDef | Expr; readonly self?: Self }
  | { readonly kind: "class"; readonly definition: ClassDef }
  /** A dotted name of a module, resolved through the imports. */
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "any"; readonly options: readonly Value[] }
  | { readonly kind: "unknown" };

export const unknown: Value = { kind: "unknown" };

/** One of several values. */
export function anyOf(options: readonly Value[]): Value {
  const flat = [
    ...new Set(options.flatMap((option) => (option.kind === "any" ? option.options : option.kind === "unknown" ? [] : [option]))),
  ];
  const [first] = flat;
  if (first === undefined) return unknown;
  // Loops and branches could grow this without end; a network has far fewer kinds of values in one variable.
  return flat.length === 1 ? first : { kind: "any", options: flat.slice(0, 64) };
}

export function optionsOf(value: Value): readonly Value[] {
  return value.kind === "any" ? value.options : [value];
}

/** Everything that can be reached through lists and containers. */
export function reach(roots: Iterable<Value>): ReadonlySet<Site> {
  const sites = new Set<Site>();
  const seen = new Set<Plain>();
  const queue = [...roots];
  for (let value = queue.pop(); value !== undefined; value = queue.pop()) {
    if (value.kind === "any") queue.push(...value.options);
    else if (value.kind === "layer" && !sites.has(value.site)) {
      sites.add(value.site);
      queue.push(...value.site.children);
    } else if (value.kind === "plain" && !seen.has(value.plain)) {
      seen.add(value.plain);
      queue.push(...value.plain.items);
    }
  }
  return sites;
}

/** What iterating or indexing gives. */
export function elementsOf(value: Value): Value {
  return anyOf(
    optionsOf(value).flatMap((option) => {
      if (option.kind === "plain")
        return [...option.plain.items].flatMap((item) =>
          item.kind === "plain" && item.plain.container === "tuple" ? [item, ...item.plain.items] : [item],
        );
      return option.kind === "layer" ? [...option.site.children] : [];
    }),
  );
}
