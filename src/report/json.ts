import { base64 } from "../io/bytes.ts";
import { Axes } from "../tensor/axes.ts";

/**
 * A record as one line of JSON. NaN and infinities are the strings "NaN", "Infinity", "-Infinity"; integers beyond 2^53 are strings; a Map
 * is an object in its own order, bytes are `{ "base64": … }`. Any name stays valid JSON: lone surrogates are escaped.
 */
export function toJson(record: unknown): string {
  return JSON.stringify(plainly(record));
}

/** Records nested deeper than this are written whole: the long lists are in the outer two. */
const OUTER = 3;

/** The same in pieces: the text of a hundred thousand tensors is never all there. */
export function* jsonPieces(value: unknown, depth = OUTER): Generator<string> {
  if (depth === 0 || !isOuter(value)) {
    yield toJson(value);
    return;
  }
  const list = Array.isArray(value);
  let before = list ? "[" : "{";
  if (list) {
    for (const item of value) {
      yield before + toJson(item ?? null);
      before = ",";
    }
  } else {
    // One by one: a list that a record makes up as it is asked for is gone when the next one comes.
    for (const key of Object.keys(value)) {
      const field: unknown = Reflect.get(value, key);
      if (field === undefined) continue;
      yield `${before}${JSON.stringify(key)}:`;
      yield* jsonPieces(field, depth - 1);
      before = ",";
    }
  }
  // Nothing was in it.
  if (before !== ",") yield before;
  yield list ? "]" : "}";
}

/** Lists, and records with names of ours: a Map may have any. */
function isOuter(value: unknown): value is object {
  return typeof value === "object" && value !== null && !(value instanceof Map) && !(value instanceof Axes) && !ArrayBuffer.isView(value);
}

/** A record as JSON has it: maps are objects, bytes are base64, what JSON has no number for is a text. */
export function plainly(value: unknown): unknown {
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Axes) return value.text;
  if (value instanceof Uint8Array) return { base64: base64(value) };
  if (ArrayBuffer.isView(value)) return value instanceof DataView ? undefined : Array.from(Object.values(value), plainly);
  if (Array.isArray(value)) return value.map(plainly);
  return withoutPrototype(value instanceof Map ? value.entries() : Object.entries(value));
}

/** Object.fromEntries defines own properties, so a key "__proto__" is an ordinary one. */
function withoutPrototype(entries: Iterable<[unknown, unknown]>): unknown {
  const fields: [string, unknown][] = [];
  for (const [key, field] of entries) if (field !== undefined) fields.push([String(key), plainly(field)]);
  return Object.fromEntries(fields);
}
