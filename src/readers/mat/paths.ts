import { countOf, type MatValue, type NumericArray, type StructArray } from "./elements/value.ts";

/** A MATLAB expression for a field: `s.name`, or `s.('odd name')` where the name is no identifier. */
export function fieldPath(path: string, name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? `${path}.${name}` : `${path}.('${name.replaceAll("'", "''")}')`;
}

/** The element of a struct array: `s` where there is only one, else `s(3)`, counted from 1 in column-major order. */
export function elementPath(path: string, struct: StructArray, element: number): string {
  return countOf(struct.dims) === 1 ? path : `${path}(${element + 1})`;
}

/** Everything below a value that is neither cell nor struct, with its MATLAB expression, in the order of the file. */
export function* leaves(value: MatValue, path: string): Generator<readonly [string, Exclude<MatValue, { kind: "cell" | "struct" }>]> {
  if (value.kind === "cell") {
    for (const [k, item] of value.items.entries()) yield* leaves(item, `${path}{${k + 1}}`);
  } else if (value.kind === "struct") {
    const width = value.fields.length;
    for (const [k, inner] of value.values.entries()) {
      const holder = elementPath(path, value, Math.floor(k / width));
      yield* leaves(inner, fieldPath(holder, value.fields[k % width] ?? ""));
    }
  } else {
    yield [path, value];
  }
}

/** The arrays of numbers below a value. */
export function* arrays(value: MatValue, path: string): Generator<readonly [string, NumericArray]> {
  for (const [name, leaf] of leaves(value, path)) {
    if (leaf.kind === "numeric") yield [name, leaf];
  }
}
