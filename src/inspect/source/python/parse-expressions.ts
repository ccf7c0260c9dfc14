import type { Expr, Param } from "./ast.ts";
import { braces, comprehends, comprehension, enclosed, type Parser, strings } from "./parse-displays.ts";
import type { TokenReader } from "./token-reader.ts";

/** Words that no name can be. */
const keywords = new Set(
  "and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield".split(
    " ",
  ),
);
const arithmetic = new Set(["+", "-", "*", "/", "//", "%", "@", "&", "|", "^", "<<", ">>", "**"]);
const comparisons = new Set(["<", ">", "==", ">=", "<=", "!=", "<>", "in", "is", "not"]);
/** `a.b.c()[0]…`, longer than anybody writes it. */
const longestChain = 400;

/** Expressions of Python 2 and 3. */
export class ExpressionParser implements Parser {
  readonly tokens: TokenReader;

  constructor(tokens: TokenReader) {
    this.tokens = tokens;
  }

  /** Expressions with commas between; one alone is itself, more are a tuple. */
  list(): Expr {
    const at = this.tokens.start;
    const first = this.item();
    if (!this.tokens.at(",")) return first;
    const items = [first];
    while (this.tokens.takeIf(",") && this.#begins()) items.push(this.item());
    return { kind: "display", container: "tuple", items, at };
  }

  /** An expression, `*expression` or `name := expression`. */
  item(): Expr {
    const { tokens } = this;
    const at = tokens.start;
    if (tokens.at("*") || tokens.at("**")) {
      tokens.take();
      return { kind: "star", value: this.expression(), at };
    }
    const value = this.expression();
    if (!tokens.takeIf(":=")) return value;
    return { kind: "named", target: value, value: this.expression(), at };
  }

  expression(): Expr {
    return this.tokens.deeper(() => this.#expression());
  }

  #expression(): Expr {
    const { tokens } = this;
    const at = tokens.start;
    if (tokens.at("lambda")) return this.#lambda();
    if (tokens.at("yield")) return this.#yielded();
    const value = this.either();
    if (!tokens.takeIf("if")) return value;
    this.either();
    tokens.need("else");
    return { kind: "either", options: [value, this.expression()], at };
  }

  #yielded(): Expr {
    const { tokens } = this;
    const at = tokens.take().at;
    tokens.takeIf("from");
    const value = this.#begins() ? this.list() : undefined;
    return { kind: "passed", yields: true, at, ...(value && { value }) };
  }

  #lambda(): Expr {
    const { tokens } = this;
    const at = tokens.start;
    tokens.take();
    const params = this.params(":", false);
    tokens.need(":");
    return { kind: "lambda", params, body: this.expression(), at };
  }

  /** `a or b and c`: one of them is the value. */
  either(): Expr {
    const at = this.tokens.start;
    const options = [this.#not()];
    while (this.tokens.at("or") || this.tokens.at("and")) {
      this.tokens.take();
      options.push(this.#not());
    }
    const [only] = options;
    return options.length === 1 && only !== undefined ? only : { kind: "either", options, at };
  }

  #not(): Expr {
    const { tokens } = this;
    const at = tokens.start;
    let negated = false;
    while (tokens.takeIf("not")) negated = true;
    const parts = [this.#arithmetic()];
    while (tokens.peek().kind !== "string" && comparisons.has(tokens.peek().text)) {
      if (tokens.take().text === "not" && !tokens.at("in")) tokens.fail("needed 'in'");
      tokens.takeIf("in");
      tokens.takeIf("not");
      parts.push(this.#arithmetic());
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined && !negated ? only : { kind: "other", parts, at };
  }

  #arithmetic(): Expr {
    const { tokens } = this;
    const at = tokens.start;
    const operands = [this.#unary()];
    while (tokens.peek().kind === "sign" && arithmetic.has(tokens.peek().text)) {
      tokens.take();
      operands.push(this.#unary());
    }
    const [only] = operands;
    return operands.length === 1 && only !== undefined ? only : { kind: "arithmetic", operands, at };
  }

  #unary(): Expr {
    const { tokens } = this;
    const at = tokens.start;
    let signed = false;
    while (tokens.at("-") || tokens.at("+") || tokens.at("~")) {
      signed = true;
      tokens.take();
    }
    const awaited = tokens.takeIf("await");
    const value = this.#chain();
    if (signed) return { kind: "other", parts: [value], at };
    return awaited ? { kind: "passed", value, yields: false, at } : value;
  }

  #chain(): Expr {
    const { tokens } = this;
    const at = tokens.start;
    let value = this.#atom();
    for (let length = 0; ; length++) {
      if (length > longestChain) tokens.fail(`a chain of at most ${longestChain} dots, calls and indices is read`);
      if (tokens.takeIf(".")) {
        value = { kind: "attribute", object: value, name: this.name(), at };
      } else if (tokens.at("(")) {
        const text = tokens.written(at, tokens.end).slice(0, 80);
        value = { kind: "call", callee: value, ...this.args(), text, at };
      } else if (tokens.takeIf("[")) {
        const index = tokens.deeper(() => this.#index());
        tokens.need("]");
        value = { kind: "subscript", object: value, index, at };
      } else {
        return value;
      }
    }
  }

  /** `a`, `a:b:c`, and several of them. */
  #index(): Expr {
    const { tokens } = this;
    const at = tokens.start;
    const parts: Expr[] = [];
    let slices = false;
    while (!tokens.at("]")) {
      if (tokens.takeIf(":")) slices = true;
      else if (!tokens.takeIf(",")) parts.push(this.item());
      if (tokens.peek().kind === "end") tokens.fail("needed ']'");
    }
    const [only] = parts;
    if (slices) return { kind: "other", parts, slices, at };
    return parts.length === 1 && only !== undefined ? only : { kind: "other", parts, at };
  }

  /** What is between the brackets of a call, or behind the name of a class. */
  args(): { readonly args: readonly Expr[]; readonly keywords: ReadonlyMap<string, Expr> } {
    const { tokens } = this;
    tokens.need("(");
    return tokens.deeper(() => {
      const args: Expr[] = [];
      const named = new Map<string, Expr>();
      while (!tokens.at(")")) {
        if (tokens.peek().kind === "name" && tokens.peek(1).text === "=" && tokens.peek(1).kind === "sign") {
          const name = this.name();
          tokens.take();
          named.set(name, this.expression());
        } else {
          const at = tokens.start;
          const item = this.item();
          args.push(comprehends(tokens) ? comprehension(this, "tuple", item, at) : item);
        }
        if (!tokens.takeIf(",")) break;
      }
      tokens.need(")");
      return { args, keywords: named };
    });
  }

  #atom(): Expr {
    const { tokens } = this;
    const { kind, text } = tokens.peek();
    const at = tokens.start;
    if (kind === "string") return strings(this.tokens);
    if (kind === "number" || text === "...") {
      tokens.take();
      return { kind: "other", parts: [], at };
    }
    if (kind === "name" && !keywords.has(text)) return { kind: "name", name: tokens.take().text, at };
    if (kind === "sign" && text === "(") return enclosed(this, ")", "tuple");
    if (kind === "sign" && text === "[") return enclosed(this, "]", "list");
    if (kind === "sign" && text === "{") return braces(this);
    if (kind === "sign" && text === "`") {
      tokens.take();
      const value = this.list();
      tokens.need("`");
      return { kind: "other", parts: [value], at };
    }
    return tokens.fail("needed an expression");
  }

  /** What a loop gives its values to: up to the word `in`, which is no comparison here. */
  targets(): Expr {
    const { tokens } = this;
    const at = tokens.start;
    const items: Expr[] = [];
    let comma = false;
    do {
      const star = tokens.takeIf("*");
      const value = this.#chain();
      items.push(star ? { kind: "star", value, at } : value);
      comma = tokens.takeIf(",") || comma;
    } while (comma && !tokens.at("in"));
    const [only] = items;
    return items.length === 1 && only !== undefined && !comma ? only : { kind: "display", container: "tuple", items, at };
  }

  /** Parameters up to `close`. */
  params(close: ")" | ":", typed: boolean): readonly Param[] {
    const { tokens } = this;
    const params: Param[] = [];
    while (!tokens.at(close)) {
      const star = tokens.at("*") ? "*" : tokens.at("**") ? "**" : undefined;
      if (star !== undefined) tokens.take();
      if (tokens.at("(")) {
        // Python 2 takes tuples apart here.
        enclosed(this, ")", "tuple");
        params.push({ name: "" });
      } else if (!tokens.takeIf("/") && !(star === "*" && tokens.at(","))) {
        const name = this.name();
        if (typed && tokens.takeIf(":")) this.item();
        const fallback = tokens.takeIf("=") ? this.expression() : undefined;
        params.push({ name, ...(star && { star }), ...(fallback && { fallback }) });
      }
      if (!tokens.takeIf(",")) break;
    }
    return params;
  }

  name(): string {
    const { kind, text } = this.tokens.peek();
    // `print` and `exec` were words of their own in Python 2 only.
    if (kind !== "name" || (keywords.has(text) && text !== "None")) return this.tokens.fail("needed a name");
    return this.tokens.take().text;
  }

  /** Whether an expression can begin here. */
  #begins(): boolean {
    const { kind, text } = this.tokens.peek();
    if (kind === "name") return !keywords.has(text) || ["lambda", "not", "await", "yield"].includes(text);
    return kind === "string" || kind === "number" || (kind === "sign" && /^(?:[([{`~*+-]|\*\*|\.\.\.)$/.test(text));
  }
}
