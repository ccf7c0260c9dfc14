import { CheckpointError } from "../../errors.ts";

/** What a Python literal can hold here. Tuples and lists are both arrays. */
export type Literal = null | boolean | bigint | string | readonly Literal[] | ReadonlyMap<string, Literal>;

/** A NumPy header nests at most some levels (structured types); more is an attack on the stack. */
const maxDepth = 32;

/**
 * Parses the literals that `repr` writes for dicts with string keys, tuples, lists, strings, integers (also Python 2's
 * `3L`), True, False and None. Nothing is evaluated; everything else throws `malformed`.
 */
export function parseLiteral(text: string, file: string): Literal {
  const parser = new Parser(text, file);
  const value = parser.value(0);
  parser.end();
  return value;
}

class Parser {
  readonly #text: string;
  readonly #file: string;
  #at = 0;

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  end(): void {
    this.#space();
    if (this.#at < this.#text.length) this.#fail();
  }

  value(depth: number): Literal {
    if (depth > maxDepth) throw new CheckpointError("unsafe", `literal nested deeper than ${maxDepth}`, { file: this.#file });
    this.#space();
    const next = this.#text[this.#at];
    if (next === "{") return this.#dict(depth);
    if (next === "(") return this.#sequence(")", depth);
    if (next === "[") return this.#sequence("]", depth);
    const word = this.#match(/True\b|False\b|None\b/y);
    if (word !== undefined) return word === "None" ? null : word === "True";
    const number = this.#match(/-?\d{1,40}L?(?![\w.])/y);
    if (number !== undefined) return BigInt(number.replace("L", ""));
    return this.#string();
  }

  #dict(depth: number): ReadonlyMap<string, Literal> {
    const map = new Map<string, Literal>();
    this.#at++;
    while (!this.#take("}")) {
      const key = this.#string();
      if (map.has(key)) throw new CheckpointError("malformed", `key ${key} occurs twice in the literal`, { file: this.#file });
      if (!this.#take(":")) this.#fail();
      map.set(key, this.value(depth + 1));
      if (!this.#take(",") && !this.#ahead("}")) this.#fail();
    }
    return map;
  }

  /** `(3)` is 3 in Python; a lone value in parentheses without a comma is therefore returned bare. */
  #sequence(close: string, depth: number): Literal {
    const items: Literal[] = [];
    let commas = 0;
    this.#at++;
    while (!this.#take(close)) {
      items.push(this.value(depth + 1));
      if (this.#take(",")) commas++;
      else if (!this.#ahead(close)) this.#fail();
    }
    const [first] = items;
    return close === ")" && commas === 0 && first !== undefined ? first : items;
  }

  #string(): string {
    this.#space();
    const quoted = this.#match(/[ub]?(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")/y);
    if (quoted === undefined) this.#fail();
    const body = quoted.slice(quoted.search(/['"]/) + 1, -1);
    return body.replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)/g, (_, code: string) => {
      if (code.length > 1) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
      return code === "n" ? "\n" : code === "t" ? "\t" : code === "r" ? "\r" : code;
    });
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #ahead(mark: string): boolean {
    this.#space();
    return this.#text.startsWith(mark, this.#at);
  }

  #take(mark: string): boolean {
    if (!this.#ahead(mark)) return false;
    this.#at += mark.length;
    return true;
  }

  #space(): void {
    this.#match(/\s+/y);
  }

  #fail(): never {
    const found = this.#text.slice(this.#at, this.#at + 20);
    throw new CheckpointError("malformed", `expected a plain Python literal, found ${found === "" ? "its end" : JSON.stringify(found)}`, {
      file: this.#file,
    });
  }
}
