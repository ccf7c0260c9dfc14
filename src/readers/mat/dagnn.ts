import { CheckpointError } from "../../errors.ts";
import type { Inert } from "../../tensor/checkpoint.ts";
import { addNotes, addTensor, type Collected } from "./collect.ts";
import { countOf, field, type MatValue, type StructArray, textOf } from "./elements/value.ts";
import { toInert } from "./inert.ts";
import type { FoundNetwork } from "./networks.ts";
import { arrays } from "./paths.ts";

/** The struct that DagNN.saveobj makes: layers name their parameters, which are in a struct array of their own. */
export function addDagnn(into: Collected, net: Extract<FoundNetwork, { kind: "dagnn" }>): void {
  const keys = addParams(into, net);
  const makers = new Map<string, string>();
  const count = countOf(net.layers.dims);
  for (let k = 0; k < count; k += 1) {
    const name = textOf(field(net.layers, "name", k)) ?? "";
    for (const output of texts(field(net.layers, "outputs", k))) makers.set(output, name);
  }
  for (let k = 0; k < count; k += 1) {
    const name = textOf(field(net.layers, "name", k)) ?? "";
    const params = texts(field(net.layers, "params", k));
    into.layers.push({
      name,
      type: textOf(field(net.layers, "type", k)) ?? "",
      attributes: blockOf(into, field(net.layers, "block", k), `${net.path("layers")}(${k + 1}).block`),
      // Layers are joined by named variables; a variable that no layer makes is an input of the network.
      inputs: texts(field(net.layers, "inputs", k)).map((variable) => makers.get(variable) ?? variable),
      tensors: params.flatMap((param) => keyOf(keys, param, name)),
    });
  }
}

/** Lists `params(k).value`, whatever their number; keys by parameter name, none for an empty value. */
function addParams(into: Collected, net: Extract<FoundNetwork, { kind: "dagnn" }>): ReadonlyMap<string, readonly string[]> {
  const keys = new Map<string, readonly string[]>();
  const rest: Inert[] = [];
  for (let k = 0; k < countOf(net.params.dims); k += 1) {
    const name = textOf(field(net.params, "name", k)) ?? "";
    const value = field(net.params, "value", k);
    const path = `${net.path("params")}(${k + 1}).value`;
    const mine: string[] = [];
    if (value !== undefined) {
      for (const [key, array] of arrays(value, path)) {
        addTensor(into, key, array, name === "" ? undefined : `${name}${key.slice(path.length)}`);
        if (countOf(array.dims) > 0) mine.push(key);
      }
      addNotes(into, value, path);
    }
    if (keys.has(name)) throw new CheckpointError("malformed", `two parameters are named ${name}`, { tensor: path });
    keys.set(name, mine);
    rest.push(otherFields(net.params, k));
  }
  into.metadata.set("params", rest);
  return keys;
}

function otherFields(params: StructArray, element: number): Inert {
  const entries = params.fields.flatMap((name): [string, Inert][] => {
    const value = name === "value" ? undefined : field(params, name, element);
    return value === undefined ? [] : [[name, toInert(value)]];
  });
  return new Map(entries);
}

function keyOf(keys: ReadonlyMap<string, readonly string[]>, param: string, layer: string): readonly string[] {
  const found = keys.get(param);
  if (found === undefined) throw new CheckpointError("malformed", `layer ${layer} needs the parameter ${param}, which is not there`);
  return found;
}

/** The texts of a cell; one text means itself. */
function texts(value: MatValue | undefined): readonly string[] {
  if (value?.kind === "cell") return value.items.flatMap((item) => textOf(item) ?? []);
  const text = textOf(value);
  return text === undefined || text === "" ? [] : [text];
}

function blockOf(into: Collected, block: MatValue | undefined, path: string): ReadonlyMap<string, Inert> {
  if (block?.kind !== "struct" || countOf(block.dims) !== 1) return new Map();
  addNotes(into, block, path);
  return new Map(
    block.fields.map((name, k): [string, Inert] => {
      const value = block.values[k];
      return [name, value === undefined ? null : toInert(value)];
    }),
  );
}
