import { CheckpointError } from "../../errors.ts";
import { latin1, utf8Bytes } from "../../io/bytes.ts";

/** JSON with Maps for objects, so that `__proto__` and "0" are ordinary keys; integers beyond 2^53 are bigints. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | ReadonlyMap<string, Json>;

export interface JsonOptions {
  /** NaN, Infinity and -Infinity, as Python's json writes them. */
  readonly python?: boolean;
}

/** serde_json, which reads safetensors headers, refuses deeper nesting; a Keras configuration has some 20 levels. */
const maxDepth = 128;

/** Parses strictly: a duplicate key, a bad escape, anything behind the value throws `malformed`. `file` is reported in errors. */
export function parseJson(text: string, file: string, options: JsonOptions = {}): Json {
  return parseJsonBytes(utf8Bytes(text), file, options);
}

/** UTF-8 bytes as JSON; throws `malformed` where they are no UTF-8. */
export function parseJsonBytes(bytes: Uint8Array, file: string, options: JsonOptions = {}): Json {
  const parser = new JsonParser(bytes, file, options.python === true);
  const value = parser.value(0);
  parser.finish();
  return value;
}

/** What `parseJson` throws for a key that an object has twice. */
export function occursTwice(key: string, file: string, offset?: number): CheckpointError {
  return new CheckpointError("malformed", `JSON key ${JSON.stringify(key)} occurs twice`, {
    file,
    ...(offset === undefined ? {} : { offset }),
  });
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

export interface JsonMember {
  readonly key: string;
  readonly value: Json;
  /** Whether another one follows. */
  readonly more: boolean;
}

/** Works on the bytes: no text of the whole is made, and no string keeps it alive. */
export class JsonParser {
  readonly #bytes: Uint8Array;
  readonly #file: string;
  readonly #python: boolean;
  /** Where the bytes begin in the JSON. */
  readonly #base: number;
  #at = 0;

  constructor(bytes: Uint8Array, file: string, python: boolean, base = 0) {
    this.#bytes = bytes;
    // A byte order mark, which some editors leave in front.
    if (base === 0 && this.#bytes[0] === 0xef && this.#bytes[1] === 0xbb && this.#bytes[2] === 0xbf) this.#at = 3;
    this.#file = file;
    this.#python = python;
    this.#base = base;
  }

  /** Position in the JSON of the next byte. */
  get at(): number {
    return this.#base + this.#at;
  }

  /** Position behind the last byte that is there. */
  get end(): number {
    return this.#base + this.#bytes.length;
  }

  /** Whether nothing but blanks is left of these bytes. */
  blank(): boolean {
    this.#space();
    return this.#at === this.#bytes.length;
  }

  finish(): void {
    if (!this.blank()) this.#fail("the end");
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

  /** The first entry of an object; undefined where it has none. */
  firstEntry(): JsonMember | undefined {
    this.#space();
    if (this.#bytes[this.#at] !== 0x7b) this.#fail("an object");
    this.#at++;
    return this.#take(0x7d) ? undefined : this.entry();
  }

  /** The next entry, with the comma or the brace behind it. */
  entry(): JsonMember {
    this.#space();
    const key = this.#string();
    if (!this.#take(0x3a)) this.#fail("a colon");
    const value = this.value(1);
    const more = this.#take(0x2c);
    if (!more && !this.#take(0x7d)) this.#fail("a comma or }");
    return { key, value, more };
  }

  #object(depth: number): ReadonlyMap<string, Json> {
    const map = new Map<string, Json>();
    this.#at++;
    if (this.#take(0x7d)) return map;
    do {
      this.#space();
      const key = this.#string();
      if (map.has(key)) throw occursTwice(key, this.#file, this.at);
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
    return latin1(this.#bytes, from, to);
  }

  #decoded(from: number, to: number): string {
    try {
      return strict.decode(this.#bytes.subarray(from, to));
    } catch (cause) {
      throw new CheckpointError("malformed", "JSON text is no UTF-8", { file: this.#file, offset: this.#base + from, cause });
    }
  }

  #escape(): string {
    const letter = latin1(this.#bytes, this.#at + 1, this.#at + 2);
    const plain = escapes.get(letter);
    const digits = latin1(this.#bytes, this.#at + 2, this.#at + 6);
    if (plain === undefined && !(letter === "u" && /^[0-9a-fA-F]{4}$/.test(digits))) this.#fail("an escape");
    this.#at += plain === undefined ? 6 : 2;
    return plain ?? String.fromCharCode(Number.parseInt(digits, 16));
  }

  /** Digits that a double holds exactly, and no more: what most scalars of a header are. */
  #digits(): number | undefined {
    let number = 0;
    let end = this.#at;
    for (; end - this.#at < 15; end++) {
      const code = this.#bytes[end] ?? 0;
      if (code < 0x30 || code > 0x39) break;
      number = 10 * number + code - 0x30;
    }
    const padded = this.#bytes[this.#at] === 0x30 && end - this.#at > 1;
    if (end === this.#at || padded || isScalar(this.#bytes[end] ?? 0)) return undefined;
    this.#at = end;
    return number;
  }

  #scalar(): Json {
    const digits = this.#digits();
    if (digits !== undefined) return digits;
    let end = this.#at;
    while (isScalar(this.#bytes[end] ?? 0)) end++;
    const match = /^(?:true|false|null|NaN|-?Infinity|-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)/.exec(latin1(this.#bytes, this.#at, end));
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
    throw new CheckpointError("malformed", `JSON: ${wanted} expected at byte ${this.at}, found ${found}`, { file: this.#file });
  }
}
