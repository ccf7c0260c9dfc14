import type { ClassDef, Expr, FunctionDef, Param, Stmt } from "./ast.ts";
import type { Scope } from "./scope.ts";
import type { Sites } from "./sites.ts";
import type { Self, Value } from "./values.ts";
import type { LayerType } from "./vocabulary.ts";

/** A call as written. */
export type CallExpr = Extract<Expr, { kind: "call" }>;

/** Names and results of one run of a function. */
export interface Frame {
  readonly locals: Map<string, Value>;
  readonly self?: Self;
  readonly returns: Value[];
}

/** What statements, expressions and calls need of each other. */
export interface Machine {
  readonly scope: Scope;
  readonly sites: Sites;
  /** Counts one step; false once there were too many. */
  step(): boolean;
  evaluate(expr: Expr, frame: Frame): Value;
  run(statements: readonly Stmt[], frame: Frame): void;
  /** Runs a function of the file with what is known of its arguments; gives what it may return. */
  invoke(
    definition: FunctionDef | Expr,
    params: readonly Param[],
    args: readonly Value[],
    keywords: ReadonlyMap<string, Value>,
    self?: Self,
  ): Value;
  /** An object of a class of the file, after its constructor. */
  create(definition: ClassDef): Self;
  /** What the layers of a class of the file learn, all together. */
  learns(definition: ClassDef): readonly LayerType[];
}
