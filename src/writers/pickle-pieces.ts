import type { Piece } from "./layout.ts";
import { bytesPiece } from "./pieces.ts";

/** Opcodes by their names in CPython's pickletools. */
const op = {
  proto: 0x80,
  stop: 0x2e,
  mark: 0x28,
  none: 0x4e,
  true: 0x88,
  false: 0x89,
  binint1: 0x4b,
  binint2: 0x4d,
  binint: 0x4a,
  long1: 0x8a,
  binunicode: 0x58,
  shortBinunicode: 0x8c,
  binbytes: 0x42,
  binbytes8: 0x8e,
  emptyTuple: 0x29,
  tuple: 0x74,
  emptyDict: 0x7d,
  setitems: 0x75,
  global: 0x63,
  stackGlobal: 0x93,
  binput: 0x71,
  longBinput: 0x72,
  binget: 0x68,
  longBinget: 0x6a,
  reduce: 0x52,
  build: 0x62,
  binpersid: 0x51,
} as const;

const utf8 = new TextEncoder();
/** Entries that one SETITEMS takes; CPython's own batch. */
const batch = 1000;

/**
 * Emits one pickle as pieces, so that large byte strings stay tensors that are moved into place. Names and what else is the same for many
 * tensors is written once and taken from the memo later, as Python's pickler does: of 100,000 tensors each says little then.
 */
export class PickleWriter {
  readonly #protocol: 2 | 4;
  readonly #pieces: Piece[] = [];
  /** Place in the memo of what is shared, by its key. */
  readonly #memo = new Map<string, number>();
  #pending: number[] = [];

  constructor(protocol: 2 | 4) {
    this.#protocol = protocol;
    this.#pending.push(op.proto, protocol);
  }

  /** The pickle, ended by STOP. */
  finish(): readonly Piece[] {
    this.#pending.push(op.stop);
    this.#flush();
    return this.#pieces;
  }

  none(): this {
    this.#pending.push(op.none);
    return this;
  }

  boolean(value: boolean): this {
    this.#pending.push(value ? op.true : op.false);
    return this;
  }

  /** A whole number of at most 2^53 in magnitude. */
  integer(value: number): this {
    if (value >= 0 && value < 0x100) this.#pending.push(op.binint1, value);
    else if (value >= 0 && value < 0x10000) this.#pending.push(op.binint2, value & 255, value >>> 8);
    else if (value >= -(2 ** 31) && value < 2 ** 31) this.#pending.push(op.binint, ...little(BigInt(value), 4));
    else this.#pending.push(op.long1, 8, ...little(BigInt(value), 8));
    return this;
  }

  text(value: string): this {
    const bytes = utf8.encode(value);
    if (this.#protocol >= 4 && bytes.length < 0x100) this.#pending.push(op.shortBinunicode, bytes.length);
    else this.#pending.push(op.binunicode, ...little(BigInt(bytes.length), 4));
    for (const byte of bytes) this.#pending.push(byte);
    return this;
  }

  /** A byte string whose content is a piece of known length; protocol 4 alone has one for more than 4 GiB. */
  bytes(content: Piece, length: number): this {
    if (length < 2 ** 32) this.#pending.push(op.binbytes, ...little(BigInt(length), 4));
    else this.#pending.push(op.binbytes8, ...little(BigInt(length), 8));
    this.#flush();
    this.#pieces.push(content);
    return this;
  }

  /** A tuple of what `items` emits. */
  tuple(items: () => void): this {
    this.#pending.push(op.mark);
    items();
    this.#pending.push(op.tuple);
    return this;
  }

  emptyTuple(): this {
    this.#pending.push(op.emptyTuple);
    return this;
  }

  numbers(values: readonly number[]): this {
    return values.length === 0 ? this.emptyTuple() : this.tuple(() => this.#integers(values));
  }

  #integers(values: readonly number[]): void {
    for (const value of values) this.integer(value);
  }

  emptyDict(): this {
    this.#pending.push(op.emptyDict);
    return this;
  }

  /** Sets the entries of the dict on the stack. */
  entries<T>(items: readonly T[], emit: (item: T) => void): this {
    for (let from = 0; from < items.length; from += batch) {
      this.#pending.push(op.mark);
      for (const item of items.slice(from, from + batch)) emit(item);
      this.#pending.push(op.setitems);
    }
    return this;
  }

  global(module: string, name: string): this {
    return this.shared(`${module}\n${name}\n`, () => {
      if (this.#protocol < 4) this.#pending.push(op.global, ...utf8.encode(`${module}\n${name}\n`));
      else {
        this.text(module).text(name);
        this.#pending.push(op.stackGlobal);
      }
    });
  }

  /** What `emit` puts on the stack, the first time; later the same object. `key`: what it is, among all that is shared. */
  shared(key: string, emit: () => void): this {
    const known = this.#memo.get(key);
    if (known === undefined) emit();
    // What is shared may share in turn: its place is the first that is free behind that.
    const place = known ?? this.#memo.size;
    this.#memo.set(key, place);
    const [short, long] = known === undefined ? [op.binput, op.longBinput] : [op.binget, op.longBinget];
    this.#pending.push(...(place < 0x100 ? [short, place] : [long, ...little(BigInt(place), 4)]));
    return this;
  }

  /** Calls the global below with the tuple on the stack. */
  reduce(): this {
    this.#pending.push(op.reduce);
    return this;
  }

  build(): this {
    this.#pending.push(op.build);
    return this;
  }

  persistentId(): this {
    this.#pending.push(op.binpersid);
    return this;
  }

  #flush(): void {
    if (this.#pending.length === 0) return;
    this.#pieces.push(bytesPiece(Uint8Array.from(this.#pending)));
    this.#pending = [];
  }
}

/** Two's complement, little-endian. */
function little(value: bigint, bytes: number): readonly number[] {
  const array = new Uint8Array(8);
  new DataView(array.buffer).setBigInt64(0, value, true);
  return [...array.subarray(0, bytes)];
}
