/** Python as far as the check needs it. `at`: offset in the text. */
export type Expr =
  | { readonly kind: "name"; readonly name: string; readonly at: number }
  | { readonly kind: "attribute"; readonly object: Expr; readonly name: string; readonly at: number }
  | { readonly kind: "subscript"; readonly object: Expr; readonly at: number }
  | {
      readonly kind: "call";
      readonly callee: Expr;
      readonly args: readonly Expr[];
      readonly keywords: ReadonlyMap<string, Expr>;
      readonly text: string;
      readonly at: number;
    }
  | { readonly kind: "display"; readonly container: Container; readonly items: readonly Expr[]; readonly at: number }
  | {
      readonly kind: "comprehension";
      readonly container: Container;
      readonly items: readonly Expr[];
      readonly loops: readonly Loop[];
      readonly at: number;
    }
  /** One of these: conditional expressions, `a or b`. */
  | { readonly kind: "either"; readonly options: readonly Expr[]; readonly at: number }
  | { readonly kind: "binary"; readonly operator: string; readonly left: Expr; readonly right: Expr; readonly at: number }
  | { readonly kind: "lambda"; readonly params: readonly Param[]; readonly body: Expr; readonly at: number }
  | { readonly kind: "string"; readonly value: string; readonly at: number }
  | { readonly kind: "other"; readonly parts: readonly Expr[]; readonly at: number };

export type Container = "list" | "tuple" | "dict" | "set";

export interface Loop {
  readonly target: Expr;
  readonly iterable: Expr;
}

export interface Param {
  readonly name: string;
  readonly fallback?: Expr;
  readonly star: boolean;
}

export type Stmt =
  | { readonly kind: "assign"; readonly targets: readonly Expr[]; readonly value: Expr; readonly at: number }
  | { readonly kind: "augment"; readonly target: Expr; readonly value: Expr; readonly at: number }
  | { readonly kind: "expression"; readonly value: Expr; readonly at: number }
  | { readonly kind: "for"; readonly loop: Loop; readonly body: readonly Stmt[]; readonly at: number }
  /** if, while, try, with, match, of whose bodies each may run. */
  | {
      readonly kind: "blocks";
      readonly heads: readonly Expr[];
      readonly bodies: readonly (readonly Stmt[])[];
      readonly conditional: boolean;
      readonly at: number;
    }
  | { readonly kind: "return"; readonly value?: Expr; readonly at: number }
  | FunctionDef
  | ClassDef
  | { readonly kind: "import"; readonly names: readonly ImportedName[]; readonly at: number };

export interface FunctionDef {
  readonly kind: "function";
  readonly name: string;
  readonly params: readonly Param[];
  readonly body: readonly Stmt[];
  readonly decorators: readonly string[];
  readonly at: number;
}

export interface ClassDef {
  readonly kind: "class";
  readonly name: string;
  readonly bases: readonly Expr[];
  readonly body: readonly Stmt[];
  readonly at: number;
}

/** `local` stands for `path`; `*` for every name of the module. */
export interface ImportedName {
  readonly local: string;
  readonly path: string;
}
