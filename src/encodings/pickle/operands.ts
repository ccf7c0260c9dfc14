import { CheckpointError } from "../../errors.ts";
import { hex } from "../../io/bytes.ts";
import type { Cursor } from "../../io/source/cursor.ts";
import { lineCost, maxInteger, shortBytes, textCost } from "./budget.ts";
import { readLine, shortLine } from "./line.ts";
import type { PickleStack } from "./stack.ts";
import { fromLatin1, fromQuoted, fromRawUnicodeEscape, fromUtf8 } from "./text.ts";
import { PlacedBytes, Slice, type SliceEncoding } from "./values.ts";

/** Nothing where the work is done at once, a promise where bytes had to be fetched first. */
export type Pending = Promise<undefined> | undefined;

/** What is in the file behind an instruction: numbers, texts, bytes, lines. Values go onto the stack. */
export class Operands {
  readonly #cursor: Cursor;
  readonly #stack: PickleStack;

  constructor(cursor: Cursor, stack: PickleStack) {
    this.#cursor = cursor;
    this.#stack = stack;
  }

  /** The cursor with `n` more bytes at hand. */
  fixed(n: number): Cursor {
    if (!this.#cursor.has(n)) throw new CheckpointError("truncated", "the pickle ends inside an instruction", this.#stack.where());
    return this.#cursor;
  }

  /** BINFLOAT is the one big-endian operand. */
  bigEndianDouble(): number {
    const cursor = this.fixed(8);
    cursor.bigEndian = true;
    const value = cursor.f64();
    cursor.bigEndian = false;
    return value;
  }

  /** An integer in two's complement, little-endian. */
  long(length: number): Pending {
    if (length < 0) throw this.#stack.malformed(`an integer of ${length} bytes`);
    if (length > maxInteger) {
      throw new CheckpointError("unsafe", `an integer of ${length} bytes, at most ${maxInteger} are read`, this.#stack.where());
    }
    return this.#with(length, (bytes) => {
      const digits = hex(bytes.reverse());
      const value = length === 0 ? 0n : BigInt.asIntN(8 * length, BigInt(`0x${digits}`));
      this.#stack.make(narrow(value), 24 + length);
    });
  }

  text(length: number, encoding: "utf-8" | "latin-1"): Pending {
    if (length < 0) throw this.#stack.malformed(`a string of ${length} bytes`);
    if (!this.#stack.budget.reads(length)) return this.#slice(length, encoding);
    this.#stack.budget.step(textCost, this.#stack.where);
    return this.#with(length, (bytes) => this.#decoded(encoding === "utf-8" ? fromUtf8(bytes) : fromLatin1(bytes), encoding));
  }

  bytes(length: number): Pending {
    if (length > shortBytes) return this.#slice(length, "bytes");
    const { source, position } = this.#cursor;
    return this.#with(length, (bytes) => this.#stack.make(new PlacedBytes(bytes, source, position), 200 + length));
  }

  /** A text of protocol 0, up to the end of the line; a `quoted` one with its quotes. */
  async textLine(encoding: "escaped" | "quoted"): Promise<undefined> {
    const line = await readLine(this.#cursor, (length) => this.#stack.budget.reads(length));
    const quotes = encoding === "quoted" ? 1 : 0;
    if (line.length < 2 * quotes) throw this.#stack.malformed("a string without quotes");
    if (quotes === 1) await this.#checkQuotes(line.offset, line.length);
    if (line.bytes === undefined) {
      return this.#stack.make(new Slice(this.#cursor.source, line.offset + quotes, line.length - 2 * quotes, encoding), 64);
    }
    const inside = line.bytes.subarray(quotes, line.length - quotes);
    return this.#decoded(encoding === "escaped" ? fromRawUnicodeEscape(inside) : fromQuoted(inside), encoding);
  }

  /** A line of a name, a number or an index: at once where it is short and in the buffer. */
  line(use: (line: string) => Pending): Pending {
    this.#stack.budget.step(lineCost, this.#stack.where);
    const short = shortLine(this.#cursor);
    return short === undefined ? this.#longLine(use) : use(this.#name(short));
  }

  async #longLine(use: (line: string) => Pending): Promise<undefined> {
    const line = await readLine(this.#cursor, (length) => length <= maxInteger);
    if (line.bytes === undefined) throw this.#stack.malformed(`a name or number of ${line.length} bytes`);
    return use(this.#name(line.bytes));
  }

  #name(bytes: Uint8Array): string {
    const text = fromUtf8(bytes);
    if (text === undefined) throw this.#stack.malformed("a name is no UTF-8");
    return text;
  }

  integer(digits: string): number | bigint {
    const text = digits.trim();
    if (!/^[+-]?\d+$/.test(text)) throw this.#stack.malformed("an integer is no decimal number");
    return text.length < 16 ? Number(text) : narrow(BigInt(text.replace(/^\+/, "")));
  }

  float(text: string): number {
    const named = new Map([
      ["nan", Number.NaN],
      ["inf", Number.POSITIVE_INFINITY],
      ["-inf", Number.NEGATIVE_INFINITY],
    ]);
    const value = named.get(text) ?? Number(text);
    if (text.trim() === "" || (Number.isNaN(value) && text !== "nan")) throw this.#stack.malformed("a float is no decimal number");
    return value;
  }

  index(line: string): number {
    if (!/^\d{1,15}$/.test(line)) throw this.#stack.malformed("a memo index is no decimal number");
    return Number(line);
  }

  #decoded(text: string | undefined, encoding: SliceEncoding): undefined {
    if (text === undefined) throw this.#stack.malformed(`a text is not valid (${encoding})`);
    return this.#stack.make(text, 40 + 2 * text.length);
  }

  async #checkQuotes(offset: number, length: number): Promise<void> {
    const { source } = this.#cursor;
    const first = (await source.read(offset, 1))[0];
    const last = (await source.read(offset + length - 1, 1))[0];
    if (first !== last || (first !== 0x22 && first !== 0x27)) throw this.#stack.malformed("a string without quotes");
  }

  #checkLength(length: number): void {
    const { remaining } = this.#cursor;
    if (length > remaining) {
      throw new CheckpointError("truncated", `a pickle value needs ${length} bytes, ${remaining} are left`, this.#stack.where());
    }
  }

  /** Hands the next bytes over: at once where they are in the buffer. */
  #with(length: number, use: (bytes: Uint8Array) => void): Pending {
    const cursor = this.#cursor;
    this.#checkLength(length);
    if (cursor.has(length)) {
      use(cursor.bytes(length));
      return;
    }
    return cursor.fill(length).then(() => {
      use(cursor.bytes(length));
      return undefined;
    });
  }

  /** Leaves long data where they are. */
  #slice(length: number, encoding: SliceEncoding): undefined {
    const cursor = this.#cursor;
    this.#checkLength(length);
    const offset = cursor.position;
    cursor.skip(length);
    return this.#stack.make(new Slice(cursor.source, offset, length, encoding), 64);
  }
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
