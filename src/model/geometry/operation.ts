import type { Conventions, LayerRecord } from "../../tensor/checkpoint.ts";
import { asNumber, asNumbers, attribute, typeOf } from "../records.ts";
import type { Windows } from "./window.ts";
import { windowsOfRecord } from "./windows-of-record.ts";

export type Method = "max" | "average";

/** What one layer of a file's own graph computes, in one language for all formats. `windows` undefined: the file does not state them. */
export type Operation =
  | { readonly kind: "conv"; readonly windows: Windows | undefined; readonly groups: number }
  | { readonly kind: "pool"; readonly windows: Windows | undefined; readonly method: Method }
  | { readonly kind: "global-pool"; readonly method: Method }
  /** size: of the output. */
  | { readonly kind: "adaptive-pool"; readonly size: readonly [number, number] | undefined; readonly method: Method }
  /** relu, or the name of another function. */
  | { readonly kind: "activation"; readonly name: string }
  | { readonly kind: "dense" | "norm" | "flatten" | "dropout" | "softmax" | "same" | "input" | "other" };

type Reading = (record: LayerRecord, type: string, conventions: Conventions, kernel?: readonly [number, number]) => Operation | undefined;

/** Types of all formats; the first row that fits is the kind. A wrapper (TimeDistributed) is what it wraps. */
const kinds: readonly (readonly [type: RegExp, read: Reading])[] = [
  [/^(input|inputlayer|data|imagedata|placeholder|feed)$/, () => ({ kind: "input" })],
  [/transpose|deconv|convt$/, () => ({ kind: "other" })],
  [/conv_?lstm|lstm|gru|rnn/, () => ({ kind: "other" })],
  [/adaptive.*pool/, (record, type) => ({ kind: "adaptive-pool", size: outputSize(record), method: methodOf(record, type) })],
  [/pool/, poolOf],
  [/conv/, convOf],
  [
    /^(batch_?norm.*|bnorm|dagnn\.batchnorm|(nn\.)?(spatial)?batchnormalization|batchnorm2d|fusedbatchnorm.*|spatialbatchnormalization|bn|scale)$/,
    () => ({ kind: "norm" }),
  ],
  [/^(dense|inner_?product|q?gemm|matmul(_v2)?|linear|nn\.linear|connected|fc|fully_?connected)$/, () => ({ kind: "dense" })],
  [/^(qlinearmatmul|matmulinteger(tofloat)?|dynamicquantizematmul)$/, () => ({ kind: "dense" })],
  // Paddle's product with a weight; of two results it is one number after another.
  [/^mul$/, ({ tensors }) => (tensors.length > 0 ? { kind: "dense" } : undefined)],
  [/dropout/, () => ({ kind: "dropout" })],
  [/softmax/, () => ({ kind: "softmax" })],
  [/flatten|^(nn\.)?(view|reshape)$/, () => ({ kind: "flatten" })],
  [
    /^(identity|nn\.identity|split|silence|bias_?add|add|add_|elementwise_add|reshape2?|squeeze2?|unsqueeze2?|cast|shape|slice|constant|concat|assign|fetch|gather|noop|accuracy)$/,
    () => ({ kind: "same" }),
  ],
  [/^activation$/, (record) => ({ kind: "activation", name: activationName(record) })],
  [
    /relu|^elu$|selu|gelu|tanh|sigmoid|swish|silu|mish|softplus|hardtanh|clip$/,
    (record, type) => ({ kind: "activation", name: rectifier(record, type) }),
  ],
];

/** What a record says that its layer computes. `kernel`: height and width of its weight. */
export function operationOf(record: LayerRecord, conventions: Conventions, kernel?: readonly [number, number]): Operation {
  const type = typeOf(record).toLowerCase();
  for (const [pattern, read] of kinds) {
    if (pattern.test(type)) return read(record, type, conventions, kernel) ?? { kind: "other" };
  }
  return { kind: "other" };
}

/** The activation within a layer (Keras, Darknet): undefined where it names none. */
export function innerActivation(record: LayerRecord): string | undefined {
  const value = attribute(record, "activation");
  return typeof value === "string" ? value.toLowerCase() : undefined;
}

function convOf(record: LayerRecord, _type: string, conventions: Conventions, kernel?: readonly [number, number]): Operation {
  const groups = asNumber(attribute(record, "groups", "group", "num_group")) ?? 1;
  return { kind: "conv", windows: kernel === undefined ? undefined : windowsOfRecord(record, conventions, kernel), groups };
}

function poolOf(record: LayerRecord, type: string, conventions: Conventions): Operation {
  const method = methodOf(record, type);
  const isTrue = (name: string): boolean => ["true", "1"].includes(String(attribute(record, name)).toLowerCase());
  if (/global/.test(type) || type === "avgpool" || isTrue("global_pooling") || isTrue("global_pool"))
    return { kind: "global-pool", method };
  if (isTrue("adaptive")) return { kind: "adaptive-pool", size: outputSize(record), method };
  return { kind: "pool", windows: windowsOfRecord(record, conventions), method };
}

/** Caffe counts MAX 0, AVE 1; all others have words. */
function methodOf(record: LayerRecord, type: string): Method {
  const value = attribute(record, "pool", "method", "pooling_type", "pool_type");
  const word = typeof value === "string" || typeof value === "number" ? String(value) : type;
  return /av|^1$/i.test(word) ? "average" : "max";
}

function outputSize(record: LayerRecord): readonly [number, number] | undefined {
  const value = attribute(record, "output_size", "ksize", "pool_size");
  const single = asNumber(value);
  const [height, width] = single === undefined ? (asNumbers(value) ?? []) : [single, single];
  return height === undefined || width === undefined ? undefined : [height, width];
}

function activationName(record: LayerRecord): string {
  const value = attribute(record, "act_type", "activation", "function");
  return typeof value === "string" ? value.toLowerCase() : "an activation";
}

/** ReLU with a slope below zero, or with an upper limit, is another function. */
function rectifier(record: LayerRecord, type: string): string {
  const bare = type.replace(/^(nn|dagnn)\./, "");
  const slope = asNumber(attribute(record, "negative_slope", "leak", "alpha")) ?? 0;
  const limit = asNumber(attribute(record, "max_value"));
  if (bare !== "relu") return bare;
  return slope !== 0 ? `relu with slope ${slope}` : limit !== undefined ? `relu up to ${limit}` : "relu";
}
