import { CheckpointError } from "../errors.ts";

/** JSON with Maps for objects, so that `__proto__` and "0" are ordinary keys; integers beyond 2^53 are bigints. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | ReadonlyMap<string, Json>;

export interface JsonOptions {
  /** NaN, Infinity and -Infinity, as Python's json writes them. */
  readonly python?: boolean;
}

/** serde_json, which reads safetensors headers, refuses deeper nesting; a Keras configuration has some 20 levels. */
const maxDepth = 128;

/** Parses strictly: a duplicate key, a bad escape, anything behind the value throws `malformed`. `file` is told in errors. */
export function parseJson(text: string, file: string, options: JsonOptions = {}): Json {
  const parser = new Parser(text, file, options.python === true);
  const value = parser.value(0);
  parser.end();
  return value;
}

/** UTF-8 bytes as JSON; throws `malformed` where they are no UTF-8. */
export function parseJsonBytes(bytes: Uint8Array, file: string, options: JsonOptions = {}): Json {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new CheckpointError("malformed", "JSON text is no UTF-8", { file, cause });
  }
  return parseJson(text, file, options);
}

export function isObject(value: unknown): value is ReadonlyMap<string, Json> {
  return value instanceof Map;
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["/", "/"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);

class Parser {
  readonly #text: string;
  readonly #file: string;
  readonly #python: boolean;
  #at = 0;

  constructor(text: string, file: string, python: boolean) {
    this.#text = text;
    this.#file = file;
    this.#python = python;
  }

  end(): void {
    this.#space();
    if (this.#at < this.#text.length) this.#fail("the end");
  }

  value(depth: number): Json {
    if (depth > maxDepth) throw new CheckpointError("unsafe", `JSON nested deeper than ${maxDepth}`, { file: this.#file });
    this.#space();
    switch (this.#text.charCodeAt(this.#at)) {
      case 0x7b:
        return this.#object(depth);
      case 0x5b:
        return this.#array(depth);
      case 0x22:
        return this.#string();
      default:
        return this.#scalar();
    }
  }

  #object(depth: number): ReadonlyMap<string, Json> {
    const map = new Map<string, Json>();
    this.#at++;
    if (this.#take(0x7d)) return map;
    do {
      this.#space();
      const key = this.#string();
      if (map.has(key))
        throw new CheckpointError("malformed", `JSON key ${JSON.stringify(key)} occurs twice`, { file: this.#file, offset: this.#at });
      if (!this.#take(0x3a)) this.#fail("a colon");
      map.set(key, this.value(depth + 1));
    } while (this.#take(0x2c));
    if (!this.#take(0x7d)) this.#fail("a comma or }");
    return map;
  }

  #array(depth: number): readonly Json[] {
    const items: Json[] = [];
    this.#at++;
    if (this.#take(0x5d)) return items;
    do items.push(this.value(depth + 1));
    while (this.#take(0x2c));
    if (!this.#take(0x5d)) this.#fail("a comma or ]");
    return items;
  }

  #string(): string {
    if (this.#text.charCodeAt(this.#at) !== 0x22) this.#fail("a string");
    let start = ++this.#at;
    let text = "";
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x22) {
        text += this.#text.slice(start, this.#at++);
        return text;
      }
      if (!(code >= 0x20)) this.#fail("the end of a string"); // also NaN, behind the last character
      if (code !== 0x5c) {
        this.#at++;
        continue;
      }
      text += this.#text.slice(start, this.#at) + this.#escape();
      start = this.#at;
    }
  }

  #escape(): string {
    const letter = this.#text.charAt(this.#at + 1);
    const plain = escapes.get(letter);
    const digits = this.#text.slice(this.#at + 2, this.#at + 6);
    if (plain === undefined && !(letter === "u" && /^[0-9a-fA-F]{4}$/.test(digits))) this.#fail("an escape");
    this.#at += plain === undefined ? 6 : 2;
    return plain ?? String.fromCharCode(Number.parseInt(digits, 16));
  }

  #scalar(): Json {
    const pattern = /true|false|null|NaN|-?Infinity|-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match === null) this.#fail("a value");
    const [word, fraction, exponent] = match;
    if (/[NI]/.test(word) && !this.#python) this.#fail("a value");
    this.#at += word.length;
    if (word === "null") return null;
    if (word === "true" || word === "false") return word === "true";
    const number = Number(word);
    if (fraction !== undefined || exponent !== undefined || !Number.isFinite(number) || Number.isSafeInteger(number)) return number;
    return BigInt(word);
  }

  #take(code: number): boolean {
    this.#space();
    if (this.#text.charCodeAt(this.#at) !== code) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #fail(wanted: string): never {
    const found = this.#at < this.#text.length ? JSON.stringify(this.#text.slice(this.#at, this.#at + 12)) : "its end";
    throw new CheckpointError("malformed", `JSON: ${wanted} expected at character ${this.#at}, found ${found}`, { file: this.#file });
  }
}
