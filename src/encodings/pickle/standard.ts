import { latin1 } from "../../io/bytes.ts";
import { fromUtf8, toLatin1 } from "./text.ts";
import { encodedBytes, GlobalName, Mapping, ObjectRecord, type PickleValue, Sequence, Slice } from "./values.ts";

/*
 * Python's own containers as they come out of a pickle: directly, or as the call that rebuilds them. Python 2 names appear in
 * every file of protocol 2 and less, whoever wrote it.
 */

const dictPaths = new Set([
  "collections.OrderedDict",
  "collections.defaultdict",
  "collections.Counter",
  "collections.UserDict",
  "builtins.dict",
  "__builtin__.dict",
  "types.MappingProxyType",
]);
const listPaths = new Map<string, Sequence["kind"]>([
  ["builtins.list", "list"],
  ["__builtin__.list", "list"],
  ["builtins.tuple", "tuple"],
  ["__builtin__.tuple", "tuple"],
  ["builtins.set", "set"],
  ["__builtin__.set", "set"],
  ["builtins.frozenset", "frozenset"],
  ["__builtin__.frozenset", "frozenset"],
  ["collections.deque", "list"],
  ["torch.Size", "tuple"],
]);
const noEntries: ReadonlyMap<PickleValue, PickleValue> = new Map();

/** The entries of a dict of any make, in order; undefined for what is none. Attributes (BUILD) are no entries. */
export function mappingEntries(value: PickleValue | undefined): ReadonlyMap<PickleValue, PickleValue> | undefined {
  if (value instanceof Mapping) return value.entries;
  if (!(value instanceof ObjectRecord) || value.path === undefined || !dictPaths.has(value.path)) return undefined;
  // Python 2 hands the items to the constructor, a list of [key, value] lists; a defaultdict's first argument is its factory.
  const first = value.args.find((arg) => arg instanceof Sequence || arg instanceof Mapping);
  const own = value.dict?.entries ?? noEntries;
  if (first === undefined) return own;
  const given = first instanceof Mapping ? first.entries : pairs(first);
  if (given === undefined) return undefined;
  if (own.size === 0) return given;
  const both = new Mapping();
  both.add([...given, ...own].flat());
  return both.entries;
}

function pairs(list: PickleValue): ReadonlyMap<PickleValue, PickleValue> | undefined {
  if (!(list instanceof Sequence)) return undefined;
  const mapping = new Mapping();
  for (const item of list.items) {
    if (!(item instanceof Sequence) || item.items.length !== 2) return undefined;
    mapping.add([...item.items]);
  }
  return mapping.entries;
}

/** The elements of a list, tuple or set of any make; undefined for what is none. */
export function itemsOf(value: PickleValue | undefined): readonly PickleValue[] | undefined {
  if (value instanceof Sequence) return value.items;
  if (!(value instanceof ObjectRecord) || value.path === undefined || !listPaths.has(value.path)) return undefined;
  const first = value.args[0];
  const given = first === undefined ? [] : itemsOf(first);
  const own = value.list?.items;
  if (given === undefined || own === undefined) return given ?? own;
  return [...given, ...own];
}

/** A tuple of whole numbers (shapes, strides); undefined for anything else. */
export function integersOf(value: PickleValue | undefined): readonly number[] | undefined {
  const items = itemsOf(value);
  // The pickle's own array serves: it is exactly as long as it has to be.
  return items?.every(isWhole) === true ? items : undefined;
}

function isWhole(value: PickleValue): value is number {
  return typeof value === "number" && Number.isSafeInteger(value);
}

const byteCalls = new Set(["builtins.bytes", "__builtin__.bytes", "builtins.bytearray", "__builtin__.bytearray", "__builtin__.str"]);

/**
 * The value of a bytes object: the bytes themselves (also of a Python 2 string), where they are, or a text that means them character by
 * character: protocols 0 to 2 write a call of `_codecs.encode(text, "latin1")`, and `bytes()` where there are none. Undefined for what is no bytes.
 */
export function bytesValue(value: PickleValue | undefined): Uint8Array | Slice | string | undefined {
  if (value instanceof Uint8Array || value instanceof Slice) return value;
  if (typeof value === "string") return toLatin1(value);
  if (!(value instanceof ObjectRecord) || value.path === undefined) return undefined;
  const [first, encoding] = value.args;
  if (value.path === "_codecs.encode") {
    const isText = typeof first === "string" || (first instanceof Slice && first.encoding !== "bytes");
    return isText && typeof encoding === "string" && /^(latin[-_]?1|iso-?8859-1)$/i.test(encoding) ? first : undefined;
  }
  if (!byteCalls.has(value.path)) return undefined;
  if (first === undefined) return new Uint8Array(0);
  return first instanceof Uint8Array || first instanceof Slice ? first : typeof first === "string" ? toLatin1(first) : undefined;
}

/** Python's repr, for keys that are no text: `3`, `(1, 2)`, `None`. Texts inside are quoted. */
export function repr(value: PickleValue, depth = 0): string {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (typeof value === "string") return `'${value.replace(/[\\']/g, "\\$&")}'`;
  if (value instanceof Uint8Array) return `b'${latin1(value)}'`;
  if (value instanceof GlobalName) return value.path;
  if (value instanceof Sequence && depth < 3 && value.items.length <= 100) {
    const items = value.items.map((item) => repr(item, depth + 1));
    if (value.kind === "tuple") return `(${items.join(", ")}${items.length === 1 ? "," : ""})`;
    return value.kind === "list" ? `[${items.join(", ")}]` : `${value.kind}({${items.join(", ")}})`;
  }
  if (value instanceof ObjectRecord) return `<${value.path ?? "object"}>`;
  return "<object>";
}

/**
 * The key of a dict as one part of a path: text as it is, bytes (texts of Python 2) as the text that they are in UTF-8, anything else as its
 * repr. `others`: the keys beside it; where a text of the same letters is among them, bytes go by their repr too.
 */
export function keyName(key: PickleValue, others?: ReadonlyMap<PickleValue, unknown>): string {
  if (typeof key === "string") return key;
  // Python 3 writes bytes as a call in protocols 0 to 2.
  const bytes = key instanceof ObjectRecord ? encodedBytes(key) : key;
  const text = bytes instanceof Uint8Array && bytes.length > 0 ? fromUtf8(bytes) : undefined;
  return text === undefined || !isShown(text) || others?.has(text) === true ? repr(bytes ?? key) : text;
}

/** Whether a text has no control characters: bytes with those are no names. */
function isShown(text: string): boolean {
  return !/\p{Cc}/u.test(text);
}
