/** What a layer learns; explains which tensors of a checkpoint are missing. */
export type LayerType = "conv" | "norm" | "linear" | "other";

/** What the check has to know of a framework that registers the layers of its classes. */
export interface Framework {
  readonly id: "paddle" | "torch" | "keras" | "tensorflow" | "chainer" | "gluon" | "mindspore";
  /** In messages. */
  readonly name: string;
  /** Prefixes of dotted paths under which its layers live. */
  readonly homes: readonly string[];
  /** The last part of a base class that registers its attributes. */
  readonly bases: RegExp;
  /** The base class as people write it. */
  readonly base: string;
  /** Kinds of plain containers whose layers an attribute registers. */
  readonly tracks: readonly string[];
  /** The method that runs the network first, by its usual name. */
  readonly forward: readonly string[];
  /** What takes the place of a plain list and of a plain dictionary, and what registers one layer. */
  readonly list: string;
  readonly dict: string;
  readonly adder: string;
  /** Attributes count only within `with self.…():`. */
  readonly within?: string;
  readonly consequence: string;
}

const notHeld = "so state_dict() does not hold them, the optimizer does not train them, and they are drawn anew every time";

/** One row a framework. */
const frameworks: readonly Framework[] = [
  {
    id: "torch",
    name: "PyTorch",
    homes: ["torch.nn", "torch.jit", "torch.fx", "oneflow.nn", "torch_geometric.nn", "torchvision.ops"],
    bases: /^(Module|Sequential|ModuleList|ModuleDict|LightningModule|ScriptModule|GraphModule|MessagePassing)$/,
    base: "nn.Module",
    tracks: [],
    forward: ["forward", "__call__"],
    list: "ModuleList",
    dict: "ModuleDict",
    adder: "add_module",
    consequence: `PyTorch never registers them, ${notHeld}`,
  },
  {
    id: "paddle",
    name: "Paddle",
    homes: ["paddle.nn", "paddle.fluid.dygraph", "paddle.fluid.Layer", "paddle.fluid", "paddle.Layer", "fluid.dygraph"],
    bases: /^(Layer|Sequential|LayerList|LayerDict)$/,
    base: "nn.Layer",
    tracks: [],
    forward: ["forward", "__call__"],
    list: "LayerList",
    dict: "LayerDict",
    adder: "add_sublayer",
    consequence: `Paddle never registers them, ${notHeld}`,
  },
  {
    id: "keras",
    name: "Keras",
    homes: ["tensorflow.keras", "tensorflow.python.keras", "tensorflow.compat.v1.keras", "keras", "tf_keras", "keras_core", "tf.keras"],
    bases: /^(Layer|Model|Sequential)$/,
    base: "keras.layers.Layer",
    tracks: ["list", "tuple", "dict", "set", "deque"],
    forward: ["call", "__call__"],
    list: "LayerList",
    dict: "LayerDict",
    adder: "add_sublayer",
    consequence: "Keras does not track them, so they are neither trained nor saved",
  },
  {
    id: "tensorflow",
    name: "TensorFlow",
    homes: ["tensorflow.Module", "tensorflow.Variable", "sonnet"],
    bases: /^Module$/,
    base: "tf.Module",
    tracks: ["list", "tuple", "dict", "deque"],
    forward: ["__call__", "call"],
    list: "list",
    dict: "dict",
    adder: "",
    consequence: "tf.Module does not track them, so they are neither trained nor saved",
  },
  {
    id: "chainer",
    name: "Chainer",
    homes: ["chainer.links", "chainer.Chain", "chainer.ChainList", "chainer.Sequential", "chainer.Link", "chainer.Parameter"],
    bases: /^(Chain|ChainList|Sequential|Link)$/,
    base: "chainer.Chain",
    tracks: [],
    forward: ["__call__", "forward"],
    list: "ChainList",
    dict: "Chain",
    adder: "add_link",
    within: "init_scope",
    consequence: "Chainer never registers them, so the optimizer does not train them and serializers do not save them",
  },
  {
    id: "gluon",
    name: "Gluon",
    homes: ["mxnet.gluon"],
    bases: /^(Block|HybridBlock|Sequential|HybridSequential)$/,
    base: "gluon.Block",
    tracks: [],
    forward: ["hybrid_forward", "forward", "__call__"],
    list: "HybridSequential",
    dict: "HybridSequential",
    adder: "register_child",
    consequence: "Gluon never registers them, so collect_params() does not hold them and the trainer does not train them",
  },
  {
    id: "mindspore",
    name: "MindSpore",
    homes: ["mindspore.nn", "mindspore.Parameter"],
    bases: /^(Cell|CellList|SequentialCell)$/,
    base: "nn.Cell",
    tracks: [],
    forward: ["construct", "__call__"],
    list: "CellList",
    dict: "CellDict",
    adder: "insert_child_to_cell",
    consequence: "MindSpore never registers them, so the optimizer does not train them and checkpoints do not hold them",
  },
];

/** For sentences: every framework that is known. */
export const frameworkNames: readonly string[] = frameworks.map(({ name }) => name);

const learned: readonly (readonly [name: RegExp, type: LayerType])[] = [
  [/^(Lazy|Quant\w*)?(Depthwise|Separable|Dilated|Deformable)*(Conv(?!ert)|Deconv)\w*$/, "conv"],
  [/^(Sync|Batch|Layer|Group|Instance|Spectral|Local|LazyBatch|LazyInstance|RMS)+Norm(alization)?\w*$/, "norm"],
  [/^(Linear|LazyLinear|FC|Dense|Bilinear|EinsumDense|Identity1x1)$/, "linear"],
  [
    /^(Embed\w*|N?Step\w*|LSTM\w*|GRU\w*|RNN\w*|SimpleRNN\w*|PReLU|MultiHeadAttention|MultiheadAttention|Transformer\w*|Parameter|ParameterList|ParameterDict|Variable|Bidirectional|\w+Conv)$/,
    "other",
  ],
];

/** Layers without anything to learn. */
const nothingLearned =
  /^(LocalResponseNorm|CrossMapLRN2d|\w*LU(6|Activation)?|Sigmoid|LogSigmoid|Tanh|Tanhshrink|Log\w+|Soft\w+|Hard\w+|Mish|Swish|Threshold|\w*Pool\w*|\w*Dropout\w*|Flatten|Unflatten|Identity|\w*Pad\w*|\w*Loss|Up[Ss]ampl\w*|Pixel\w+|ChannelShuffle|Fold|Unfold|CosineSimilarity|PairwiseDistance|Activation|Input\w*|Add|Concatenate|Multiply|Subtract|Average|Maximum|Minimum|Dot|Reshape|Permute|RepeatVector|Masking|Cropping\w+|Rescaling|Resizing|Random\w+|GaussianNoise|Lambda|HybridLambda)$/;

const containers =
  /^(Sequential|ModuleList|ModuleDict|LayerList|LayerDict|TimeDistributed|HybridSequential|ChainList|CellList|CellDict|SequentialCell)$/;

/** Calls that make parameters where they stand: right in a static graph, wrong in a layer's forward. */
const makers: readonly (readonly [path: RegExp, type: LayerType])[] = [
  [/(^|\.)(fluid|static)\.(layers|nn)\.(conv2d|conv2d_transpose|conv3d)$/, "conv"],
  [/(^|\.)(fluid|static)\.(layers|nn)\.(batch_norm|layer_norm|group_norm|instance_norm)$/, "norm"],
  [/(^|\.)(fluid|static)\.(layers|nn)\.(fc)$/, "linear"],
  [/(^|\.)(fluid|static)\.(layers|nn)\.(embedding|create_parameter|prelu)$/, "other"],
];

/** Libraries that give whole networks, layers of the framework with all that is in them. */
const networks: readonly RegExp[] = [
  /^torchvision\.models\.(\w+\.)*(alexnet|googlenet|get_model|[a-z]\w*\d\w*)$/,
  /^timm\.(create_model|models\.(\w+\.)*[a-z]\w*\d\w*)$/,
  /^torch\.hub\.load$/,
  /^paddle\.vision\.models\..+$/,
  /^(tensorflow\.)?keras\.applications\.([\w.]+\.)?[A-Z]\w+$/,
  /^transformers\.\w+\.from_(pretrained|config)$/,
  /^mxnet\.gluon\.model_zoo\..+$/,
];

/** Base classes of other libraries that derive from a framework's. */
const libraryBases: readonly (readonly [path: RegExp, framework: Framework["id"]])[] = [
  [/^(pytorch_lightning|lightning|pl)\..*LightningModule$/, "torch"],
  [/^(torchvision|timm|transformers|mmcv|mmengine|detectron2|fairseq|segmentation_models_pytorch)\..*\.?[A-Z]\w+$/, "torch"],
  [/^paddle\.vision\..*[A-Z]\w+$/, "paddle"],
];

/** Modules that give no layers: what comes from there is never one. */
const harmless =
  /^\.*(os|sys|io|re|math|copy|json|time|random|logging|functools|itertools|collections|typing|typing_extensions|pathlib|pickle|warnings|abc|enum|dataclasses|operator|types|string|struct|argparse|datetime|numbers|contextlib|inspect|glob|shutil|hashlib|threading|multiprocessing|queue|csv|numpy|scipy|cv2|PIL|matplotlib|seaborn|sklearn|skimage|pandas|tqdm|h5py|yaml|torchvision\.(transforms|datasets|io|utils)|torchvision|albumentations|imageio|omegaconf|easydict|torch|paddle|tensorflow|keras|mxnet|chainer|mindspore|oneflow|jax|theano|builtins|google|IPython|__future__|six|termcolor|wandb|tensorboardX?)(\.|$)/;

/** Methods that register what they are given, and return it where they return anything. */
export const registering: ReadonlySet<string> = new Set([
  "add_module",
  "register_module",
  "add_sublayer",
  "register_parameter",
  "add_parameter",
  "register_buffer",
  "set_sublayer",
  "add_link",
  "add_param",
  "register_child",
  "insert_child_to_cell",
  "insert_param_to_cell",
  "_track_trackable",
]);

/** Where a class or a call is at home; undefined for everything else. */
export function frameworkOf(path: string): Framework | undefined {
  // Static graphs: what fluid.layers makes belongs to a program, and its cells register nothing.
  if (/(^|\.)fluid\.layers(\.|$)/.test(path)) return undefined;
  const canonical = canonicalPath(path);
  return frameworks.find(({ homes }) => homes.some((home) => canonical === home || canonical.startsWith(`${home}.`)));
}

/** The framework that a file uses, by what it imports: of a class whose base is not in the file. */
export function likelyFramework(imports: readonly string[]): Framework | undefined {
  return frameworks.find(({ homes }) =>
    imports.some((path) => homes.some((home) => home.split(".")[0] === canonicalPath(path).split(".")[0])),
  );
}

/** Chainer and MXNet are imported in parts, under names that everybody knows. */
function canonicalPath(path: string): string {
  return path
    .replace(/^(tf|tensorflow)\.compat\.v[12]\./, "tensorflow.")
    .replace(/^tf\./, "tensorflow.")
    .replace(/^mx\./, "mxnet.");
}

/** A base class that registers its attributes. */
export function moduleBase(path: string): Framework | undefined {
  const home = frameworkOf(path);
  if (home?.bases.test(lastPart(path)) === true) return home;
  const id = libraryBases.find(([pattern]) => pattern.test(path))?.[1];
  return id === undefined ? undefined : frameworks.find((framework) => framework.id === id);
}

/** Whether a base class does more than register: it makes layers of its own, which this tool does not see. */
export function bringsLayers(path: string): boolean {
  return frameworkOf(path) === undefined && !/LightningModule$/.test(path);
}

export function isModuleContainer(path: string): boolean {
  return containers.test(lastPart(path)) && frameworkOf(path) !== undefined;
}

/** What a constructor of the framework learns; undefined where it is none or learns nothing. */
export function learnedBy(path: string): LayerType | undefined {
  const name = lastPart(path);
  if (frameworkOf(path) === undefined || /\.(functional|init|utils|initializer|initializers|losses|optimizers)\./.test(path))
    return undefined;
  return nothingLearned.test(name) ? undefined : learned.find(([pattern]) => pattern.test(name))?.[1];
}

/** A class of the framework of which nothing is known. */
export function isStrange(path: string): boolean {
  const name = lastPart(path);
  return frameworkOf(path) !== undefined && /^[A-Z]/.test(name) && !nothingLearned.test(name) && learnedBy(path) === undefined;
}

export function isNetwork(path: string): boolean {
  return networks.some((pattern) => pattern.test(path));
}

export function isHarmless(path: string): boolean {
  return harmless.test(path);
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

export function lastPart(path: string): string {
  return path.slice(path.lastIndexOf(".") + 1);
}
