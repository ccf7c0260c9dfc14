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
  return parseJsonBytes(Buffer.from(text), file, options);
}

/** UTF-8 bytes as JSON; throws `malformed` where they are no UTF-8. */
export function parseJsonBytes(bytes: Uint8Array, file: string, options: JsonOptions = {}): Json {
  const parser = new Parser(bytes, file, options.python === true);
  const value = parser.value(0);
  parser.end();
  return value;
}

/**
 * The entries of one JSON object, one at a time: a table of a hundred thousand is not held as a whole. Throws as `parseJsonBytes`;
 * where the bytes hold something else than an object, `malformed`.
 */
export function eachJsonEntry(bytes: Uint8Array, file: string, visit: (key: string, value: Json) => void): void {
  const parser = new Parser(bytes, file, false);
  parser.entries(visit);
  parser.end();
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

/** Bytes that numbers and words are made of: letters, digits, + - . and _. */
function isScalar(code: number): boolean {
  const letter = code | 0x20;
  return (
    (letter >= 0x61 && letter <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2b || code === 0x2d || code === 0x2e || code === 0x5f
  );
}

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Works on the bytes: no text of the whole is made, and no string keeps it alive. */
class Parser {
  readonly #bytes: Buffer;
  readonly #file: string;
  readonly #python: boolean;
  #at = 0;

  constructor(bytes: Uint8Array, file: string, python: boolean) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    // A byte order mark, which some editors leave in front.
    if (this.#bytes[0] === 0xef && this.#bytes[1] === 0xbb && this.#bytes[2] === 0xbf) this.#at = 3;
    this.#file = file;
    this.#python = python;
  }

  end(): void {
    this.#space();
    if (this.#at < this.#bytes.length) this.#fail("the end");
  }

  value(depth: number): Json {
    if (depth > maxDepth) throw new CheckpointError("unsafe", `JSON nested deeper than ${maxDepth}`, { file: this.#file });
    this.#space();
    switch (this.#bytes[this.#at]) {
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

  entries(visit: (key: string, value: Json) => void): void {
    this.#space();
    if (this.#bytes[this.#at] !== 0x7b) this.#fail("an object");
    const seen = new Set<string>();
    this.#pairs(0, seen, visit);
  }

  #object(depth: number): ReadonlyMap<string, Json> {
    const map = new Map<string, Json>();
    this.#pairs(depth, map, (key, value) => map.set(key, value));
    return map;
  }

  #pairs(depth: number, seen: Set<string> | ReadonlyMap<string, Json>, visit: (key: string, value: Json) => void): void {
    this.#at++;
    if (this.#take(0x7d)) return;
    do {
      this.#space();
      const key = this.#string();
      if (seen.has(key))
        throw new CheckpointError("malformed", `JSON key ${JSON.stringify(key)} occurs twice`, { file: this.#file, offset: this.#at });
      if (seen instanceof Set) seen.add(key);
      if (!this.#take(0x3a)) this.#fail("a colon");
      visit(key, this.value(depth + 1));
    } while (this.#take(0x2c));
    if (!this.#take(0x7d)) this.#fail("a comma or }");
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
    if (this.#bytes[this.#at] !== 0x22) this.#fail("a string");
    let start = ++this.#at;
    let text = "";
    for (;;) {
      const code = this.#bytes[this.#at] ?? 0;
      if (code === 0x22) {
        const rest = this.#slice(start, this.#at++);
        return text === "" ? rest : text + rest;
      }
      if (code < 0x20) this.#fail("the end of a string"); // also behind the last byte
      if (code !== 0x5c) {
        this.#at++;
        continue;
      }
      text += this.#slice(start, this.#at) + this.#escape();
      start = this.#at;
    }
  }

  #slice(from: number, to: number): string {
    for (let k = from; k < to; k++) if ((this.#bytes[k] ?? 0) > 0x7f) return this.#decoded(from, to);
    return this.#bytes.toString("latin1", from, to);
  }

  #decoded(from: number, to: number): string {
    try {
      return strict.decode(this.#bytes.subarray(from, to));
    } catch (cause) {
      throw new CheckpointError("malformed", "JSON text is no UTF-8", { file: this.#file, offset: from, cause });
    }
  }

  #escape(): string {
    const letter = this.#bytes.toString("latin1", this.#at + 1, this.#at + 2);
    const plain = escapes.get(letter);
    const digits = this.#bytes.toString("latin1", this.#at + 2, this.#at + 6);
    if (plain === undefined && !(letter === "u" && /^[0-9a-fA-F]{4}$/.test(digits))) this.#fail("an escape");
    this.#at += plain === undefined ? 6 : 2;
    return plain ?? String.fromCharCode(Number.parseInt(digits, 16));
  }

  #scalar(): Json {
    let end = this.#at;
    while (isScalar(this.#bytes[end] ?? 0)) end++;
    const match = /^(?:true|false|null|NaN|-?Infinity|-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)/.exec(
      this.#bytes.toString("latin1", this.#at, end),
    );
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
    if (this.#bytes[this.#at] !== code) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    for (;;) {
      const code = this.#bytes[this.#at];
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #fail(wanted: string): never {
    const rest = this.#bytes.subarray(this.#at, this.#at + 12);
    const found = rest.length > 0 ? JSON.stringify(rest.toString()) : "its end";
    throw new CheckpointError("malformed", `JSON: ${wanted} expected at byte ${this.#at}, found ${found}`, { file: this.#file });
  }
}
