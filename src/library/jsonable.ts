import { plainly } from "../report/json.ts";

/** Lets `JSON.stringify` give what `--json` prints: without it a Map is `{}`, NaN is null and a BigInt is an error. */
export function jsonable<T extends object>(record: T): T {
  for (const value of Object.values(record)) if (value instanceof Map) describe(value);
  return describe(record);
}

function describe<T extends object>(value: T): T {
  if (value instanceof Map) for (const inner of value.values()) if (inner instanceof Map) describe(inner);
  // Not enumerable: whoever copies or compares a record sees its fields only.
  return Object.defineProperty(value, "toJSON", { value: () => plainly(value), enumerable: false, configurable: true, writable: true });
}
