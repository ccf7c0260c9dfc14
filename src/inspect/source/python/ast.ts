/** Python as far as the check needs it. `at`: offset in the code of the file, all cells of a notebook together. */
export type Expr =
  | { readonly kind: "name"; readonly name: string; readonly at: number }
  | { readonly kind: "attribute"; readonly object: Expr; readonly name: string; readonly at: number }
  | { readonly kind: "subscript"; readonly object: Expr; readonly index: Expr; readonly at: number }
  | {
      readonly kind: "call";
      readonly callee: Expr;
      readonly args: readonly Expr[];
      readonly keywords: ReadonlyMap<string, Expr>;
      /** The callee as written. */
      readonly text: string;
      readonly at: number;
    }
  /** Of a dictionary: its values, and of `**other` what is in it. */
  | {
      readonly kind: "display";
      readonly container: DisplayKind;
      readonly items: readonly Expr[];
      /** Keys that are strings, beside their values. */
      readonly keys?: readonly (string | undefined)[];
      readonly at: number;
    }
  | {
      readonly kind: "comprehension";
      readonly container: DisplayKind;
      readonly item: Expr;
      readonly loops: readonly Loop[];
      readonly at: number;
    }
  /** One of these: conditional expressions, `a or b`. */
  | { readonly kind: "either"; readonly options: readonly Expr[]; readonly at: number }
  /** Sums, products and the like, flat: which of them come first makes no difference here. */
  | { readonly kind: "arithmetic"; readonly operands: readonly Expr[]; readonly at: number }
  | { readonly kind: "lambda"; readonly params: readonly Param[]; readonly body: Expr; readonly at: number }
  /** `value` where the string is written out, without fields that are filled in. */
  | { readonly kind: "string"; readonly value?: string; readonly at: number }
  /** `*value` and `**value`. */
  | { readonly kind: "star"; readonly value: Expr; readonly at: number }
  /** `name := value` */
  | { readonly kind: "named"; readonly target: Expr; readonly value: Expr; readonly at: number }
  /** Awaited or yielded. */
  | { readonly kind: "passed"; readonly value?: Expr; readonly yields: boolean; readonly at: number }
  /** Of no value that matters: comparisons, numbers. */
  /** `slices`: an index with a colon in it. */
  | { readonly kind: "other"; readonly parts: readonly Expr[]; readonly slices?: boolean; readonly at: number };

export type DisplayKind = "list" | "tuple" | "dict" | "set";

export interface Loop {
  readonly target: Expr;
  readonly iterable: Expr;
  readonly conditions: readonly Expr[];
}

export interface Param {
  readonly name: string;
  readonly fallback?: Expr;
  /** `*args` gathers a tuple, `**kwargs` a dictionary. */
  readonly star?: "*" | "**";
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
      readonly how: "conditional" | "loop" | "with";
      readonly at: number;
    }
  | { readonly kind: "delete"; readonly value: Expr; readonly at: number }
  | { readonly kind: "return"; readonly value?: Expr; readonly at: number }
  /** `exec code`, which makes what no reader of the text sees. */
  | { readonly kind: "exec"; readonly at: number }
  | FunctionDef
  | ClassDef
  | { readonly kind: "import"; readonly names: readonly ImportedName[]; readonly at: number };

export interface FunctionDef {
  readonly kind: "function";
  readonly name: string;
  readonly params: readonly Param[];
  readonly body: readonly Stmt[];
  readonly decorators: readonly Expr[];
  readonly at: number;
  readonly to: number;
}

export interface ClassDef {
  readonly kind: "class";
  readonly name: string;
  readonly bases: readonly Expr[];
  readonly body: readonly Stmt[];
  readonly at: number;
  readonly to: number;
}

/** `local` means `path`; `*` every name of the module. */
export interface ImportedName {
  readonly local: string;
  readonly path: string;
}

/** A stretch of the text that is no Python, and what is wrong with it. */
export interface Unparsed {
  readonly at: number;
  readonly to: number;
  readonly reason: string;
}
