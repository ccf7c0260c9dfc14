import { CheckpointError } from "../../errors.ts";
import type { Inert } from "../../tensor/checkpoint.ts";
import { addValue } from "./parameters.ts";

/**
 * Protocol Buffers text format (protobuf.dev/reference/protobuf/textformat-spec), as far as Caffe's prototxt files use it:
 * `name: value`, `name { … }`, `name: [1, 2]`, comments with #. A field that occurs more than once becomes a list; enum
 * names stay strings.
 */

/** Real ones have two levels; parsing is recursive. */
const maxDepth = 32;

/** Throws `malformed` with the line. */
export function parsePrototxt(text: string, file: string): ReadonlyMap<string, Inert> {
  return new Parser(text, file).message(0);
}

const token =
  /\s+|#[^\n]*|("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|([A-Za-z_][A-Za-z0-9_.]*)|([-+]?(?:0x[0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?f?))|([{}<>:;,[\]])/y;

type Token = { readonly kind: "string" | "word" | "number" | "sign"; readonly text: string };

class Parser {
  readonly #text: string;
  readonly #file: string;
  #at = 0;
  #next: Token | undefined;

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
    this.#advance();
  }

  message(depth: number, end?: string): ReadonlyMap<string, Inert> {
    if (depth > maxDepth) throw this.#error(`blocks nested deeper than ${maxDepth}`);
    const values = new Map<string, Inert>();
    while (this.#next !== undefined && this.#next.text !== end) {
      const name = this.#take("word").text;
      if (this.#accept(":") && this.#accept("[")) {
        while (!this.#accept("]")) {
          addValue(values, name, this.#value(depth));
          this.#accept(",");
        }
      } else addValue(values, name, this.#value(depth));
      this.#accept(";") || this.#accept(",");
    }
    if (end !== undefined && !this.#accept(end)) throw this.#error(`the text ends inside a block, '${end}' is needed`);
    return values;
  }

  #value(depth: number): Inert {
    if (this.#accept("{")) return this.message(depth + 1, "}");
    if (this.#accept("<")) return this.message(depth + 1, ">");
    const { kind, text } = this.#take("string", "word", "number");
    if (kind === "number") return Number(text.replace(/f$/, ""));
    if (kind === "string") {
      let all = unquote(text);
      while (this.#next?.kind === "string") all += unquote(this.#take("string").text);
      return all;
    }
    return text === "true" ? true : text === "false" ? false : text;
  }

  #take(...kinds: readonly Token["kind"][]): Token {
    const next = this.#next;
    if (next === undefined) throw this.#error(`the text ends where a ${kinds.join(" or ")} is needed`);
    if (!kinds.includes(next.kind)) throw this.#error(`'${next.text}' is where a ${kinds.join(" or ")} is needed`);
    this.#advance();
    return next;
  }

  #accept(sign: string): boolean {
    if (this.#next?.kind !== "sign" || this.#next.text !== sign) return false;
    this.#advance();
    return true;
  }

  #advance(): void {
    this.#next = undefined;
    while (this.#at < this.#text.length) {
      token.lastIndex = this.#at;
      const match = token.exec(this.#text);
      if (match === null) throw this.#error(`'${this.#text.charAt(this.#at)}' has no place here`);
      this.#at = token.lastIndex;
      const [, string, word, number, sign] = match;
      if (string !== undefined) this.#next = { kind: "string", text: string };
      else if (word !== undefined) this.#next = { kind: "word", text: word };
      else if (number !== undefined) this.#next = { kind: "number", text: number };
      else if (sign !== undefined) this.#next = { kind: "sign", text: sign };
      if (this.#next !== undefined) return;
    }
  }

  #error(message: string): CheckpointError {
    const line = this.#text.slice(0, this.#at).split("\n").length;
    return new CheckpointError("malformed", `line ${line} of the prototxt: ${message}`, { file: this.#file });
  }
}

const escapes: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["t", "\t"],
  ["r", "\r"],
]);

function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/g, (_, char: string) => escapes.get(char) ?? char);
}
