import { plainValue } from "../../encodings/pickle/inert.ts";
import { numpyArray } from "../../encodings/pickle/numpy.ts";
import { itemsOf, keyName, mappingEntries } from "../../encodings/pickle/standard.ts";
import { joined } from "../../encodings/pickle/tree.ts";
import { ObjectRecord, type PickleValue } from "../../encodings/pickle/values.ts";
import type { Inert, LayerRecord } from "../../tensor/checkpoint.ts";
import { isPacked, isPackedHolder, packedChildren, packedName } from "./packed.ts";
import { className, tensorRecord } from "./records.ts";

/*
 * A pickled module is an object whose attributes hold three dicts (torch/nn/modules/module.py): `_parameters`, `_buffers`, `_modules`. TorchScript's
 * modules have their tensors and submodules as plain attributes; their classes are in the package `__torch__`.
 */

const dicts = ["_parameters", "_buffers", "_modules"];
const known = new Set<PickleValue>(dicts);

export function isModule(value: PickleValue): value is ObjectRecord {
  if (!(value instanceof ObjectRecord)) return false;
  const attributes = mappingEntries(value.state);
  return attributes !== undefined && (attributes.has("_modules") || attributes.has("_parameters"));
}

export function isScripted(value: PickleValue): value is ObjectRecord {
  return value instanceof ObjectRecord && className(value.callable)?.startsWith("__torch__.") === true;
}

/** Tensors and submodules under the names of state_dict(): own parameters, own buffers, then the submodules. */
export function* moduleChildren(value: ObjectRecord, path: string | undefined): Generator<readonly [string, PickleValue]> {
  const attributes = mappingEntries(value.state);
  if (attributes === undefined) return;
  if (isModule(value)) {
    for (const dict of dicts) {
      for (const [key, child] of mappingEntries(attributes.get(dict)) ?? []) {
        if (child !== null) yield [joined(path, ".", keyName(key)), child];
      }
    }
  }
  for (const [key, child] of attributes) {
    // Attributes that are settings belong to the layer record; state_dict() lists no other tensors, but the file holds them.
    const isTensor = tensorRecord(child) !== undefined || numpyArray(child) !== undefined;
    if (isTensor || (child instanceof ObjectRecord && isScripted(child)) || (!known.has(key) && holdsTensors(child)))
      yield [joined(path, ".", keyName(key)), child];
  }
}

/** Levels that are looked through for tensors in what no module registers. */
const deepest = 6;

/** Whether tensors are below an attribute that is no parameter, buffer or submodule: in lists of layers, packed weights, objects of a class of somebody's. */
function holdsTensors(value: PickleValue, depth = 0): boolean {
  if (depth > deepest) return false;
  if (tensorRecord(value) !== undefined) return true;
  const object = value instanceof ObjectRecord ? value : undefined;
  const items =
    itemsOf(value) ?? mappingEntries(value)?.values() ?? itemsOf(object?.state) ?? mappingEntries(object?.state)?.values() ?? [];
  return [...items].some((item) => holdsTensors(item, depth + 1));
}

/** Names of the weights that a module of packed ones holds. */
function packedTensors(holder: ObjectRecord, path: string): readonly string[] {
  const packed = isPacked(holder) ? holder : mappingEntries(holder.state)?.get(packedName);
  if (!(packed instanceof ObjectRecord) || !isPacked(packed)) return [];
  return [...packedChildren(packed, packed === holder ? path : joined(path, ".", packedName))].map(([name]) => name);
}

/** A module without submodules as a layer of the network, with its settings; undefined for containers of other modules. */
export function moduleLayer(value: ObjectRecord, path: string): LayerRecord | undefined {
  const state = mappingEntries(value.state);
  if (state === undefined) return undefined;
  // A quantised dense layer keeps its weights in a module of its own.
  const parts = mappingEntries(state.get("_modules")) ?? new Map<PickleValue, PickleValue>();
  const packed = [...parts.entries(), ...state.entries()].find(([key]) => key === packedName)?.[1];
  const scripted = [...state.values()].some((child) => isScripted(child) && child !== packed);
  if ((packed === undefined ? parts.size > 0 : parts.size > 1) || scripted || isPackedHolder(value)) return undefined;
  const attributes = new Map<string, Inert>();
  const tensors: string[] = [];
  for (const [key, child] of state) {
    const name = keyName(key);
    if (tensorRecord(child) !== undefined) tensors.push(joined(path === "" ? undefined : path, ".", name));
    const plain = name.startsWith("_") ? undefined : plainValue(child);
    if (plain !== undefined) attributes.set(name, plain);
  }
  for (const dict of ["_parameters", "_buffers"]) {
    for (const [key, child] of mappingEntries(state.get(dict)) ?? []) {
      if (child !== null) tensors.push(joined(path === "" ? undefined : path, ".", keyName(key)));
    }
  }
  if (packed instanceof ObjectRecord) tensors.push(...packedTensors(packed, joined(path === "" ? undefined : path, ".", packedName)));
  // "torch.nn.modules.conv.Conv2d", and "__torch__.torch.nn.modules.conv.___torch_mangle_3.Conv2d": the last part says it.
  const type = className(value.callable)?.split(".").at(-1) ?? "module";
  return { name: path, type, attributes, inputs: [], tensors };
}
