export type Framework = "paddle" | "torch" | "keras";

/** What a layer learns; explains which tensors of a checkpoint are missing. */
export type LayerType = "conv" | "norm" | "linear" | "other";

/** Prefixes of dotted paths under which layers live. */
const homes: readonly (readonly [prefix: string, framework: Framework])[] = [
  ["torch.nn", "torch"],
  ["paddle.nn", "paddle"],
  ["paddle.fluid.dygraph", "paddle"],
  ["paddle.fluid.Layer", "paddle"],
  ["paddle.fluid", "paddle"],
  ["paddle.Layer", "paddle"],
  ["fluid.dygraph", "paddle"],
  ["tensorflow.keras", "keras"],
  ["tensorflow.python.keras", "keras"],
  ["keras", "keras"],
  ["tf.keras", "keras"],
];

const learned: readonly (readonly [name: RegExp, type: LayerType])[] = [
  [/^(Depthwise|Separable)?Conv\w*$|^Conv2D\w*$|^Convolution\w*$|^LazyConv\w*$/, "conv"],
  [
    /^(Sync|Batch|Layer|Group|Instance|Spectral|Local|LazyBatch|RMS)+Norm\w*$|^BatchNormalization\w*$|^LayerNormalization$|^GroupNormalization$/,
    "norm",
  ],
  [/^(Linear|LazyLinear|FC|Dense|Bilinear|EinsumDense)$/, "linear"],
  [
    /^(Embedding\w*|LSTM\w*|GRU\w*|RNN\w*|SimpleRNN\w*|PReLU|MultiHeadAttention|MultiheadAttention|Transformer\w*|Parameter|ParameterList|ParameterDict|Bidirectional)$/,
    "other",
  ],
];

/** LocalResponseNorm and its like learn nothing. */
const nothingLearned = /^(LocalResponseNorm|CrossMapLRN2d|Upsample\w*|UpSampling\w*)$/;

const containers = new Set(["Sequential", "ModuleList", "ModuleDict", "LayerList", "LayerDict", "TimeDistributed"]);
const bases = new Set(["Module", "Layer", "Model", "Sequential", "ModuleList", "ModuleDict", "LayerList", "LayerDict", "LightningModule"]);

/** Calls that make parameters where they stand: right in a static graph, wrong in a layer's forward. */
const makers: readonly (readonly [path: RegExp, type: LayerType])[] = [
  [/(^|\.)(fluid|static)\.(layers|nn)\.(conv2d|conv2d_transpose|conv3d)$/, "conv"],
  [/(^|\.)(fluid|static)\.(layers|nn)\.(batch_norm|layer_norm|group_norm|instance_norm)$/, "norm"],
  [/(^|\.)(fluid|static)\.(layers|nn)\.(fc)$/, "linear"],
  [/(^|\.)(fluid|static)\.(layers|nn)\.(embedding|create_parameter|prelu)$/, "other"],
];

/** Methods that register what they are given, and return it where they return anything. */
export const registering = new Set([
  "add_module",
  "register_module",
  "add_sublayer",
  "register_parameter",
  "add_parameter",
  "register_buffer",
  "set_sublayer",
]);

/** Where a class or a call is at home; undefined for everything else. */
export function frameworkOf(path: string): Framework | undefined {
  // Static graphs: what fluid.layers makes belongs to a program, and its cells register nothing.
  if (/(^|\.)fluid\.layers(\.|$)/.test(path)) return undefined;
  return homes.find(([prefix]) => path === prefix || path.startsWith(`${prefix}.`))?.[1];
}

/** A base class that registers its attributes. */
export function moduleBase(path: string): Framework | undefined {
  const name = lastPart(path);
  if (/(^|\.)(pytorch_lightning|lightning|pl)\..*LightningModule$/.test(path)) return "torch";
  return bases.has(name) ? frameworkOf(path) : undefined;
}

export function isContainer(path: string): boolean {
  return containers.has(lastPart(path)) && frameworkOf(path) !== undefined;
}

/** What a constructor of the framework learns; undefined where it is none or learns nothing. */
export function learnedBy(path: string): LayerType | undefined {
  const name = lastPart(path);
  if (frameworkOf(path) === undefined || /\.(functional|init|utils|initializer|initializers|losses|optimizers)\./.test(path))
    return undefined;
  return nothingLearned.test(name) ? undefined : learned.find(([pattern]) => pattern.test(name))?.[1];
}

/** A function that makes parameters as a side effect. */
export function makerType(path: string): LayerType | undefined {
  return makers.find(([pattern]) => pattern.test(path))?.[1];
}

/** Framework of a bare class name, for snippets without their imports. */
export function bareName(name: string): string | undefined {
  if (/^(Conv[123]D(Transpose)?|BatchNorm([123]D)?|Pool2D|LayerList|LayerNorm|FC)$/.test(name)) return `paddle.nn.${name}`;
  if (/^(Conv[123]d|ConvTranspose[123]d|BatchNorm[123]d|ModuleList|ModuleDict)$/.test(name)) return `torch.nn.${name}`;
  return undefined;
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}
