import type { Inert } from "../../tensor/checkpoint.ts";
import { numbersOf } from "./elements/array.ts";
import { countOf, type MatValue, type NumericArray } from "./elements/value.ts";

/**
 * A value for metadata: one number, truth value or text as itself, vectors and cells as lists, structs as maps, everything
 * else as a map of class and dimensions. Matrices give their values in column-major order beside their dimensions.
 */
export function toInert(value: MatValue): Inert {
  switch (value.kind) {
    case "numeric":
      return numericInert(value);
    case "char":
      if (value.rows === undefined)
        return new Map<string, Inert>([
          ["class", "char"],
          ["dims", value.dims],
        ]);
      return value.rows.length > 1 ? value.rows : (value.rows[0] ?? "");
    case "cell":
      return value.items.map(toInert);
    case "struct": {
      const count = countOf(value.dims);
      const width = value.fields.length;
      if (width === 0) return new Map();
      const elements = Array.from({ length: count }, (_, e) => {
        const entries = value.fields.map((name, f): [string, Inert] => {
          const inner = value.values[e * width + f];
          return [name, inner === undefined ? null : toInert(inner)];
        });
        return new Map(entries);
      });
      return elements.length === 1 ? (elements[0] ?? null) : elements;
    }
    case "object":
    case "function":
    case "unreadable":
      return new Map<string, Inert>([[value.kind, value.name]]);
  }
}

function numericInert(array: NumericArray): Inert {
  const values = numbersOf(array);
  if (values !== undefined && values.length === 1) return values[0] ?? null;
  const vector = array.dims.filter((n) => n !== 1).length <= 1;
  if (values !== undefined && vector) return values;
  const shape: [string, Inert][] = [
    ["dtype", array.dtype],
    ["dims", array.dims],
  ];
  return new Map(values === undefined ? shape : [...shape, ["values", values]]);
}

/**
 * A colour average as a network's own code uses it: one value a channel. A full image of averages (height × width × channels)
 * becomes the mean of each channel, in double precision.
 */
export function channelMeans(array: NumericArray): Inert {
  const values = numbersOf(array);
  const [height = 0, width = 0, channels = 1] = array.dims;
  const area = height * width;
  if (values === undefined || array.dims.length > 3 || area < 2 || channels === 1) return numericInert(array);
  const means = Array.from({ length: channels }, (_, c) => {
    let sum = 0;
    for (let k = c * area; k < (c + 1) * area; k += 1) sum += Number(values[k] ?? 0);
    return sum / area;
  });
  return new Map<string, Inert>([
    ["dtype", array.dtype],
    ["dims", array.dims],
    ["mean", means],
  ]);
}
