import { type CellArray, countOf, field, type MatFile, type StructArray, textOf } from "./elements/value.ts";

/** A MatConvNet network inside a MAT-file, with the MATLAB expression of its fields. */
export type FoundNetwork =
  | {
      readonly kind: "simplenn";
      readonly path: (name: string) => string;
      readonly variable: string | undefined;
      readonly layers: CellArray;
      readonly holder: StructArray;
    }
  | {
      readonly kind: "dagnn";
      readonly path: (name: string) => string;
      readonly variable: string | undefined;
      readonly layers: StructArray;
      readonly params: StructArray;
      readonly holder: StructArray;
    };

/**
 * The networks of a file: `layers` beside `meta` at the top level, as vlfeat's downloads have it, or a struct with these fields
 * (`net` in Oxford's files and in training checkpoints).
 */
export function findNetworks(file: MatFile): readonly FoundNetwork[] {
  const top: StructArray = {
    kind: "struct",
    dims: [1, 1],
    fields: file.variables.map(({ name }) => name),
    values: file.variables.map(({ value }) => value),
  };
  const atTop = networkOf(top, undefined);
  if (atTop !== undefined) return [atTop];
  return file.variables.flatMap(({ name, value }) => {
    const found = value.kind === "struct" && countOf(value.dims) === 1 ? networkOf(value, name) : undefined;
    return found === undefined ? [] : [found];
  });
}

function networkOf(holder: StructArray, variable: string | undefined): FoundNetwork | undefined {
  const layers = field(holder, "layers");
  const path = (name: string): string => (variable === undefined ? name : `${variable}.${name}`);
  if (layers?.kind === "cell" && layers.items.length > 0 && layers.items.every(isLayer))
    return { kind: "simplenn", path, variable, layers, holder };
  const params = field(holder, "params");
  if (layers?.kind === "struct" && params?.kind === "struct" && isDagnn(layers, params)) {
    return { kind: "dagnn", path, variable, layers, params, holder };
  }
  return undefined;
}

/** vl_simplenn needs `type` in every layer; `name` is optional. */
function isLayer(item: CellArray["items"][number]): boolean {
  return item.kind === "struct" && countOf(item.dims) === 1 && textOf(field(item, "type")) !== undefined;
}

function isDagnn(layers: StructArray, params: StructArray): boolean {
  const needed = ["name", "type", "params", "block"];
  return needed.every((name) => layers.fields.includes(name)) && params.fields.includes("name") && params.fields.includes("value");
}
