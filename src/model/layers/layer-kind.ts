import type { Axes } from "../../tensor/axes.ts";
import type { LayerRecord } from "../../tensor/checkpoint.ts";
import type { Described } from "../described.ts";
import { typeOf } from "../records.ts";
import { tokensOf } from "./tokens.ts";

/** What a layer computes, as far as its tensors are concerned. `other`: not determined. */
export type KnownKind = "conv" | "depthwise" | "transposed" | "dense" | "norm" | "scale" | "recurrent" | "embedding" | "other";

/** A layer of any network: what it is, what says so, and how each of its tensors is kept. */
export interface KnownLayer {
  readonly path: string;
  readonly kind: KnownKind;
  /** Sentence for people. */
  readonly grounds: string;
  readonly tensors: readonly KnownTensor[];
}

export interface KnownTensor {
  readonly tensor: Described;
  /** Over o i h w (kernels; d for depth), o i (matrices), c m h w (depthwise), o (vectors); absent where they are not determined. */
  readonly axes?: Axes;
  /** Of axes that the shape leaves open: m of a depthwise kernel, i of flattened rows, h and w of a flat kernel. */
  readonly sizes?: readonly (readonly [axis: string, size: number])[];
}

/** For people. */
export const kindTitles: Readonly<Record<KnownKind, string>> = {
  conv: "conv",
  depthwise: "depthwise conv",
  transposed: "transposed conv",
  dense: "dense",
  norm: "norm",
  scale: "scale",
  recurrent: "recurrent",
  embedding: "embedding",
  other: "unknown",
};

/** What the formats call their layers (Keras classes, ONNX and TensorFlow operations, Caffe, Torch7, MatConvNet, MXNet, Darknet, Paddle): the first row that fits. */
const types: readonly (readonly [RegExp, KnownKind])[] = [
  [/lstm|gru|rnn/, "recurrent"],
  [/depthwise/, "depthwise"],
  // TensorFlow's transposed convolution is the gradient of one.
  [/conv.*transpose|deconv|convt$|fullconvolution|conv\dd_?backprop_?input/, "transposed"],
  [/^(embedding|(nn\.)?lookuptable|lookup_?table\w*|gather\w*)$/, "embedding"],
  [/^(?!separable).*conv/, "conv"],
  [/^((time_?distributed)?dense|inner_?product|gemm|(batch)?mat_?mul\w*|(nn\.)?\w*linear|connected|mul|fc|fully_?connected)$/, "dense"],
  [/norm|^(nn\.)?bn$/, "norm"],
  [/^scale$/, "scale"],
];

/** Operations that take a constant, hand it on or add it: they do not say what it is for. */
const silent =
  /^(const|constant|identity|readvariableop|variable\w*|placeholder|parameter|data|add\w*|bias_?add|elementwise_add|sub|div|reshape\d?|squeeze\d?|unsqueeze\d?|cast|transpose\d?|full\w*|assign|concat\w*|separable\w*|functional|model|sequential)$/;

/** What the file's record says that its layer is; "other" where it has another name for it; undefined where it says nothing. */
export function kindOfRecord(record: LayerRecord): KnownKind | undefined {
  const type = typeOf(record)
    .toLowerCase()
    .replace(/^(dagnn|pd_op|builtin|torch\.nn)\./, "");
  const found = types.find(([pattern]) => pattern.test(type))?.[1];
  return found ?? (silent.test(type) ? undefined : "other");
}

/** Words of names that say a kind; a new spelling is one word here. Shapes have to agree. */
const words: readonly (readonly [KnownKind, ReadonlySet<string>])[] = [
  ["depthwise", new Set(["depthwise", "dw", "dwconv"])],
  ["transposed", new Set(["transpose", "transposed", "convtranspose", "deconv", "deconvolution", "tconv", "convt", "conv2dtranspose"])],
  ["embedding", new Set(["embedding", "embeddings", "embed", "emb", "wte", "wpe"])],
  ["recurrent", new Set(["lstm", "bilstm", "gru", "bigru", "rnn", "simplernn", "convlstm"])],
  ["conv", new Set(["conv", "conv1d", "conv2d", "conv3d", "convolution", "convolutional", "pointwise"])],
  ["dense", new Set(["fc", "dense", "linear", "logits", "predictions", "classifier", "mlp"])],
];

/** The kind that the last telling word of a layer's name says. */
export function kindOfName(path: string): { readonly kind: KnownKind; readonly word: string } | undefined {
  const found = tokensOf(path).flatMap((token) => {
    const kind = typeof token === "string" ? words.find(([, spelled]) => spelled.has(token))?.[0] : undefined;
    return kind === undefined ? [] : [{ kind, word: `${token}` }];
  });
  // conv_dw, Conv2d_transpose: what kind of convolution it is goes before that it is one.
  return found.findLast(({ kind }) => kind === "depthwise" || kind === "transposed" || kind === "embedding") ?? found.at(-1);
}
