import { CheckpointError, type ErrorWhere } from "../../errors.ts";
import { Cursor } from "../../io/cursor.ts";
import type { ByteSource } from "../../io/source.ts";
import { Budget, maxInteger, shortBytes } from "./budget.ts";
import { readLine } from "./line.ts";
import { fromLatin1, fromQuoted, fromRawUnicodeEscape, fromUtf8 } from "./text.ts";
import { GlobalName, Mapping, ObjectRecord, PersistentId, type PickleValue, Sequence, Slice, type SliceEncoding } from "./values.ts";

/*
 * The stack machine of Python's pickle format, protocols 0 to 5 (CPython Lib/pickletools.py has the table of instructions),
 * without its one dangerous part: GLOBAL, REDUCE, BUILD and the like make records of what Python would have called.
 *
 * All integers are little-endian, only BINFLOAT is big-endian. Long texts and byte strings are skipped and kept as slices, so a
 * checkpoint's data is never read here.
 */

export interface Pickle {
  readonly value: PickleValue;
  /** 0 where no PROTO instruction says so: protocols 0 and 1 have none. */
  readonly protocol: number;
  /** Offset behind STOP: several pickles may follow one another. */
  readonly end: number;
  /** All ids of objects outside the pickle, in order. */
  readonly persistent: readonly PersistentId[];
}

/** Bytes fetched at a time: a tensor's instructions take some 200 bytes, then a long skip follows. */
const CHUNK = 1 << 14;
/** An instruction and its longest argument of fixed size. */
const LOOKAHEAD = 9;
const noTuple = new Sequence("tuple", []);

/**
 * Reads one pickle from `offset` on. Throws `truncated`, `malformed`, `unsafe` (beyond the limits of budget.ts) and `unsupported`
 * (extension codes, out-of-band buffers, protocols beyond 5), always with the offset of the instruction.
 */
export async function readPickle(source: ByteSource, offset = 0, end: number = source.size): Promise<Pickle> {
  return new Machine(new Cursor(source, offset, end, { chunk: CHUNK })).run();
}

class Machine {
  readonly #cursor: Cursor;
  readonly #budget = new Budget();
  readonly #stack: PickleValue[] = [];
  /** Stack heights at the open MARKs. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  readonly #persistent: PersistentId[] = [];
  #protocol = 0;
  /** Offset of the instruction being carried out. */
  #start = 0;
  readonly #where = (): ErrorWhere => ({ file: this.#cursor.source.name, offset: this.#start });

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  async run(): Promise<Pickle> {
    const cursor = this.#cursor;
    for (;;) {
      if (!cursor.has(LOOKAHEAD)) await cursor.fill(Math.min(LOOKAHEAD, cursor.remaining));
      this.#start = cursor.position;
      if (!cursor.has(1)) throw new CheckpointError("truncated", "the pickle ends before its STOP instruction", this.#where());
      this.#budget.step(this.#where);
      const code = cursor.u8();
      if (code === 0x2e) return this.#result(this.#pop());
      const pending = this.#step(code);
      if (pending !== undefined) await pending;
    }
  }

  #result(value: PickleValue): Pickle {
    return { value, protocol: this.#protocol, end: this.#cursor.position, persistent: this.#persistent };
  }

  #malformed(message: string): CheckpointError {
    return new CheckpointError("malformed", message, this.#where());
  }

  /** The cursor with `n` more bytes at hand. */
  #arg(n: number): Cursor {
    if (!this.#cursor.has(n)) throw new CheckpointError("truncated", "the pickle ends inside an instruction", this.#where());
    return this.#cursor;
  }

  #push(value: PickleValue): undefined {
    this.#stack.push(value);
    this.#budget.hold(this.#stack.length, this.#where);
  }

  /** Pushes a value that takes memory of its own. */
  #make(value: PickleValue, bytes: number): undefined {
    this.#budget.spend(bytes, this.#where);
    this.#push(value);
  }

  #pop(): PickleValue {
    const floor = this.#marks.at(-1) ?? 0;
    const value = this.#stack.length > floor ? this.#stack.pop() : undefined;
    if (value === undefined) throw this.#malformed("a pickle instruction needs a value and the stack is empty");
    return value;
  }

  #top(): PickleValue {
    const value = this.#stack.at(-1);
    if (value === undefined) throw this.#malformed("a pickle instruction needs a value and the stack is empty");
    return value;
  }

  #popMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw this.#malformed("a pickle instruction needs a MARK and there is none");
    return this.#stack.splice(mark);
  }

  /** One instruction; a promise where it needs bytes that are not in the buffer. */
  #step(code: number): Promise<undefined> | undefined {
    switch (code) {
      case 0x80: // PROTO
        return this.#setProtocol(this.#arg(1).u8());
      case 0x95: // FRAME: a hint for buffering, payloads of 64 KiB and more lie outside
        return this.#frame(this.#arg(8).u64());
      case 0x28: // MARK
        this.#marks.push(this.#stack.length);
        this.#budget.hold(this.#marks.length, this.#where);
        return;
      case 0x30: // POP: a value, or the MARK on top
        if (this.#marks.at(-1) === this.#stack.length) this.#marks.pop();
        else this.#pop();
        return;
      case 0x31: // POP_MARK
        this.#popMark();
        return;
      case 0x32: // DUP
        return this.#push(this.#top());
      case 0x4e: // NONE
        return this.#push(null);
      case 0x88: // NEWTRUE
        return this.#push(true);
      case 0x89: // NEWFALSE
        return this.#push(false);
      case 0x4b: // BININT1
        return this.#push(this.#arg(1).u8());
      case 0x4d: // BININT2
        return this.#push(this.#arg(2).u16());
      case 0x4a: // BININT
        return this.#push(this.#arg(4).i32());
      case 0x8a: // LONG1
        return this.#long(this.#arg(1).u8());
      case 0x8b: // LONG4
        return this.#long(this.#arg(4).i32());
      case 0x47: // BINFLOAT
        return this.#make(this.#bigEndianDouble(), 16);
      case 0x49: // INT
        return this.#line((line) => this.#push(line === "00" || line === "01" ? line === "01" : this.#integer(line)));
      case 0x4c: // LONG
        return this.#line((line) => this.#push(this.#integer(line.replace(/L$/, ""))));
      case 0x46: // FLOAT
        return this.#line((line) => this.#make(this.#float(line), 16));
      case 0x58: // BINUNICODE
        return this.#text(this.#arg(4).u32(), "utf-8");
      case 0x8c: // SHORT_BINUNICODE
        return this.#text(this.#arg(1).u8(), "utf-8");
      case 0x8d: // BINUNICODE8
        return this.#text(this.#arg(8).u64(), "utf-8");
      case 0x55: // SHORT_BINSTRING
        return this.#text(this.#arg(1).u8(), "latin-1");
      case 0x54: // BINSTRING
        return this.#text(this.#arg(4).i32(), "latin-1");
      case 0x56: // UNICODE
        return this.#textLine("escaped");
      case 0x53: // STRING
        return this.#textLine("quoted");
      case 0x43: // SHORT_BINBYTES
        return this.#bytes(this.#arg(1).u8());
      case 0x42: // BINBYTES
        return this.#bytes(this.#arg(4).u32());
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        return this.#bytes(this.#arg(8).u64());
      case 0x29: // EMPTY_TUPLE
        return this.#push(noTuple);
      case 0x85: // TUPLE1
        return this.#tuple([this.#pop()]);
      case 0x86: // TUPLE2
        return this.#tuple([this.#pop(), this.#pop()].reverse());
      case 0x87: // TUPLE3
        return this.#tuple([this.#pop(), this.#pop(), this.#pop()].reverse());
      case 0x74: // TUPLE
        return this.#tuple(this.#popMark());
      case 0x5d: // EMPTY_LIST
        return this.#make(new Sequence("list", []), 80);
      case 0x6c: // LIST
        return this.#sequence("list", this.#popMark());
      case 0x8f: // EMPTY_SET
        return this.#make(new Sequence("set", []), 80);
      case 0x91: // FROZENSET
        return this.#sequence("frozenset", this.#popMark());
      case 0x7d: // EMPTY_DICT
        return this.#make(new Mapping(), 250);
      case 0x64: // DICT
        return this.#dict(this.#popMark());
      case 0x61: // APPEND
        return this.#append([this.#pop()]);
      case 0x65: // APPENDS
      case 0x90: // ADDITEMS
        return this.#append(this.#popMark());
      case 0x73: // SETITEM
        return this.#setItems([this.#pop(), this.#pop()].reverse());
      case 0x75: // SETITEMS
        return this.#setItems(this.#popMark());
      case 0x71: // BINPUT
        return this.#put(this.#arg(1).u8());
      case 0x72: // LONG_BINPUT
        return this.#put(this.#arg(4).u32());
      case 0x94: // MEMOIZE
        return this.#put(this.#memo.size);
      case 0x70: // PUT
        return this.#line((line) => this.#put(this.#index(line)));
      case 0x68: // BINGET
        return this.#get(this.#arg(1).u8());
      case 0x6a: // LONG_BINGET
        return this.#get(this.#arg(4).u32());
      case 0x67: // GET
        return this.#line((line) => this.#get(this.#index(line)));
      case 0x63: // GLOBAL
        return this.#line((module) => this.#line((name) => this.#global(module, name)));
      case 0x93: // STACK_GLOBAL
        return this.#stackGlobal(this.#pop(), this.#pop());
      case 0x52: // REDUCE
      case 0x81: // NEWOBJ
        return this.#call(this.#pop(), this.#pop());
      case 0x92: // NEWOBJ_EX
        return this.#callWith(this.#pop(), this.#pop(), this.#pop());
      case 0x69: // INST
        return this.#line((module) =>
          this.#line((name) => this.#make(new ObjectRecord(new GlobalName(module, name), this.#popMark()), 200)),
        );
      case 0x6f: // OBJ
        return this.#object(this.#popMark());
      case 0x62: // BUILD
        return this.#build(this.#pop());
      case 0x51: // BINPERSID
        return this.#outside(this.#pop());
      case 0x50: // PERSID
        return this.#line((line) => this.#outside(line));
      case 0x82: // EXT1
      case 0x83: // EXT2
      case 0x84: // EXT4
        throw new CheckpointError(
          "unsupported",
          "the pickle uses extension codes, which only the program that wrote it knows",
          this.#where(),
        );
      case 0x97: // NEXT_BUFFER
      case 0x98: // READONLY_BUFFER
        throw new CheckpointError(
          "unsupported",
          "the pickle keeps its data in out-of-band buffers (PEP 574), which are not in the file",
          this.#where(),
        );
      default:
        throw this.#malformed(`byte 0x${code.toString(16).padStart(2, "0")} is no pickle instruction`);
    }
  }

  #setProtocol(protocol: number): undefined {
    if (protocol > 5) throw new CheckpointError("unsupported", `pickle protocol ${protocol}, 5 is the newest known`, this.#where());
    this.#protocol = protocol;
  }

  #frame(length: number): undefined {
    if (length > this.#cursor.remaining) {
      throw new CheckpointError("truncated", `a pickle frame of ${length} bytes, ${this.#cursor.remaining} are left`, this.#where());
    }
  }

  /** Two's complement, little-endian. */
  #long(length: number): Promise<undefined> | undefined {
    if (length < 0) throw this.#malformed(`an integer of ${length} bytes`);
    if (length > maxInteger)
      throw new CheckpointError("unsafe", `an integer of ${length} bytes, at most ${maxInteger} are read`, this.#where());
    return this.#with(length, (bytes) => {
      let value = 0n;
      for (const byte of bytes.reverse()) value = value * 256n + BigInt(byte);
      this.#number(length === 0 ? 0n : BigInt.asIntN(8 * length, value));
    });
  }

  #number(value: bigint): undefined {
    const number = Number(value);
    return this.#make(Number.isSafeInteger(number) ? number : value, 24);
  }

  #integer(digits: string): number | bigint {
    const text = digits.trim();
    if (!/^[+-]?\d+$/.test(text) || text.length > maxInteger) throw this.#malformed("an integer is no decimal number");
    const number = Number(text);
    return Number.isSafeInteger(number) ? number : BigInt(text);
  }

  #float(text: string): number {
    const named = { nan: Number.NaN, inf: Number.POSITIVE_INFINITY, "-inf": Number.NEGATIVE_INFINITY };
    const value = Object.entries(named).find(([name]) => name === text)?.[1] ?? Number(text);
    if (text.trim() === "" || (Number.isNaN(value) && text !== "nan")) throw this.#malformed("a float is no decimal number");
    return value;
  }

  #bigEndianDouble(): number {
    const cursor = this.#arg(8);
    cursor.bigEndian = true;
    const value = cursor.f64();
    cursor.bigEndian = false;
    return value;
  }

  #index(line: string): number {
    const index = Number(line);
    if (!/^\d{1,15}$/.test(line)) throw this.#malformed("a memo index is no decimal number");
    return index;
  }

  /** Hands the next bytes over: at once where they are in the buffer. */
  #with(length: number, use: (bytes: Uint8Array) => void): Promise<undefined> | undefined {
    const cursor = this.#cursor;
    if (length > cursor.remaining) {
      throw new CheckpointError("truncated", `a pickle value needs ${length} bytes, ${cursor.remaining} are left`, this.#where());
    }
    if (cursor.has(length)) {
      use(cursor.bytes(length));
      return;
    }
    return cursor.fill(length).then(() => {
      use(cursor.bytes(length));
      return undefined;
    });
  }

  /** Leaves long data where it lies. */
  #slice(length: number, encoding: SliceEncoding): undefined {
    const cursor = this.#cursor;
    if (length > cursor.remaining) {
      throw new CheckpointError("truncated", `a pickle value needs ${length} bytes, ${cursor.remaining} are left`, this.#where());
    }
    const offset = cursor.position;
    cursor.skip(length);
    this.#make(new Slice(cursor.source, offset, length, encoding), 64);
  }

  #text(length: number, encoding: "utf-8" | "latin-1"): Promise<undefined> | undefined {
    if (length < 0) throw this.#malformed(`a string of ${length} bytes`);
    if (!this.#budget.reads(length)) return this.#slice(length, encoding);
    return this.#with(length, (bytes) => this.#decodedText(encoding === "utf-8" ? fromUtf8(bytes) : fromLatin1(bytes), encoding));
  }

  #decodedText(text: string | undefined, encoding: SliceEncoding): undefined {
    if (text === undefined) throw this.#malformed(`a text is not valid (${encoding})`);
    this.#make(text, 24 + 2 * text.length);
  }

  #bytes(length: number): Promise<undefined> | undefined {
    if (length > shortBytes) return this.#slice(length, "bytes");
    return this.#with(length, (bytes) => this.#make(bytes, 150));
  }

  /** Protocol 0: up to the end of the line. A STRING has quotes around. */
  async #textLine(encoding: "escaped" | "quoted"): Promise<undefined> {
    const line = await readLine(this.#cursor, (length) => this.#budget.reads(length));
    const quotes = encoding === "quoted" ? 1 : 0;
    if (line.bytes === undefined) {
      if (quotes === 1) await this.#checkQuotes(line.offset, line.length);
      this.#make(new Slice(this.#cursor.source, line.offset + quotes, line.length - 2 * quotes, encoding), 64);
      return;
    }
    if (encoding === "escaped") return this.#decodedText(fromRawUnicodeEscape(line.bytes), encoding);
    const quote = line.bytes[0];
    if (line.length < 2 || quote !== line.bytes.at(-1) || (quote !== 0x22 && quote !== 0x27))
      throw this.#malformed("a string without quotes");
    return this.#decodedText(fromQuoted(line.bytes.subarray(1, -1)), encoding);
  }

  async #checkQuotes(offset: number, length: number): Promise<void> {
    const first = (await this.#cursor.source.read(offset, 1))[0];
    const last = (await this.#cursor.source.read(offset + length - 1, 1))[0];
    if (first !== last || (first !== 0x22 && first !== 0x27)) throw this.#malformed("a string without quotes");
  }

  /** A line of a name, a number or an index. */
  async #line(use: (line: string) => Promise<undefined> | undefined): Promise<undefined> {
    const line = await readLine(this.#cursor, (length) => length <= maxInteger);
    if (line.bytes === undefined) throw this.#malformed(`a name or number of ${line.length} bytes`);
    const text = fromUtf8(line.bytes);
    if (text === undefined) throw this.#malformed("a name is no UTF-8");
    return use(text);
  }

  #tuple(items: PickleValue[]): undefined {
    return this.#sequence("tuple", items);
  }

  #sequence(kind: Sequence["kind"], items: PickleValue[]): undefined {
    this.#make(new Sequence(kind, items), 80 + 8 * items.length);
  }

  #dict(pairs: PickleValue[]): undefined {
    const mapping = new Mapping();
    this.#assign(mapping.entries, pairs);
    this.#make(mapping, 250);
  }

  #append(values: PickleValue[]): undefined {
    const target = this.#top();
    this.#budget.spend(8 * values.length, this.#where);
    if (target instanceof Sequence && target.kind !== "tuple" && target.kind !== "frozenset") {
      for (const value of values) target.items.push(value);
    } else if (target instanceof ObjectRecord) {
      target.items ??= [];
      for (const value of values) target.items.push(value);
    } else {
      throw this.#malformed("a pickle appends to something that is no list");
    }
  }

  #setItems(pairs: PickleValue[]): undefined {
    const target = this.#top();
    if (target instanceof Mapping) return this.#assign(target.entries, pairs);
    if (target instanceof ObjectRecord) {
      target.entries ??= new Map();
      return this.#assign(target.entries, pairs);
    }
    throw this.#malformed("a pickle sets keys of something that is no dict");
  }

  #assign(entries: Map<PickleValue, PickleValue>, pairs: PickleValue[]): undefined {
    if (pairs.length % 2 !== 0) throw this.#malformed("a pickle sets a key without a value");
    this.#budget.spend(30 * pairs.length, this.#where);
    for (let k = 0; k < pairs.length; k += 2) {
      const key = pairs[k] ?? null;
      if (key instanceof Mapping || (key instanceof Sequence && (key.kind === "list" || key.kind === "set"))) {
        throw this.#malformed("a dict key of a type that Python does not hash");
      }
      // Python lets the later value win; a writer never does this, and two answers to one name are no checkpoint.
      if (entries.has(key))
        throw this.#malformed(`a dict has the key ${typeof key === "string" ? JSON.stringify(key) : String(key)} twice`);
      entries.set(key, pairs[k + 1] ?? null);
    }
  }

  #put(index: number): undefined {
    this.#memo.set(index, this.#top());
    this.#budget.spend(40, this.#where);
    this.#budget.hold(this.#memo.size, this.#where);
  }

  #get(index: number): undefined {
    const value = this.#memo.get(index);
    if (value === undefined) throw this.#malformed(`memo entry ${index} is used before it is set`);
    return this.#push(value);
  }

  #global(module: string, name: string): undefined {
    return this.#make(new GlobalName(module, name), 200);
  }

  #stackGlobal(name: PickleValue, module: PickleValue): undefined {
    if (typeof module !== "string" || typeof name !== "string") throw this.#malformed("a global whose name is no text");
    return this.#global(module, name);
  }

  #call(args: PickleValue, callable: PickleValue): undefined {
    if (!(args instanceof Sequence) || args.kind !== "tuple") throw this.#malformed("a call whose arguments are no tuple");
    return this.#make(new ObjectRecord(callable, args.items), 100);
  }

  #callWith(kwargs: PickleValue, args: PickleValue, callable: PickleValue): undefined {
    if (!(args instanceof Sequence) || args.kind !== "tuple" || !(kwargs instanceof Mapping)) {
      throw this.#malformed("a call whose arguments are no tuple and dict");
    }
    return this.#make(new ObjectRecord(callable, args.items, kwargs), 100);
  }

  #object(values: PickleValue[]): undefined {
    const [callable, ...args] = values;
    if (callable === undefined) throw this.#malformed("an object without a class");
    return this.#make(new ObjectRecord(callable, args), 100 + 8 * args.length);
  }

  #outside(id: PickleValue): undefined {
    const persistent = new PersistentId(id);
    this.#persistent.push(persistent);
    this.#make(persistent, 32);
  }

  #build(state: PickleValue): undefined {
    const target = this.#top();
    if (!(target instanceof ObjectRecord)) throw this.#malformed("a pickle gives state to something that is no object");
    target.state = state;
  }
}
