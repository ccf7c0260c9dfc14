/** What a tensor is within its layer. */
export type LayerPart = "weight" | "bias" | "gamma" | "beta" | "mean" | "var" | "moments" | "factor" | "recurrent";

/** A part, as far as the name tells. A number is a position: Keras' `vars/0`, Caffe's blob 1. */
export type Leaf = LayerPart | number | undefined;

/** A key taken apart. */
export interface NamePath {
  /** The layer that the tensor belongs to: the key without its last part. */
  readonly layer: string;
  readonly leaf: Leaf;
}

/** How frameworks and people spell the parts of a layer, without regard to case. A new spelling is one word here. */
const spellings: Readonly<Record<LayerPart, readonly string[]>> = {
  weight: ["weight", "weights", "kernel", "kernels", "_kernel", "w", "filters", "filter"],
  bias: ["bias", "biases", "b", "offset", "offsets", "shift", "_bias"],
  gamma: ["gamma", "scale", "scales", "mult", "gain"],
  beta: ["beta"],
  mean: ["running_mean", "moving_mean", "rolling_mean", "_mean", "mean"],
  // Keras 1 called the variance running_std.
  var: ["running_var", "running_std", "moving_variance", "moving_var", "rolling_variance", "_variance", "variance", "var"],
  moments: ["moments"],
  factor: [],
  recurrent: ["recurrent_kernel", "i2h_weight", "h2h_weight"],
};

/** PyTorch's and Paddle's LSTM, GRU and their cells: weights and biases of input and state, by layer and direction. */
const loop = /^(?:(.*)_)?(?:weight|bias)_(?:ih|hh|hr)(?:_l\d+)?(?:_reverse)?$/;

/**
 * Vectors beside a weight that are known to be something else than its bias: the length of weight norm, the vectors of spectral norm,
 * the slope of a PReLU, scales and zero points of integers, pruning masks.
 */
const otherVectors = /(^|[._/])(g|u|v|weight_[guv]|alpha|slope|(\w+_)?scale|(\w+_)?zero_point|(\w+_)?mask|mean|std|_mean|_std)$/i;

const words: ReadonlyMap<string, LayerPart> = new Map(
  (["weight", "bias", "gamma", "beta", "mean", "var", "moments", "recurrent"] as const).flatMap((part) =>
    spellings[part].map((word) => [word, part] as const),
  ),
);

/** Longest first, so that `bn1_1_moving_mean` ends in `moving_mean` and not in `mean`. Single letters need an underscore before them too. */
const suffixes = [...words.keys()].filter((word) => !word.startsWith("_")).sort((a, b) => b.length - a.length);

/** Paddle's variable names: `.w_0`, `.b_0`, of a batch norm also `.w_1` (mean) and `.w_2` (variance). */
const paddleLeaf: ReadonlyMap<string, LayerPart> = new Map([
  ["w_0", "weight"],
  ["b_0", "bias"],
  ["w_1", "mean"],
  ["w_2", "var"],
]);

/** dagnn's parameter names of a layer: `conv1_1f`, `conv1_1b`, of a batch norm `bn1_1m`, `bn1_1b`, `bn1_1x`. */
const dagnnLeaf: ReadonlyMap<string, LayerPart> = new Map([
  ["f", "weight"],
  ["b", "bias"],
  ["m", "gamma"],
  ["x", "moments"],
]);

/** Whether an unknown name beside a weight can be the name of its bias. */
export function canBeBias(name: string): boolean {
  return !otherVectors.test(bareName(name));
}

/** Parts that a weight is computed from: length and direction of weight norm, what spectral norm and pruning keep beside it, torch's parametrizations. */
const reparametrised = /(^|[._/:-])(weight|kernel|w)_(g|v|u|orig|mask)$|(^|[._/:-])parametrizations[._/:-].*original\d*$/i;

export function isReparametrised(name: string): boolean {
  return reparametrised.test(bareName(name));
}

/** The key without what a container puts around it: `/.ATTRIBUTES/VARIABLE_VALUE`, `arg:`, Python 2's b'…'. */
function bareName(name: string): string {
  return name
    .replace(/\/\.ATTRIBUTES\/VARIABLE_VALUE$/, "")
    .replace(/^(arg|aux):/, "")
    .replace(/\bb(['"])(.*?)\1/g, "$2");
}

/** Takes a key apart into its layer and what the tensor is within it. */
export function parseName(name: string): NamePath {
  const whole = bareName(name);
  // TensorFlow's output number; behind no known part it is one itself.
  const output = /^(.*):(\d+)$/.exec(whole);
  if (output?.[1] !== undefined) {
    const path = parsePlain(output[1]);
    return path.leaf === undefined && !/[/]/.test(output[1]) ? { layer: output[1], leaf: Number(output[2]) } : path;
  }
  return parsePlain(whole);
}

function parsePlain(bare: string): NamePath {
  const matlab = /^(.*\{\d+\})\.(?:weights\{(\d+)\}|(filters|biases))$/.exec(bare);
  if (matlab?.[1] !== undefined) {
    return { layer: matlab[1], leaf: matlab[2] === undefined ? words.get(matlab[3] ?? "") : Number(matlab[2]) - 1 };
  }
  const cut = Math.max(bare.lastIndexOf("/"), bare.lastIndexOf("."), bare.lastIndexOf(":"), bare.lastIndexOf("-"));
  const tail = bare.slice(cut + 1);
  const head = cut < 0 ? "" : bare.slice(0, cut);
  const known = words.get(tail) ?? words.get(tail.toLowerCase()) ?? paddleLeaf.get(tail);
  const recurrent = loop.exec(tail);
  if (recurrent !== null && (cut >= 0 || recurrent[1] !== undefined))
    return { layer: recurrent[1] === undefined ? head : bare.slice(0, cut + 1) + recurrent[1], leaf: "recurrent" };
  if (known !== undefined && cut >= 0) return { layer: head, leaf: known };
  if (cut >= 0 && /^\d+$/.test(tail)) return { layer: head.replace(/\/vars$/, ""), leaf: Number(tail) };
  const bySuffix = parseSuffix(tail);
  if (bySuffix !== undefined) return { layer: bare.slice(0, cut + 1) + bySuffix.layer, leaf: bySuffix.leaf };
  return { layer: bare, leaf: undefined };
}

/** `block1_conv1_W_1`, `conv1_1_weights`, `bn1_1_moving_var`, `param_0`: the leaf behind an underscore. */
function parseSuffix(tail: string): NamePath | undefined {
  const position = /^param_(\d+)$/.exec(tail);
  if (position?.[1] !== undefined) return { layer: "", leaf: Number(position[1]) };
  const paddle = /^(.+)_([wb]_[0-2])$/.exec(tail);
  const paddlePart = paddleLeaf.get(paddle?.[2] ?? "");
  if (paddle?.[1] !== undefined && paddlePart !== undefined) return { layer: paddle[1], leaf: paddlePart };
  const counted = /^(.*_(?:W|b|gamma|beta|running_mean|running_std))_\d+$/.exec(tail)?.[1] ?? tail;
  for (const suffix of suffixes) {
    if (counted.length > suffix.length && counted.toLowerCase().endsWith(`_${suffix}`)) {
      return { layer: counted.slice(0, -suffix.length - 1).replace(/_+$/, ""), leaf: words.get(suffix) };
    }
  }
  return undefined;
}

/** As `parseName`, for the names of dagnn's parameters, whose last letter says what they are. */
export function parseDagnnLabel(label: string): NamePath {
  const path = parseName(label);
  if (path.leaf !== undefined) return path;
  const leaf = dagnnLeaf.get(label.slice(-1));
  return leaf === undefined ? path : { layer: label.slice(0, -1), leaf };
}
