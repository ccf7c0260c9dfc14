import { plainValue } from "../../encodings/pickle/inert.ts";
import { itemsOf } from "../../encodings/pickle/standard.ts";
import { joined } from "../../encodings/pickle/tree.ts";
import { ObjectRecord, type PickleValue } from "../../encodings/pickle/values.ts";
import type { Inert, LayerRecord } from "../../tensor/checkpoint.ts";
import { className, type TorchTensor, tensorRecord, type UnsupportedRecord } from "./records.ts";

/*
 * Quantised layers are pickled by a __getstate__ of their own (torch/ao/nn/quantized/modules/conv.py, linear.py), whole and in TorchScript:
 *   Conv2d, ConvReLU2d …    a tuple: settings of the convolution, weight, bias, scale, zero point, training
 *   LinearPackedParams      a dict with the attribute _packed_params, an object; before 1.7 the tuple weight, bias, training
 *   that object             torch.ScriptObject: ((weight, bias), class); in TorchScript an object of __torch__.torch.classes.quantized: (weight, bias)
 * Their weights go by the names of state_dict(): X.weight of a convolution, X._packed_params._packed_params.0 of a dense layer.
 */

const quantisedClass = /(^|\.)(quantized|quantizable)\./;
const packedClass = /(^torch\.ScriptObject$|\.torch\.classes\.quantized\.)/;
const settings = [
  "in_channels",
  "out_channels",
  "kernel_size",
  "stride",
  "padding",
  "dilation",
  "transposed",
  "output_padding",
  "groups",
  "padding_mode",
];
/** Where a dense layer keeps its weights, and that module its own. */
export const packedName = "_packed_params";
/** Lists in lists: the newer form of packed convolutions has two. */
const deepest = 3;

type Listed = TorchTensor | UnsupportedRecord;

/** Whether an object keeps weights in a state that is a tuple. */
export function isPacked(value: ObjectRecord): boolean {
  if (itemsOf(value.state) === undefined) return false;
  const path = className(value.callable) ?? "";
  return (quantisedClass.test(path) || packedClass.test(path)) && tensorsIn(value.state).length > 0;
}

/** The weight, and the bias where there is one, under the names of state_dict(). */
export function* packedChildren(value: ObjectRecord, path: string | undefined): Generator<readonly [string, PickleValue]> {
  const found = tensorsIn(value.state).filter(({ record }) => "unsupported" in record || record.shape.length > 1 || isVector(record));
  const weight = found.find(({ record }) => "unsupported" in record || record.shape.length > 1);
  const bias = found.find(({ record }) => !("unsupported" in record) && isVector(record) && record.shape[0] === outputs(weight?.record));
  const names = namesIn(value);
  if (weight !== undefined) yield [joined(path, ".", names[0]), weight.value];
  if (bias !== undefined) yield [joined(path, ".", names[1]), bias.value];
}

/** A quantised convolution as a layer of the network; undefined for the parts of others. */
export function packedLayer(value: ObjectRecord, path: string): LayerRecord | undefined {
  const items = itemsOf(value.state) ?? [];
  if (namesIn(value)[0] !== "weight" || items.length < settings.length) return undefined;
  const attributes = new Map<string, Inert>();
  for (const [k, name] of settings.entries()) {
    const plain = plainValue(items[k] ?? null);
    if (plain !== undefined) attributes.set(name, plain);
  }
  const type = className(value.callable)?.split(".").at(-1) ?? "Conv2d";
  return { name: path, type, attributes, inputs: [], tensors: [...packedChildren(value, path)].map(([name]) => name) };
}

function namesIn(value: ObjectRecord): readonly [weight: string, bias: string] {
  const path = className(value.callable) ?? "";
  if (packedClass.test(path)) return ["0", "1"];
  return isPackedHolder(value) ? [`${packedName}.0`, `${packedName}.1`] : ["weight", "bias"];
}

/** A module that is no layer of the network: it keeps the weights of a dense one. */
export function isPackedHolder(value: ObjectRecord): boolean {
  return /PackedParams$/.test(className(value.callable) ?? "");
}

function outputs(weight: Listed | undefined): number | undefined {
  return weight === undefined || "unsupported" in weight ? undefined : weight.shape[0];
}

/** Numbers that are no index: packed convolutions keep their settings in a vector of whole numbers too. */
function isVector({ shape, storage, dtype }: TorchTensor): boolean {
  const own = dtype ?? (storage instanceof ObjectRecord ? undefined : storage.dtype);
  return shape.length === 1 && (own === undefined || own.startsWith("float"));
}

function tensorsIn(state: PickleValue | undefined, depth = 0): readonly { readonly value: PickleValue; readonly record: Listed }[] {
  if (depth > deepest || state === undefined) return [];
  const record = tensorRecord(state);
  if (record !== undefined) return [{ value: state, record }];
  return (itemsOf(state) ?? []).flatMap((item) => tensorsIn(item, depth + 1));
}
