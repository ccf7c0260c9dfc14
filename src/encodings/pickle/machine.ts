import { CheckpointError, type ErrorWhere } from "../../errors.ts";
import { Cursor } from "../../io/source/cursor.ts";
import type { ByteSource } from "../../io/source/source.ts";
import { append, emptySize, giveState, pushCall, pushDict, pushGlobal, pushObject, pushSequence, setItems } from "./build.ts";
import { Operands, type Pending } from "./operands.ts";
import { type UsedEntries, usedEntries } from "./scan.ts";
import { PickleStack } from "./stack.ts";
import { GlobalName, Mapping, ObjectRecord, PersistentId, type PickleValue, Sequence } from "./values.ts";

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
  /** All ids of objects outside the pickle, in order; only where they were asked for. */
  readonly persistent: readonly PersistentId[];
}

export interface PickleOptions {
  /** Where the pickle has to end; the end of the source otherwise. */
  readonly end?: number;
  /** Takes a call (and what BUILD gave it) as it comes by, so that its arguments can be let go; undefined leaves the record. */
  readonly interpret?: (call: ObjectRecord) => PickleValue | undefined;
  readonly keepPersistent?: boolean;
}

/** Bytes fetched at a time: a tensor's instructions take some 200 bytes, then a long skip follows. */
const CHUNK = 1 << 14;
/** A longer pickle is walked over first, to learn which values the memo has to keep. */
const SCANNED = 1 << 20;
/** An instruction and its longest argument of fixed size. */
const LOOKAHEAD = 9;

/**
 * Reads one pickle from `offset` on. Throws `truncated`, `malformed`, `unsafe` (beyond the limits of budget.ts) and `unsupported`
 * (extension codes, out-of-band buffers, protocols beyond 5), always with the offset of the instruction.
 */
export async function readPickle(source: ByteSource, offset = 0, options: PickleOptions = {}): Promise<Pickle> {
  const end = options.end ?? source.size;
  const cursor = (): Cursor => new Cursor(source, offset, end, { chunk: CHUNK });
  const used = end - offset > SCANNED ? await usedEntries(cursor()) : undefined;
  return new Machine(cursor(), end - offset, options, used).run();
}

class Machine {
  readonly #cursor: Cursor;
  readonly #stack: PickleStack;
  readonly #operands: Operands;
  readonly #options: PickleOptions;
  readonly #persistent: PersistentId[] = [];
  #protocol = 0;
  /** Offset of the instruction being carried out. */
  #start = 0;
  readonly #where = (): ErrorWhere => ({ file: this.#cursor.source.name, offset: this.#start });

  constructor(cursor: Cursor, length: number, options: PickleOptions, used: UsedEntries | undefined) {
    this.#cursor = cursor;
    this.#options = options;
    this.#stack = new PickleStack(length, used, this.#where);
    this.#operands = new Operands(cursor, this.#stack);
  }

  async run(): Promise<Pickle> {
    const cursor = this.#cursor;
    const { budget } = this.#stack;
    for (;;) {
      if (!cursor.has(LOOKAHEAD)) await cursor.fill(Math.min(LOOKAHEAD, cursor.remaining));
      this.#start = cursor.position;
      if (!cursor.has(1)) throw new CheckpointError("truncated", "the pickle ends before its STOP instruction", this.#where());
      budget.step(1, this.#where);
      const code = cursor.u8();
      if (code === 0x2e) break;
      const pending = this.#step(code);
      if (pending !== undefined) await pending;
    }
    return { value: this.#stack.pop(), protocol: this.#protocol, end: cursor.position, persistent: this.#persistent };
  }

  /** One instruction; a promise where it needs bytes that are not in the buffer. */
  #step(code: number): Pending {
    const stack = this.#stack;
    const operands = this.#operands;
    switch (code) {
      case 0x80: // PROTO
        return this.#setProtocol(operands.fixed(1).u8());
      case 0x95: // FRAME: a hint for buffering, payloads of 64 KiB and more are outside
        return this.#frame(operands.fixed(8).u64());
      case 0x28: // MARK
        return stack.mark();
      case 0x30: // POP
        return stack.drop();
      case 0x31: // POP_MARK
        stack.popMark();
        return;
      case 0x32: // DUP
        return stack.push(stack.top());
      case 0x4e: // NONE
        return stack.push(null);
      case 0x88: // NEWTRUE
        return stack.push(true);
      case 0x89: // NEWFALSE
        return stack.push(false);
      case 0x4b: // BININT1
        return stack.push(operands.fixed(1).u8());
      case 0x4d: // BININT2
        return stack.push(operands.fixed(2).u16());
      case 0x4a: // BININT
        return stack.push(operands.fixed(4).i32());
      case 0x8a: // LONG1
        return operands.long(operands.fixed(1).u8());
      case 0x8b: // LONG4
        return operands.long(operands.fixed(4).i32());
      case 0x47: // BINFLOAT
        return stack.make(operands.bigEndianDouble(), 16);
      case 0x49: // INT
        return operands.line((line) => stack.push(line === "00" || line === "01" ? line === "01" : operands.integer(line)));
      case 0x4c: // LONG
        return operands.line((line) => stack.push(operands.integer(line.replace(/L$/, ""))));
      case 0x46: // FLOAT
        return operands.line((line) => stack.make(operands.float(line), 16));
      case 0x58: // BINUNICODE
        return operands.text(operands.fixed(4).u32(), "utf-8");
      case 0x8c: // SHORT_BINUNICODE
        return operands.text(operands.fixed(1).u8(), "utf-8");
      case 0x8d: // BINUNICODE8
        return operands.text(operands.fixed(8).u64(), "utf-8");
      case 0x55: // SHORT_BINSTRING
        return operands.text(operands.fixed(1).u8(), "latin-1");
      case 0x54: // BINSTRING
        return operands.text(operands.fixed(4).i32(), "latin-1");
      case 0x56: // UNICODE
        return operands.textLine("escaped");
      case 0x53: // STRING
        return operands.textLine("quoted");
      case 0x43: // SHORT_BINBYTES
        return operands.bytes(operands.fixed(1).u8());
      case 0x42: // BINBYTES
        return operands.bytes(operands.fixed(4).u32());
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        return operands.bytes(operands.fixed(8).u64());
      case 0x29: // EMPTY_TUPLE
        return pushSequence(stack, "tuple", []);
      case 0x85: // TUPLE1
        return pushSequence(stack, "tuple", [stack.pop()]);
      case 0x86: // TUPLE2
        return pushSequence(stack, "tuple", stack.popTwo());
      case 0x87: // TUPLE3
        return pushSequence(stack, "tuple", stack.popThree());
      case 0x74: // TUPLE
        return pushSequence(stack, "tuple", stack.popMark());
      case 0x5d: // EMPTY_LIST
        return stack.make(new Sequence("list"), emptySize);
      case 0x6c: // LIST
        return pushSequence(stack, "list", stack.popMark());
      case 0x8f: // EMPTY_SET
        return stack.make(new Sequence("set"), emptySize);
      case 0x91: // FROZENSET
        return pushSequence(stack, "frozenset", stack.popMark());
      case 0x7d: // EMPTY_DICT
        return stack.make(new Mapping(), emptySize);
      case 0x64: // DICT
        return pushDict(stack, stack.popMark());
      case 0x61: // APPEND
        return append(stack, [stack.pop()]);
      case 0x65: // APPENDS
      case 0x90: // ADDITEMS
        return append(stack, stack.popMark());
      case 0x73: // SETITEM
        return setItems(stack, stack.popTwo());
      case 0x75: // SETITEMS
        return setItems(stack, stack.popMark());
      case 0x71: // BINPUT
        return stack.put(operands.fixed(1).u8());
      case 0x72: // LONG_BINPUT
        return stack.put(operands.fixed(4).u32());
      case 0x94: // MEMOIZE
        return stack.memoize();
      case 0x70: // PUT
        return operands.line((line) => stack.put(operands.index(line)));
      case 0x68: // BINGET
        return stack.get(operands.fixed(1).u8());
      case 0x6a: // LONG_BINGET
        return stack.get(operands.fixed(4).u32());
      case 0x67: // GET
        return operands.line((line) => stack.get(operands.index(line)));
      case 0x63: // GLOBAL
        return operands.line((module) => operands.line((name) => pushGlobal(stack, module, name)));
      case 0x93: // STACK_GLOBAL
        return this.#withTwo(pushGlobal);
      case 0x52: // REDUCE
        this.#withTwo(pushCall);
        return this.#interpret();
      case 0x81: // NEWOBJ
        return this.#withTwo(pushCall);
      case 0x92: // NEWOBJ_EX
        return this.#withThree(pushCall);
      case 0x69: // INST
        return operands.line((module) =>
          operands.line((name) => stack.make(new ObjectRecord(new GlobalName(module, name), stack.popMark()), 200)),
        );
      case 0x6f: // OBJ
        return pushObject(stack, stack.popMark());
      case 0x62: // BUILD
        giveState(stack, stack.pop());
        return this.#interpret();
      case 0x51: // BINPERSID
        return this.#outside(stack.pop());
      case 0x50: // PERSID
        return operands.line((line) => this.#outside(line));
      case 0x82: // EXT1
      case 0x83: // EXT2
      case 0x84: // EXT4
        throw this.#unsupported("uses extension codes, which only the program that wrote it knows");
      case 0x97: // NEXT_BUFFER
      case 0x98: // READONLY_BUFFER
        throw this.#unsupported("keeps its data in out-of-band buffers (PEP 574), which are not in the file");
      default:
        throw stack.malformed(`byte 0x${code.toString(16).padStart(2, "0")} is no pickle instruction`);
    }
  }

  #interpret(): undefined {
    const call = this.#stack.top();
    const value = call instanceof ObjectRecord ? this.#options.interpret?.(call) : undefined;
    if (value !== undefined) this.#stack.replaceTop(value);
  }

  #withTwo(use: (stack: PickleStack, first: PickleValue, second: PickleValue) => undefined): undefined {
    const second = this.#stack.pop();
    return use(this.#stack, this.#stack.pop(), second);
  }

  #withThree(use: (stack: PickleStack, first: PickleValue, second: PickleValue, third: PickleValue) => undefined): undefined {
    const third = this.#stack.pop();
    const second = this.#stack.pop();
    return use(this.#stack, this.#stack.pop(), second, third);
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

  #outside(id: PickleValue): undefined {
    const persistent = new PersistentId(id);
    if (this.#options.keepPersistent === true) this.#persistent.push(persistent);
    return this.#stack.make(persistent, 32);
  }

  #unsupported(what: string): CheckpointError {
    return new CheckpointError("unsupported", `the pickle ${what}`, this.#where());
  }
}
