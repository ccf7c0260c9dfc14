import type { ClassDef, Expr, FunctionDef, Stmt } from "../python/ast.ts";
import type { LayerType } from "../vocabulary.ts";
import type { Classes } from "./classes.ts";
import type { Sites } from "./sites.ts";
import type { Frame, Self, Site, Value } from "./values.ts";

/** A call as written. */
export type CallExpr = Extract<Expr, { kind: "call" }>;

export type FunctionValue = Extract<Value, { kind: "function" }>;

/** What a call gives: by place, by name, and out of `*` and `**`, of which nobody knows the place. */
export interface Arguments {
  readonly list: readonly Value[];
  readonly keywords: ReadonlyMap<string, Value>;
  readonly spread: Value;
}

export const noArguments: Arguments = { list: [], keywords: new Map(), spread: { kind: "unknown" } };

export function allOf({ list, keywords, spread }: Arguments): readonly Value[] {
  return [...list, ...keywords.values(), spread];
}

export interface GivenToLayer {
  readonly holder: Site;
  readonly attribute: string;
  readonly value: Value;
  readonly at: number;
}

/** What statements, expressions and calls need of each other. */
export interface Machine {
  readonly classes: Classes;
  readonly sites: Sites;
  /** With Chainer: in how many blocks of init_scope we are. */
  readonly within: { depth: number };
  /** Counts steps; false once there were too many. */
  step(count?: number): boolean;
  evaluate(expr: Expr, frame: Frame): Value;
  run(statements: readonly Stmt[], frame: Frame): void;
  /** Runs a function of the file with what is known of its arguments; gives what it may return. */
  invoke(callee: FunctionValue, args: Arguments): Value;
  method(definition: FunctionDef, self: Self): FunctionValue;
  /** An object of a class of the file, after its constructor. */
  create(definition: ClassDef, args: Arguments): Self;
  /** What the layers of a class of the file learn, all together. */
  learns(definition: ClassDef): readonly LayerType[];
  /** Remembers what a constructor of the file is given. */
  gives(definition: ClassDef, args: Arguments): void;
  /** What code around a class gives to an attribute of a layer that it has made. */
  readonly givenToLayers: GivenToLayer[];
  /** Code that no reader of the text sees is run here. */
  hidden(at: number): void;
}
