import { CheckpointError } from "../../errors.ts";
import { bytesOfLatin1, hex } from "../../io/bytes.ts";
import type { ByteSource } from "../../io/source/source.ts";

/**
 * What a pickle says, as inert data: no name is resolved, nothing is called. Containers are shared by reference where the
 * pickle shares them (the memo), and lists and maps may contain themselves: whoever walks them keeps count.
 *
 * Python's int and float are both numbers here, an int beyond 2^53 is a bigint.
 */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Slice
  | Sequence
  | Mapping
  | GlobalName
  | ObjectRecord
  | PersistentId
  | Interpreted;

/**
 * How the bytes of a slice mean the value:
 * bytes: they are the value. latin-1: a Python 2 string, one byte a character. utf-8: text.
 * escaped: text of protocol 0, `\uXXXX` and latin-1. quoted: a Python 2 string literal of protocol 0 without its quotes.
 */
export type SliceEncoding = "bytes" | "latin-1" | "utf-8" | "escaped" | "quoted";

/** A long byte string or text that was not read: only where it is. */
export class Slice {
  readonly source: ByteSource;
  readonly offset: number;
  /** Encoded bytes. */
  readonly length: number;
  readonly encoding: SliceEncoding;

  constructor(source: ByteSource, offset: number, length: number, encoding: SliceEncoding) {
    this.source = source;
    this.offset = offset;
    this.length = length;
    this.encoding = encoding;
  }
}

/** Short bytes, which are read at once, and where they were read. */
export class PlacedBytes extends Uint8Array {
  readonly within: NonNullable<ByteSource["within"]>;

  constructor(bytes: Uint8Array, source: ByteSource, offset: number) {
    super(bytes);
    this.within = { source, offset };
  }

  /** Parts of them are plain bytes. */
  static get [Symbol.species](): Uint8ArrayConstructor {
    return Uint8Array;
  }
}

const nothing: PickleValue[] = [];

/** An array that grows by push has room for 17 values from the first one on; most lists and dicts are filled once, so that array is kept. */
function joined(values: PickleValue[], more: PickleValue[]): PickleValue[] {
  if (values.length === 0) return more;
  for (const value of more) values.push(value);
  return values;
}

/** list, tuple, set or frozenset. */
export class Sequence {
  readonly kind: "list" | "tuple" | "set" | "frozenset";
  #items: PickleValue[];

  constructor(kind: "list" | "tuple" | "set" | "frozenset", items: PickleValue[] = nothing) {
    this.kind = kind;
    this.#items = items;
  }

  get items(): readonly PickleValue[] {
    return this.#items;
  }

  /** Takes the array over. */
  add(values: PickleValue[]): void {
    this.#items = joined(this.#items, values);
  }
}

/** Dicts up to this many entries are laid out anew each time they are looked into: a file may hold a million of them. */
const small = 16;

/** dict, in the order of the file. Keys that are containers compare by identity. */
export class Mapping {
  /** Key, value, key, value, … as they came. */
  #pairs: PickleValue[] = nothing;
  #entries: ReadonlyMap<PickleValue, PickleValue> | undefined;

  /** Takes the array over. */
  add(pairs: PickleValue[]): void {
    this.#pairs = joined(this.#pairs, pairs);
    this.#entries = undefined;
  }

  /** Throws `malformed` for a key that is there twice: Python lets the later value win, but two answers to one name are no checkpoint. */
  get entries(): ReadonlyMap<PickleValue, PickleValue> {
    if (this.#entries !== undefined) return this.#entries;
    const entries = new Map<PickleValue, PickleValue>();
    let others: Set<PickleValue> | undefined; // keys that are no text, as `pythonKey` has them
    for (let k = 0; k < this.#pairs.length; k += 2) {
      const key = this.#pairs[k] ?? null;
      const comparable = typeof key === "string" ? key : pythonKey(key);
      const isTwice = typeof key === "string" ? entries.has(key) : others?.has(comparable) === true;
      if (isTwice) throw new CheckpointError("malformed", `a pickled dict has the key ${String(comparable)} twice`);
      if (typeof key !== "string") others = (others ?? new Set()).add(comparable);
      entries.set(key, this.#pairs[k + 1] ?? null);
    }
    if (entries.size > small) this.#entries = entries;
    return entries;
  }
}

/**
 * What two keys have in common that are one key to Python's dict: 1, 1.0 and True; 2**60 and 2.0**60; bytes, tuples and names of the same
 * content. The key itself where only the same object is equal.
 */
function pythonKey(key: PickleValue): PickleValue {
  if (typeof key === "number") return key;
  if (typeof key === "boolean") return key ? 1 : 0;
  if (typeof key === "bigint") return Number.isFinite(Number(key)) && BigInt(Number(key)) === key ? Number(key) : key;
  return contentKey(key) ?? key;
}

function contentKey(key: PickleValue): string | undefined {
  const bytes = key instanceof ObjectRecord ? encodedBytes(key) : key;
  if (bytes instanceof Uint8Array) return `bytes ${hex(bytes)}`;
  if (key instanceof GlobalName) return `name ${key.module} ${key.name}`;
  if (!(key instanceof Sequence)) return undefined;
  const parts: string[] = [];
  for (const item of key.items) {
    const plain = pythonKey(item);
    if (typeof plain === "object" && plain !== null) return undefined;
    parts.push(`${typeof plain} ${String(plain).length} ${String(plain)}`);
  }
  return `${key.kind} ${(key.kind === "frozenset" ? parts.sort() : parts).join(" ")}`;
}

/** A name that Python would import: never resolved here. */
export class GlobalName {
  readonly module: string;
  readonly name: string;
  /** "module.name"; Python 2 spellings as written. */
  readonly path: string;

  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
    this.path = `${module}.${name}`;
  }
}

/** A call that Python would make (REDUCE, NEWOBJ, INST, OBJ), with all that is put into its result afterwards. */
export class ObjectRecord {
  readonly callable: PickleValue;
  readonly args: readonly PickleValue[];
  /** Keyword arguments of NEWOBJ_EX. */
  readonly kwargs: Mapping | undefined;
  /** What BUILD hands over. */
  state: PickleValue | undefined = undefined;
  /** APPEND, APPENDS, ADDITEMS. */
  list: Sequence | undefined = undefined;
  /** SETITEM, SETITEMS. */
  dict: Mapping | undefined = undefined;

  constructor(callable: PickleValue, args: readonly PickleValue[], kwargs?: Mapping) {
    this.callable = callable;
    this.args = args;
    this.kwargs = kwargs;
  }

  /** "module.name" of what is called; undefined where that is no name. */
  get path(): string | undefined {
    return this.callable instanceof GlobalName ? this.callable.path : undefined;
  }
}

/** Short bytes that are written as a call, `_codecs.encode(text, "latin1")`. */
export function encodedBytes({ path, args }: ObjectRecord): Uint8Array | undefined {
  const [text, encoding] = args;
  return path === "_codecs.encode" && typeof text === "string" && encoding === "latin1" ? bytesOfLatin1(text) : undefined;
}

/** An object that is outside the pickle (a PyTorch storage), by its id. */
export class PersistentId {
  readonly id: PickleValue;

  constructor(id: PickleValue) {
    this.id = id;
  }
}

/** What a reader made of a call while the pickle was read: small, where the call's own arguments would be kept otherwise. */
export abstract class Interpreted {
  /** Whether BUILD with this state leaves the values as they are. */
  abstract keeps(state: PickleValue): boolean;
}

/** What may hold other values. */
export type Container = Sequence | Mapping | ObjectRecord;

export function isContainer(value: PickleValue): value is Container {
  return value instanceof Sequence || value instanceof Mapping || value instanceof ObjectRecord;
}

export function isTuple(value: PickleValue | undefined): value is Sequence {
  return value instanceof Sequence && value.kind === "tuple";
}
