import type { Inert } from "../../tensor/checkpoint.ts";
import { addNotes, addTensor, type Collected } from "./collect.ts";
import { countOf, field, type MatValue, type StructArray, textOf } from "./elements/value.ts";
import { toInert } from "./inert.ts";
import type { FoundNetwork } from "./networks.ts";
import { arrays, fieldPath } from "./paths.ts";

/** Fields that hold what was learnt: `weights` since 1.0-beta11 (April 2015), `filters` and `biases` before. */
const learnt: ReadonlySet<string> = new Set(["weights", "filters", "biases"]);

/** A chain: every layer reads what the one before it made. */
export function addSimplenn(into: Collected, net: Extract<FoundNetwork, { kind: "simplenn" }>): void {
  let before: string | undefined;
  for (const [k, layer] of net.layers.items.entries()) {
    if (layer.kind !== "struct") continue;
    const path = `${net.path("layers")}{${k + 1}}`;
    const name = textOf(field(layer, "name")) ?? "";
    into.layers.push({
      name: name === "" ? path : name,
      type: textOf(field(layer, "type")) ?? "",
      attributes: attributesOf(into, layer, path),
      inputs: before === undefined ? [] : [before],
      tensors: addLearnt(into, layer, path, name),
    });
    before = name === "" ? path : name;
  }
}

/** Lists the learnt arrays of a layer; gives the keys of those with values (an empty one means "no bias"). */
function addLearnt(into: Collected, layer: StructArray, path: string, name: string): readonly string[] {
  const keys: string[] = [];
  for (const [k, value] of layer.values.entries()) {
    const fieldName = layer.fields[k] ?? "";
    if (!learnt.has(fieldName)) continue;
    for (const [key, array] of arrays(value, fieldPath(path, fieldName))) {
      addTensor(into, key, array, name === "" ? undefined : `${name}${key.slice(path.length)}`);
      if (countOf(array.dims) > 0) keys.push(key);
    }
    addNotes(into, value, fieldPath(path, fieldName));
  }
  return keys;
}

function attributesOf(into: Collected, layer: StructArray, path: string): ReadonlyMap<string, Inert> {
  const attributes = new Map<string, Inert>();
  for (const [k, value] of layer.values.entries()) {
    const name = layer.fields[k] ?? "";
    if (learnt.has(name) || name === "name" || name === "type") continue;
    attributes.set(name, toInert(value));
    addNotes(into, value satisfies MatValue, fieldPath(path, name));
  }
  return attributes;
}
