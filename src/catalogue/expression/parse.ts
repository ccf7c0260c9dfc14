import { nearest } from "../../text/nearest.ts";
import type { TableColumn } from "../schema.ts";
import { type WhereToken, whereTokens, wrong } from "./tokens.ts";

export type WhereValue = string | number | boolean;
export type Comparison = "=" | "!=" | "<" | "<=" | ">" | ">=";

/** What is asked of a row. */
export type WhereExpression =
  | { readonly kind: "and" | "or"; readonly left: WhereExpression; readonly right: WhereExpression }
  | { readonly kind: "not"; readonly of: WhereExpression }
  | { readonly kind: "compare"; readonly column: string; readonly with: Comparison; readonly value: WhereValue }
  | { readonly kind: "in"; readonly column: string; readonly values: readonly WhereValue[] }
  | { readonly kind: "like"; readonly column: string; readonly pattern: string }
  | { readonly kind: "null"; readonly column: string };

/** Brackets and `not` inside each other. */
const deepest = 100;

/**
 * or < and < not < comparison, as in SQL. Throws `usage` for what is no expression, a column that there is not (the nearest is named), and a column
 * that is compared with a value of another type.
 */
export function parseWhere(text: string, columns: readonly TableColumn[]): WhereExpression {
  return new Parser(text, columns).whole();
}

class Parser {
  readonly #text: string;
  readonly #columns: readonly TableColumn[];
  readonly #tokens: readonly WhereToken[];
  #next = 0;
  #depth = 0;

  constructor(text: string, columns: readonly TableColumn[]) {
    this.#text = text;
    this.#columns = columns;
    this.#tokens = whereTokens(text);
  }

  whole(): WhereExpression {
    const expression = this.#or();
    const rest = this.#peek();
    if (rest.kind !== "end") throw this.#wrong(rest, "and, or, or the end was needed here");
    return expression;
  }

  #or(): WhereExpression {
    let left = this.#and();
    while (this.#takes("or")) left = { kind: "or", left, right: this.#and() };
    return left;
  }

  #and(): WhereExpression {
    let left = this.#not();
    while (this.#takes("and")) left = { kind: "and", left, right: this.#not() };
    return left;
  }

  #not(): WhereExpression {
    this.#depth += 1;
    if (this.#depth > deepest) throw this.#wrong(this.#peek(), `more than ${deepest} brackets are inside each other`);
    const expression = this.#takes("not") ? { kind: "not" as const, of: this.#not() } : this.#inner();
    this.#depth -= 1;
    return expression;
  }

  #inner(): WhereExpression {
    if (!this.#sign("(")) return this.#condition();
    const inside = this.#or();
    if (!this.#sign(")")) throw this.#wrong(this.#peek(), "a bracket is not closed");
    return inside;
  }

  #condition(): WhereExpression {
    const token = this.#peek();
    const column = this.#column();
    if (this.#takes("is")) {
      const not = this.#takes("not");
      if (!this.#takes("null")) throw this.#wrong(this.#peek(), "null was needed behind is");
      return negated(not, { kind: "null", column: column.name });
    }
    if (column.kind === "int64s" || column.kind === "findings") {
      throw this.#wrong(
        token,
        `${column.name} is a list, of which only "is null" can be asked`,
        "DuckDB and pandas take lists apart: see docs/catalogue.md",
      );
    }
    const not = this.#takes("not");
    if (this.#takes("in")) return negated(not, { kind: "in", column: column.name, values: this.#list(column) });
    if (this.#takes("like")) return negated(not, { kind: "like", column: column.name, pattern: this.#pattern(column) });
    if (not) throw this.#wrong(this.#peek(), "in or like was needed behind not");
    return this.#comparison(column);
  }

  #comparison(column: TableColumn): WhereExpression {
    const token = this.#take();
    const comparison = token.kind === "sign" ? comparisons.get(token.text) : undefined;
    if (comparison === undefined)
      throw this.#wrong(token, `a comparison (= != < <= > >=), in, like or is was needed behind ${column.name}`);
    if (column.kind === "bool" && comparison !== "=" && comparison !== "!=") {
      throw this.#wrong(token, `${column.name} is true or false, and has no order`);
    }
    return { kind: "compare", column: column.name, with: comparison, value: this.#literal(column) };
  }

  #column(): TableColumn {
    const token = this.#take();
    if (token.kind !== "word") throw this.#wrong(token, "the name of a column was needed here");
    const asked = token.text.toLowerCase();
    const column = this.#columns.find(({ name }) => name.toLowerCase() === asked);
    if (column !== undefined) return column;
    const names = this.#columns.map(({ name }) => name);
    const near = nearest(asked, names);
    const hint = near === undefined ? `the columns are ${names.join(", ")}` : `did you mean ${near}? The columns are ${names.join(", ")}`;
    throw this.#wrong(token, `there is no column ${token.text.slice(0, 80)}`, hint);
  }

  #list(column: TableColumn): readonly WhereValue[] {
    if (!this.#sign("(")) throw this.#wrong(this.#peek(), "a list in brackets was needed behind in");
    const values = [this.#literal(column)];
    while (this.#sign(",")) values.push(this.#literal(column));
    if (!this.#sign(")")) throw this.#wrong(this.#peek(), "a comma or the closing bracket of the list was needed here");
    return values;
  }

  #pattern(column: TableColumn): string {
    const token = this.#peek();
    if (column.kind !== "text") throw this.#wrong(token, `like is for texts, and ${column.name} has none`);
    const value = this.#literal(column);
    return String(value);
  }

  #literal({ name, kind }: TableColumn): WhereValue {
    const token = this.#take();
    const word = token.kind === "word" ? token.text.toLowerCase() : "";
    if (kind === "bool" && (word === "true" || word === "false")) return word === "true";
    if (kind === "text" && token.kind === "text") return token.text;
    if (kind !== "bool" && kind !== "text" && token.kind === "number") return Number(token.text);
    if (word === "null") throw this.#wrong(token, "nothing is equal to null", `write: ${name} is null`);
    const needed = kind === "bool" ? "true or false" : kind === "text" ? "a text in single quotes" : "a number";
    throw this.#wrong(token, `${needed} was needed here, as ${name} is compared with it`);
  }

  #peek(): WhereToken {
    return this.#tokens[this.#next] ?? { kind: "end", text: "", at: this.#text.length };
  }

  #take(): WhereToken {
    const token = this.#peek();
    this.#next += 1;
    return token;
  }

  #takes(word: string): boolean {
    const { kind, text, at } = this.#peek();
    const found = kind === "word" && text.toLowerCase() === word && this.#text[at] !== '"';
    if (found) this.#next += 1;
    return found;
  }

  #sign(sign: string): boolean {
    const { kind, text } = this.#peek();
    const found = kind === "sign" && text === sign;
    if (found) this.#next += 1;
    return found;
  }

  #wrong(token: WhereToken, message: string, hint?: string): Error {
    return wrong(this.#text, token.at, message, hint);
  }
}

const comparisons: ReadonlyMap<string, Comparison> = new Map([
  ["=", "="],
  ["!=", "!="],
  ["<>", "!="],
  ["<", "<"],
  ["<=", "<="],
  [">", ">"],
  [">=", ">="],
]);

function negated(not: boolean, of: WhereExpression): WhereExpression {
  return not ? { kind: "not", of } : of;
}
