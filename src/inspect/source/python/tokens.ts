/** Kinds of tokens; `indent` and `dedent` are Python's brackets around the lines of a block. */
export type TokenKind = "name" | "number" | "string" | "sign" | "newline" | "indent" | "dedent" | "end" | "wrong";

export interface Token {
  readonly kind: TokenKind;
  /** As written; of a wrong token: what is wrong. */
  readonly text: string;
  /** Offsets in the text. */
  readonly at: number;
  readonly to: number;
}

/** A tab leads to the next multiple of eight columns, as in Python. */
const tabWidth = 8;
const closing: ReadonlyMap<string, string> = new Map([
  [")", "("],
  ["]", "["],
  ["}", "{"],
]);
/** Words that begin a statement and occur in no expression: a bracket that is open before them was forgotten. */
const statementWords = /(?:def|class|return|import|raise|while|with|try|except|finally|pass|break|continue|del|global|nonlocal|assert)\b/y;

const namePattern = /[\p{ID_Start}_][\p{ID_Continue}]*/uy;
/** Python 2 writes long integers as 10L and octal ones as 0777. */
const numberPattern = /(?:0[xXoObB][\da-fA-F_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d[\d_]*)?)[lLjJ]?/y;
const stringStart = /([rRbBuUfFtT]{0,2})("""|'''|"|')/y;
const signPattern = /\*\*=|\/\/=|>>=|<<=|\.\.\.|->|:=|<>|[-+*/%@&|^!=<>]=|\*\*|\/\/|>>|<<|[-+*/%@&|^~<>()[\]{},:.;=`]/y;
const blank = /[ \t\f]+/y;

/** Cuts Python into tokens. What no token can be made of is a `wrong` one, and reading goes on behind it. */
export function tokenize(text: string): readonly Token[] {
  return new Tokenizer(text).run();
}

class Tokenizer {
  readonly #text: string;
  readonly #tokens: Token[] = [];
  /** Columns of the blocks that are open. */
  readonly #columns = [0];
  readonly #brackets: Token[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  run(): readonly Token[] {
    while (this.#at < this.#text.length) this.#line();
    const open = this.#brackets.at(-1);
    if (open !== undefined) this.#add("wrong", open.at, open.to, `'${open.text}' is never closed`);
    if (this.#tokens.length > 0 && this.#tokens.at(-1)?.kind !== "newline") this.#add("newline", this.#at, this.#at);
    while (this.#columns.length > 1) {
      this.#columns.pop();
      this.#add("dedent", this.#at, this.#at);
    }
    this.#add("end", this.#at, this.#at);
    return this.#tokens;
  }

  /** One line of the text, from its start: indentation, then tokens up to its end. */
  #line(): void {
    const start = this.#at;
    const column = this.#indentation();
    const sign = this.#text[this.#at];
    if (sign === "#" || sign === "\n" || sign === "\r" || sign === undefined) {
      this.#skipLine();
      return;
    }
    if (this.#brackets.length > 0) this.#forgotten();
    if (this.#brackets.length === 0) this.#blocks(column, start);
    this.#restOfLine();
  }

  /** A bracket was left open, and here a statement begins. */
  #forgotten(): void {
    statementWords.lastIndex = this.#at;
    const [open] = this.#brackets;
    if (open === undefined || !statementWords.test(this.#text)) return;
    this.#brackets.length = 0;
    this.#add("wrong", open.at, open.to, `'${open.text}' is never closed`);
    this.#add("newline", this.#at, this.#at);
  }

  /** A form feed begins the line anew, as in Python. */
  #indentation(): number {
    let column = 0;
    for (; ; this.#at++) {
      const sign = this.#text[this.#at];
      if (sign === " ") column++;
      else if (sign === "\t") column += tabWidth - (column % tabWidth);
      else if (sign === "\f") column = 0;
      else return column;
    }
  }

  #blocks(column: number, start: number): void {
    const last = (): number => this.#columns.at(-1) ?? 0;
    if (column > last()) {
      this.#columns.push(column);
      this.#add("indent", start, this.#at);
    }
    while (column < last()) {
      this.#columns.pop();
      this.#add("dedent", this.#at, this.#at);
    }
    if (column !== last()) {
      this.#columns.push(column);
      this.#add("wrong", this.#at, this.#at, "the indentation fits no block above");
      this.#add("newline", this.#at, this.#at);
      this.#add("indent", this.#at, this.#at);
    }
  }

  #restOfLine(): void {
    for (;;) {
      this.#skip(blank);
      const sign = this.#text[this.#at];
      if (sign === undefined) return;
      if (sign === "\\" && /[\r\n]/.test(this.#text[this.#at + 1] ?? "")) {
        this.#at++;
        this.#skipBreak();
        continue;
      }
      if (sign === "#" || sign === "\n" || sign === "\r") {
        if (sign === "#") this.#skipComment();
        const end = this.#at;
        this.#skipBreak();
        if (this.#brackets.length === 0) this.#add("newline", end, this.#at);
        return;
      }
      this.#token();
    }
  }

  #token(): void {
    const start = this.#at;
    if (this.#string()) return;
    for (const [kind, pattern] of [
      ["number", numberPattern],
      ["name", namePattern],
      ["sign", signPattern],
    ] as const) {
      if (!this.#skip(pattern)) continue;
      this.#add(kind, start, this.#at);
      if (kind === "sign") this.#bracket();
      return;
    }
    const point = this.#text.codePointAt(start) ?? 0;
    this.#at += point > 0xffff ? 2 : 1;
    this.#add("wrong", start, this.#at, `${JSON.stringify(String.fromCodePoint(point))} has no meaning in Python`);
  }

  #bracket(): void {
    const token = this.#tokens.at(-1);
    if (token === undefined) return;
    if (/^[([{]$/.test(token.text)) this.#brackets.push(token);
    const opener = closing.get(token.text);
    if (opener === undefined) return;
    if (this.#brackets.at(-1)?.text === opener) this.#brackets.pop();
    else this.#add("wrong", token.at, token.to, `'${token.text}' closes nothing`);
  }

  /** A string with its prefix and quotes. What is in the braces of an f-string belongs to it, strings with the same quotes too. */
  #string(): boolean {
    stringStart.lastIndex = this.#at;
    const match = stringStart.exec(this.#text);
    if (match === null) return false;
    const [opening, prefix = "", quote = ""] = match;
    const start = this.#at;
    const end = stringEnd(this.#text, start + opening.length, { quote, formatted: /[fFtT]/.test(prefix) });
    this.#at = end.at;
    if (end.closed) this.#add("string", start, end.at);
    else this.#add("wrong", start, Math.min(end.at, start + opening.length), "a string is never closed");
    return true;
  }

  #add(kind: TokenKind, at: number, to: number, text = this.#text.slice(at, to)): void {
    this.#tokens.push({ kind, text, at, to });
  }

  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.#text) || pattern.lastIndex === this.#at) return false;
    this.#at = pattern.lastIndex;
    return true;
  }

  #skipComment(): void {
    while (this.#at < this.#text.length && !/[\r\n]/.test(this.#text[this.#at] ?? "")) this.#at++;
  }

  #skipLine(): void {
    this.#skipComment();
    this.#skipBreak();
  }

  #skipBreak(): void {
    if (this.#text[this.#at] === "\r" && this.#text[this.#at + 1] === "\n") this.#at++;
    this.#at++;
  }
}

/** Strings within the fields of strings that are followed, and characters of one field: more is a quote that was forgotten. */
const deepestField = 8;
const longestField = 600;

/** A string of Python to be found the end of. */
interface Open {
  readonly quote: string;
  /** An f-string, whose braces hold code. */
  readonly formatted: boolean;
  /** Within the field of another string: how deep, and how many characters may still be looked at. */
  readonly field?: Field;
}

interface Field {
  readonly depth: number;
  left: number;
}

/** Where a string ends, from behind its opening quotes; a line break ends a string of single quotes that is not closed. */
function stringEnd(text: string, from: number, { quote, formatted, field }: Open): { readonly at: number; readonly closed: boolean } {
  let fields = formatted;
  let at = from;
  while (at < text.length && (field === undefined || field.left-- > 0)) {
    const sign = text[at];
    if (sign === "\\") {
      at += text[at + 1] === "\r" && text[at + 2] === "\n" ? 3 : 2;
    } else if (sign === quote[0] && text.startsWith(quote, at)) {
      return { at: at + quote.length, closed: true };
    } else if (quote.length === 1 && (sign === "\n" || sign === "\r")) {
      return { at, closed: false };
    } else if (fields && sign === "{" && text[at + 1] !== "{") {
      const end = fieldEnd(text, at + 1, field ?? { depth: 0, left: longestField });
      fields = end !== undefined;
      at = end ?? at + 1;
    } else {
      at += fields && sign === "{" ? 2 : 1;
    }
  }
  return { at: Math.min(at, text.length), closed: false };
}

/** The end of a replacement field of an f-string; undefined where no bracket closes it on the way. */
function fieldEnd(text: string, from: number, around: Field): number | undefined {
  if (around.depth >= deepestField) return undefined;
  let open = 1;
  let at = from;
  while (at < text.length && around.left-- > 0) {
    const sign = text[at] ?? "";
    if (sign === '"' || sign === "'") {
      const field: Field = { depth: around.depth + 1, left: around.left };
      const quote = text.startsWith(sign.repeat(3), at) ? sign.repeat(3) : sign;
      const formatted = /[fFtT]/.test(text.slice(Math.max(0, at - 2), at));
      const end = stringEnd(text, at + quote.length, { quote, formatted, field });
      around.left = field.left;
      if (!end.closed) return undefined;
      at = end.at;
      continue;
    }
    if (sign === "{") open++;
    if (sign === "}") open--;
    at++;
    if (open === 0) return at;
  }
  return undefined;
}
