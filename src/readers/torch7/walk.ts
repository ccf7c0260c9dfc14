import type { T7Object, T7Storage, T7Table, T7Tensor, T7Value } from "./value.ts";

/** A value of the file with the path that leads to it first; what several paths lead to comes once. */
export interface Visited {
  readonly path: string;
  readonly value: T7Value;
  /** The object whose field this is, and the field. */
  readonly owner: { readonly object: T7Object; readonly field: string } | undefined;
}

/**
 * Everything in a file, in its order, except that a container's `modules` come before its other fields: a graph refers to its
 * modules from everywhere, and they are known by their place in that list.
 */
export function* walkT7(root: T7Value): Generator<Visited> {
  const seen = new Set<T7Value>();
  const stack: Visited[] = [{ path: "", value: root, owner: undefined }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { value, path } = next;
    if (typeof value === "object" && value !== null) {
      if (seen.has(value)) continue;
      seen.add(value);
    }
    yield next;
    // Last in, first out: the children go in from the last to the first.
    stack.push(...children(value, path).toReversed());
  }
}

function children(value: T7Value, path: string): readonly Visited[] {
  if (typeof value !== "object" || value === null) return [];
  if (value.kind === "table") return tableChildren(value, path, undefined);
  if (value.kind === "function") return [{ path: join(path, "upvalues"), value: value.upvalues, owner: undefined }];
  if (value.kind !== "object") return [];
  const { payload } = value;
  if (typeof payload !== "object" || payload === null || payload.kind !== "table") return [{ path, value: payload, owner: undefined }];
  const fields = tableChildren(payload, path, value);
  const first = fields.filter(({ owner }) => owner?.field === "modules");
  return [...first, ...fields.filter((child) => !first.includes(child))];
}

function tableChildren(table: T7Table, path: string, object: T7Object | undefined): readonly Visited[] {
  return table.entries.flatMap(([key, value]): Visited[] => {
    const name = keyName(key);
    const owner = object === undefined ? undefined : { object, field: name };
    const inner: Visited = { path: join(path, name), value, owner };
    // A key may be a table or an object itself: what is in it is listed too.
    return typeof key === "object" && key !== null ? [{ path: join(path, name), value: key, owner: undefined }, inner] : [inner];
  });
}

function keyName(key: T7Value): string {
  if (typeof key === "object" && key !== null) return key.kind === "object" ? `[${key.className}]` : `[${key.kind}]`;
  return String(key);
}

export function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** A field of an object's payload. */
export function fieldOf(object: T7Object, name: string): T7Value | undefined {
  const { payload } = object;
  if (typeof payload !== "object" || payload === null || payload.kind !== "table") return undefined;
  return payload.entries.find(([key]) => key === name)?.[1];
}

export function isT7Object(value: T7Value | undefined): value is T7Object {
  return typeof value === "object" && value !== null && value.kind === "object";
}

export function isTable(value: T7Value | undefined): value is T7Table {
  return typeof value === "object" && value !== null && value.kind === "table";
}

export function isTensor(value: T7Value | undefined): value is T7Tensor {
  return typeof value === "object" && value !== null && value.kind === "tensor";
}

export function isStorage(value: T7Value | undefined): value is T7Storage {
  return typeof value === "object" && value !== null && value.kind === "storage";
}
