import { CheckpointError } from "../../../errors.ts";
import type { ClassDef, Expr, FunctionDef, Stmt, Unparsed } from "./ast.ts";
import { ExpressionParser } from "./parse-expressions.ts";
import { importStatement } from "./parse-imports.ts";
import { PythonSyntaxError, TokenReader } from "./token-reader.ts";
import { tokenize } from "./tokens.ts";

/** In characters; model code has some thousand lines. */
const longestSource = 2 << 20;

export interface Parsed {
  readonly statements: readonly Stmt[];
  readonly unparsed: readonly Unparsed[];
}

/** Parses Python 2 or 3 without running it; statements that are none are left out and listed. `base` is added to each offset. */
export function parsePython(text: string, base = 0): Parsed {
  if (text.length > longestSource) {
    throw new CheckpointError("unsupported", `a source file of ${text.length} characters; at most ${longestSource} are read`);
  }
  const parser = new StatementParser(new TokenReader(text, tokenize(text), base));
  return { statements: parser.file(), unparsed: parser.unparsed };
}

const augmenting = /^(?:[-+*/%@&|^]|\*\*|\/\/|>>|<<)=$/;

class StatementParser {
  readonly unparsed: Unparsed[] = [];
  readonly #tokens: TokenReader;
  readonly #expressions: ExpressionParser;

  constructor(tokens: TokenReader) {
    this.#tokens = tokens;
    this.#expressions = new ExpressionParser(tokens);
  }

  file(): readonly Stmt[] {
    const statements: Stmt[] = [];
    while (this.#tokens.peek().kind !== "end") {
      if (this.#tokens.peek().kind === "dedent") this.#tokens.take();
      else statements.push(...this.#recovering());
    }
    return statements;
  }

  /** A statement, or nothing where it is none: reading goes on behind its line and its block. */
  #recovering(): readonly Stmt[] {
    const tokens = this.#tokens;
    const at = tokens.start;
    const first = tokens.peek();
    try {
      return this.#statement();
    } catch (error) {
      if (!(error instanceof PythonSyntaxError)) throw error;
      tokens.skipStatement();
      if (tokens.peek() === first) tokens.take();
      this.unparsed.push({ at: error.at, to: Math.max(error.at, tokens.end), reason: error.message });
      // A clause that lost its beginning, or its end, belongs to what was left out.
      while (/^(?:else|elif|except|finally)$/.test(tokens.peek().text) && tokens.peek().kind === "name") {
        tokens.skipStatement();
        this.unparsed.push({ at, to: tokens.end, reason: error.message });
      }
      return [];
    }
  }

  /** Simple statements of one line, or one with blocks. */
  #statement(): readonly Stmt[] {
    const tokens = this.#tokens;
    const { kind, text } = tokens.peek();
    if (kind === "name" || text === "@") {
      const compound = this.#compound(text);
      if (compound !== undefined) return compound;
    }
    const statements: Stmt[] = [];
    do {
      if (tokens.peek().kind === "newline") break;
      statements.push(...this.#simple());
    } while (tokens.takeIf(";"));
    if (tokens.peek().kind !== "newline") tokens.fail("needed the end of the line");
    tokens.take();
    return statements;
  }

  #compound(word: string): readonly Stmt[] | undefined {
    const tokens = this.#tokens;
    const at = tokens.start;
    switch (word) {
      case "@":
      case "def":
      case "class":
        return [this.#definition()];
      case "async":
        tokens.take();
        return tokens.at("def")
          ? [this.#definition()]
          : (this.#compound(tokens.peek().text) ?? tokens.fail("needed 'def', 'for' or 'with'"));
      case "if":
      case "while":
        tokens.take();
        return [this.#clauses(at, [this.#expressions.item()], word === "if" ? "conditional" : "loop")];
      case "for":
        return [this.#forLoop()];
      case "with":
        return this.#with();
      case "try":
        tokens.take();
        return [this.#clauses(at, [], "conditional")];
      case "match":
        return tokens.heads("case") ? [this.#match()] : undefined;
      default:
        return undefined;
    }
  }

  #definition(): ClassDef | FunctionDef {
    const tokens = this.#tokens;
    const at = tokens.start;
    const decorators: Expr[] = [];
    while (tokens.takeIf("@")) {
      decorators.push(this.#expressions.item());
      if (tokens.take().kind !== "newline") tokens.fail("needed the end of the line");
    }
    tokens.takeIf("async");
    const isClass = tokens.at("class");
    if (!isClass && !tokens.at("def")) tokens.fail("needed 'def' or 'class'");
    const start = decorators.length === 0 ? at : tokens.start;
    tokens.take();
    const name = this.#expressions.name();
    if (tokens.at("[")) this.#tokens.skipBrackets();
    if (isClass) {
      const bases = tokens.at("(") ? this.#expressions.args().args : [];
      const body = this.#block();
      return { kind: "class", name, bases, body, at: start, to: tokens.end };
    }
    tokens.need("(");
    const params = tokens.deeper(() => this.#expressions.params(")", true));
    tokens.need(")");
    if (tokens.takeIf("->")) this.#expressions.list();
    const body = this.#block();
    return { kind: "function", name, params, body, decorators, at: start, to: tokens.end };
  }

  #block(): readonly Stmt[] {
    const tokens = this.#tokens;
    tokens.need(":");
    if (tokens.peek().kind !== "newline") return this.#statement();
    tokens.take();
    if (tokens.peek().kind !== "indent") tokens.fail("needed an indented block");
    tokens.take();
    return tokens.deeper(() => {
      const statements: Stmt[] = [];
      while (tokens.peek().kind !== "dedent" && tokens.peek().kind !== "end") statements.push(...this.#recovering());
      tokens.take();
      return statements;
    });
  }

  /** The blocks of if, while and try, whatever follows them. */
  #clauses(at: number, heads: readonly Expr[], how: "conditional" | "loop"): Stmt {
    const tokens = this.#tokens;
    const all = [...heads];
    const bodies = [this.#block()];
    for (;;) {
      if (tokens.takeIf("elif")) {
        all.push(this.#expressions.item());
      } else if (tokens.takeIf("except")) {
        tokens.takeIf("*");
        if (!tokens.at(":")) all.push(this.#expressions.list());
        if (tokens.takeIf("as")) this.#expressions.name();
      } else if (!tokens.takeIf("else") && !tokens.takeIf("finally")) {
        return { kind: "blocks", heads: all, bodies, how, at };
      }
      bodies.push(this.#block());
    }
  }

  #forLoop(): Stmt {
    const tokens = this.#tokens;
    const at = tokens.start;
    tokens.take();
    const target = this.#expressions.targets();
    tokens.need("in");
    const loop = { target, iterable: this.#expressions.list(), conditions: [] };
    const body = this.#block();
    return { kind: "for", loop, body: tokens.takeIf("else") ? [...body, ...this.#block()] : body, at };
  }

  /** with a as b, c: and with (a as b, c): */
  #with(): readonly Stmt[] {
    const tokens = this.#tokens;
    const at = tokens.start;
    tokens.take();
    const heads: Expr[] = [];
    const bound: Stmt[] = [];
    const bracket = tokens.at("(") && tokens.bracketsAliases();
    if (bracket) tokens.take();
    do {
      if (bracket && tokens.at(")")) break;
      const value = this.#expressions.item();
      heads.push(value);
      if (tokens.takeIf("as")) bound.push({ kind: "assign", targets: [this.#expressions.item()], value, at: value.at });
    } while (tokens.takeIf(","));
    if (bracket) tokens.need(")");
    return [...bound, { kind: "blocks", heads, bodies: [this.#block()], how: "with", at }];
  }

  /** match: what patterns bind is not followed. */
  #match(): Stmt {
    const tokens = this.#tokens;
    const at = tokens.start;
    tokens.take();
    const heads = [this.#expressions.list()];
    tokens.need(":");
    tokens.take();
    tokens.take();
    const bodies: (readonly Stmt[])[] = [];
    while (tokens.peek().kind !== "dedent" && tokens.peek().kind !== "end") {
      tokens.need("case");
      let depth = 0;
      while (depth > 0 || !tokens.at(":")) {
        const { kind, text } = tokens.take();
        if (kind === "newline" || kind === "end") tokens.fail("needed ':'");
        if (kind === "sign" && "([{".includes(text)) depth++;
        if (kind === "sign" && ")]}".includes(text)) depth--;
      }
      bodies.push(this.#block());
    }
    tokens.take();
    return { kind: "blocks", heads, bodies, how: "conditional", at };
  }

  #simple(): readonly Stmt[] {
    const tokens = this.#tokens;
    const at = tokens.start;
    const { kind, text } = tokens.peek();
    const next = tokens.peek(1);
    const word = kind === "name" ? text : "";
    if (/^(?:pass|break|continue)$/.test(word)) {
      tokens.take();
      return [];
    }
    if (word === "return") {
      tokens.take();
      const value = tokens.peek().kind === "newline" || tokens.at(";") ? undefined : this.#expressions.list();
      return [{ kind: "return", at, ...(value && { value }) }];
    }
    if (word === "import" || word === "from") return [importStatement(this.#tokens, () => this.#expressions.name())];
    if (word === "del") {
      tokens.take();
      const value = this.#expressions.list();
      return (value.kind === "display" ? value.items : [value]).map((item) => ({ kind: "delete", value: item, at }));
    }
    if (/^(?:global|nonlocal|assert|raise)$/.test(word)) return this.#rest();
    const plainWord =
      next.kind === "string" || next.kind === "number" || (next.kind === "name" && !/^(?:if|in|is|and|or|not|else|for)$/.test(next.text));
    if (word === "print" && (plainWord || next.text === ">>" || next.text === "`" || next.text === "not")) return this.#rest(">>");
    if (word === "exec" && (plainWord || (next.text === "(" && next.kind === "sign"))) {
      this.#rest();
      return [{ kind: "exec", at }];
    }
    // type X[T] = …, of Python 3.12
    if (word === "type" && next.kind === "name" && plainWord) {
      tokens.take();
      this.#expressions.name();
      if (tokens.at("[")) this.#tokens.skipBrackets();
    }
    return this.#assignment(at);
  }

  /** A word, and expressions with commas or other words between. */
  #rest(sign?: string): readonly Stmt[] {
    const tokens = this.#tokens;
    const at = tokens.take().at;
    if (sign !== undefined) tokens.takeIf(sign);
    if (tokens.peek().kind === "newline" || tokens.at(";")) return [];
    const value = this.#expressions.list();
    if (tokens.takeIf("from")) this.#expressions.expression();
    return [{ kind: "expression", value, at }];
  }

  /** An expression; `a = b = value`, `a: type = value`, `a += value`. */
  #assignment(at: number): readonly Stmt[] {
    const tokens = this.#tokens;
    const first = this.#expressions.list();
    if (tokens.peek().kind === "sign" && augmenting.test(tokens.peek().text)) {
      tokens.take();
      return [{ kind: "augment", target: first, value: this.#expressions.list(), at }];
    }
    if (tokens.takeIf(":")) {
      this.#expressions.expression();
      return tokens.takeIf("=") ? [{ kind: "assign", targets: [first], value: this.#expressions.list(), at }] : [];
    }
    const sides = [first];
    while (tokens.takeIf("=")) sides.push(this.#expressions.list());
    const value = sides.at(-1);
    if (value === undefined || sides.length === 1) return [{ kind: "expression", value: first, at }];
    return [{ kind: "assign", targets: sides.slice(0, -1), value, at }];
  }
}
