/** What a tensor is within its layer, as far as its name tells. A number is a position: Keras' `vars/0`, Caffe's blob 1. */
export type Leaf = "weight" | "bias" | "gamma" | "beta" | "mean" | "var" | "moments" | "factor" | "recurrent" | number | undefined;

/** A key taken apart. */
export interface NamePath {
  /** The layer that the tensor belongs to: the key without its last part. */
  readonly layer: string;
  readonly leaf: Leaf;
}

const words: ReadonlyMap<string, Leaf> = new Map<string, Leaf>([
  ...["weight", "weights", "kernel", "_kernel", "w", "filters", "filter", "weight_v"].map((word): [string, Leaf] => [word, "weight"]),
  ...["bias", "biases", "b", "offset", "_bias"].map((word): [string, Leaf] => [word, "bias"]),
  ...["gamma", "scale", "scales", "mult", "gain"].map((word): [string, Leaf] => [word, "gamma"]),
  ["beta", "beta"],
  ...["running_mean", "moving_mean", "rolling_mean", "_mean", "mean"].map((word): [string, Leaf] => [word, "mean"]),
  ...["running_var", "moving_variance", "moving_var", "rolling_variance", "_variance", "variance", "var"].map((word): [string, Leaf] => [
    word,
    "var",
  ]),
  ["moments", "moments"],
  ...["recurrent_kernel", "weight_hh_l0", "weight_ih_l0"].map((word): [string, Leaf] => [word, "recurrent"]),
]);

/** Longest first, so that `bn1_1_moving_mean` ends in `moving_mean` and not in `mean`. Single letters need an underscore before them too. */
const suffixes = [...words.keys()].filter((word) => !word.startsWith("_")).sort((a, b) => b.length - a.length);

/** Paddle's variable names: `.w_0`, `.b_0`, of a batch norm also `.w_1` (mean) and `.w_2` (variance). */
const paddleLeaf: ReadonlyMap<string, Leaf> = new Map<string, Leaf>([
  ["w_0", "weight"],
  ["b_0", "bias"],
  ["w_1", "mean"],
  ["w_2", "var"],
]);

/** dagnn's parameter names of a layer: `conv1_1f`, `conv1_1b`, of a batch norm `bn1_1m`, `bn1_1b`, `bn1_1x`. */
const dagnnLeaf: ReadonlyMap<string, Leaf> = new Map<string, Leaf>([
  ["f", "weight"],
  ["b", "bias"],
  ["m", "gamma"],
  ["x", "moments"],
]);

/** Takes a key apart into its layer and what the tensor is within it. */
export function parseName(name: string): NamePath {
  const bare = name
    .replace(/\/\.ATTRIBUTES\/VARIABLE_VALUE$/, "")
    .replace(/:\d+$/, "")
    .replace(/^(arg|aux):/, "");
  const matlab = /^(.*\{\d+\})\.(?:weights\{(\d+)\}|(filters|biases))$/.exec(bare);
  if (matlab?.[1] !== undefined) {
    return { layer: matlab[1], leaf: matlab[2] === undefined ? words.get(matlab[3] ?? "") : Number(matlab[2]) - 1 };
  }
  const cut = Math.max(bare.lastIndexOf("/"), bare.lastIndexOf("."));
  const tail = bare.slice(cut + 1);
  const head = cut < 0 ? "" : bare.slice(0, cut);
  const known = words.get(tail) ?? words.get(tail.toLowerCase()) ?? paddleLeaf.get(tail);
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
  const counted = /^(.*_(?:W|b|gamma|beta|running_mean|running_std))_\d+$/.exec(tail)?.[1] ?? tail;
  for (const suffix of suffixes) {
    if (counted.length > suffix.length && counted.toLowerCase().endsWith(`_${suffix}`)) {
      return { layer: counted.slice(0, -suffix.length - 1), leaf: words.get(suffix) };
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

const digits = /\d+|\D+/g;

/** Natural order: runs of digits compare as numbers, `conv2d` comes before `conv2d_1` and `features.2` before `features.10`. */
export function naturalCompare(a: string, b: string): number {
  const left = a.match(digits) ?? [];
  const right = b.match(digits) ?? [];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const x = left[i] ?? "";
    const y = right[i] ?? "";
    if (x === y) continue;
    const both = /^\d/.test(x) && /^\d/.test(y);
    const difference = both ? Number(x) - Number(y) : 0;
    if (difference !== 0) return difference;
    return x < y ? -1 : 1;
  }
  return left.length - right.length;
}

/** The name with every run of digits taken out, and the numbers. */
export function template(name: string): { readonly shape: string; readonly numbers: readonly number[] } {
  return { shape: name.replace(/\d+/g, "#"), numbers: (name.match(/\d+/g) ?? []).map(Number) };
}
