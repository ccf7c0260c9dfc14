import type { DisplayKind, Expr, Loop } from "./ast.ts";
import type { TokenReader } from "./token-reader.ts";

/** What displays and comprehensions need of the parser of expressions. */
export interface Parser {
  readonly tokens: TokenReader;
  item(): Expr;
  expression(): Expr;
  /** An expression without `if` and `lambda`. */
  either(): Expr;
  /** What a loop gives its values to. */
  targets(): Expr;
}

/** Strings one behind the other are one. */
export function strings(tokens: TokenReader): Expr {
  const at = tokens.start;
  let value: string | undefined = "";
  while (tokens.peek().kind === "string") {
    const [, prefix = "", quotes = ""] = /^([a-zA-Z]*)("""|'''|"|')/.exec(tokens.peek().text) ?? [];
    const inner = tokens.take().text.slice(prefix.length + quotes.length, -quotes.length);
    const filled = /[fFtT]/.test(prefix) && /[{}]/.test(inner);
    value = value === undefined || filled ? undefined : value + inner;
  }
  return { kind: "string", at, ...(value !== undefined && { value }) };
}

/** (…) and […]: an expression in brackets, a tuple, a list, a comprehension. */
export function enclosed(parser: Parser, close: ")" | "]", container: DisplayKind): Expr {
  const { tokens } = parser;
  const at = tokens.start;
  tokens.take();
  return tokens.deeper(() => {
    if (tokens.takeIf(close)) return { kind: "display", container, items: [], at };
    const items = [parser.item()];
    const [first] = items;
    if (first !== undefined && comprehends(tokens)) {
      const value = comprehension(parser, container, first, at);
      tokens.need(close);
      return value;
    }
    const commas = tokens.at(",");
    while (tokens.takeIf(",") && !tokens.at(close)) items.push(parser.item());
    tokens.need(close);
    return first !== undefined && container === "tuple" && !commas ? first : { kind: "display", container, items, at };
  });
}

/** {…}: a set, a dictionary, a comprehension. */
export function braces(parser: Parser): Expr {
  const { tokens } = parser;
  const at = tokens.start;
  tokens.take();
  return tokens.deeper(() => {
    const items: Expr[] = [];
    const keys: (string | undefined)[] = [];
    let container: DisplayKind = tokens.at("}") || tokens.at("**") ? "dict" : "set";
    while (!tokens.at("}")) {
      const key = parser.item();
      const pair = tokens.takeIf(":");
      if (pair) container = "dict";
      const value = pair ? parser.expression() : key;
      if (comprehends(tokens)) {
        const made = comprehension(parser, container, value, at);
        tokens.need("}");
        return made;
      }
      items.push(value);
      keys.push(pair && key.kind === "string" ? key.value : undefined);
      if (!tokens.takeIf(",")) break;
    }
    tokens.need("}");
    return { kind: "display", container, items, keys, at };
  });
}

export function comprehends(tokens: TokenReader): boolean {
  return tokens.at("for") || (tokens.at("async") && tokens.peek(1).text === "for");
}

export function comprehension(parser: Parser, container: DisplayKind, item: Expr, at: number): Expr {
  const { tokens } = parser;
  const loops: Loop[] = [];
  while (comprehends(tokens)) {
    tokens.takeIf("async");
    tokens.need("for");
    const target = parser.targets();
    tokens.need("in");
    const items = [parser.either()];
    const [first] = items;
    // Python 2: [x for x in 1, 2, 3]
    while (container === "list" && tokens.takeIf(",")) items.push(parser.either());
    const conditions: Expr[] = [];
    while (tokens.takeIf("if")) conditions.push(parser.either());
    const iterable: Expr = items.length === 1 && first !== undefined ? first : { kind: "display", container: "tuple", items, at };
    loops.push({ target, iterable, conditions });
  }
  return { kind: "comprehension", container, item, loops, at };
}
