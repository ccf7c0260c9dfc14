import type { Conventions } from "../../tensor/checkpoint.ts";
import type { DescribedCheckpoint } from "../described.ts";
import { flattensChannelsFirst } from "../records.ts";
import { type Layers, type NormLayer, vectorLength, type WeightLayer } from "./layer.ts";

/** An order of axes, and what says that the file keeps it. */
export interface StatedOrder<T> {
  readonly order: T;
  /** Sentence for people. */
  readonly grounds: string;
}

/** How a file keeps its kernels, its matrices and the rows of a matrix behind a feature map; absent where nothing says it. */
export interface StoredOrders {
  readonly kernel?: StatedOrder<Conventions["kernel"]>;
  readonly matrix?: StatedOrder<Conventions["matrix"]>;
  readonly flatten?: Conventions["flatten"];
}

/** What its neighbours say of a weight: how many values its bias has, or the norm within or behind it. */
export interface Beside {
  readonly layer: WeightLayer;
  readonly length?: number;
  readonly of?: "bias" | "norm";
  /** Of the norm that follows at once. */
  readonly normBehind?: number;
}

/** Names that only the frameworks of one order have, for arrays of anybody. */
const spellings: readonly (readonly [RegExp, string, Pick<Conventions, "kernel" | "matrix" | "flatten">])[] = [
  [/(^|[./_])running_(mean|var)$/, "PyTorch", { kernel: "o i h w", matrix: "o i", flatten: "i h w" }],
  [/(^|[./_])(moving_(mean|variance)|kernel)(:0)?$/, "TensorFlow, Keras and Flax", { kernel: "h w i o", matrix: "i o", flatten: "h w i" }],
];

/** What writers of safetensors say of their framework in its metadata. */
const written: ReadonlyMap<string, Pick<Conventions, "kernel" | "matrix" | "flatten">> = new Map([
  ["pt", { kernel: "o i h w", matrix: "o i", flatten: "i h w" }],
  ["tf", { kernel: "h w i o", matrix: "i o", flatten: "h w i" }],
  ["flax", { kernel: "h w i o", matrix: "i o", flatten: "h w i" }],
]);

/** Reads how a file keeps its weights: lengths of biases and norms say most, then sizes of kernels, then the conventions of its format. */
export function storedOrders(checkpoint: DescribedCheckpoint, layers: Layers, beside: readonly Beside[]): StoredOrders {
  const usual = conventionsOfFile(checkpoint, layers);
  const kernel = kernelOrder(beside, usual);
  const matrix = matrixOrder(beside, usual, kernel);
  const stated = flattensChannelsFirst(checkpoint);
  // Keras keeps one order of kernels whether its pictures are channels first or last.
  const flatten = stated === undefined ? usual?.conventions.flatten : stated ? "i h w" : "h w i";
  return { ...(kernel && { kernel }), ...(matrix && { matrix }), ...(flatten !== undefined && { flatten }) };
}

interface Usual {
  readonly conventions: Pick<Conventions, "kernel" | "matrix" | "flatten">;
  readonly grounds: string;
}

/** The format's conventions; for arrays of anybody those of the framework that the file names, or whose names it has. */
function conventionsOfFile({ conventions, format, metadata, tensors }: DescribedCheckpoint, { norms, weights }: Layers): Usual | undefined {
  if (conventions.plain !== true) return { conventions, grounds: `${format} keeps them so` };
  const stated = metadata.get("format");
  const byWriter = typeof stated === "string" ? written.get(stated) : undefined;
  if (byWriter !== undefined) return { conventions: byWriter, grounds: `the file says that it is of ${stated}` };
  if (norms.length === 0 && weights.length === 0) return undefined;
  const names = [...tensors.keys()];
  const found = spellings.filter(([pattern]) => names.some((name) => pattern.test(name)));
  const [only] = found;
  return only === undefined || found.length > 1 ? undefined : { conventions: only[2], grounds: `its names are those of ${only[1]}` };
}

/** Votes for one of two orders; a vote for neither says nothing. */
function votes<T>(orders: readonly [T, T], fits: readonly (readonly [boolean, boolean])[]): T | "both" | undefined {
  const [first, second] = [fits.some(([a, b]) => a && !b), fits.some(([a, b]) => b && !a)];
  return first && second ? "both" : first ? orders[0] : second ? orders[1] : undefined;
}

function kernelOrder(beside: readonly Beside[], usual: Usual | undefined): StoredOrders["kernel"] {
  const kernels = beside.filter(({ layer }) => layer.weight.shape.length === 4);
  const orders = ["o i h w", "h w i o"] as const;
  const lengths = votes(orders, kernels.map(fitsLength));
  if (lengths !== undefined && lengths !== "both") return { order: lengths, grounds: "the lengths of biases and norms say so" };
  if (lengths === "both") return undefined;
  const small = votes(
    orders,
    kernels.map(({ layer: { weight } }) => [isSmall(weight.shape.slice(2)), isSmall(weight.shape.slice(0, 2))]),
  );
  if (small !== undefined && small !== "both") return { order: small, grounds: "only so its kernels are small squares" };
  return usual === undefined ? undefined : { order: usual.conventions.kernel, grounds: usual.grounds };
}

/** Whether one of the two axes of channels is as long as the bias: which of them, a transposed convolution keeps the other way round. */
function fitsLength({ layer: { weight }, length, of }: Beside): readonly [boolean, boolean] {
  const [a, b, c, d] = weight.shape;
  // A depthwise kernel keeps its channels and their multiples apart.
  const multiplied = of === undefined || c === undefined || d === undefined ? 0 : c * d;
  return length === undefined || length === 1 ? [false, false] : [length === a || length === b, [c, d, multiplied].includes(length)];
}

/** 3×3 of a chain of convolutions, or 1×1. */
function isSmall([height, width]: readonly number[]): boolean {
  return height === width && (height === 1 || height === 3 || height === 5 || height === 7);
}

function matrixOrder(beside: readonly Beside[], usual: Usual | undefined, kernel: StoredOrders["kernel"]): StoredOrders["matrix"] {
  const fits = beside.flatMap(({ layer: { weight }, length, of }): readonly (readonly [boolean, boolean])[] => {
    const [first, second] = weight.shape;
    return weight.shape.length !== 2 || of !== "bias" ? [] : [[length === first, length === second]];
  });
  const found = votes(["o i", "i o"] as const, fits);
  if (found === "both") return undefined;
  if (found !== undefined) return { order: found, grounds: "the lengths of biases say so" };
  // Somebody else's arrays in a format: what its own framework does says nothing of them.
  const foreign = kernel !== undefined && usual !== undefined && kernel.order !== usual.conventions.kernel;
  return usual === undefined || foreign ? undefined : { order: usual.conventions.matrix, grounds: usual.grounds };
}

/** Weights with what is beside them, and norms, in the order of `sequence`. */
export function withNeighbours(sequence: readonly (WeightLayer | NormLayer)[]): readonly Beside[] {
  return sequence.flatMap((layer, k): readonly Beside[] => {
    if (!("weight" in layer)) return [];
    const next = sequence[k + 1];
    const normBehind = next === undefined || "weight" in next ? undefined : next.size;
    const bias = layer.bias === undefined ? undefined : vectorLength(layer.bias.shape);
    const length = bias ?? layer.norm?.size ?? normBehind;
    return [
      {
        layer,
        ...(length !== undefined && { length, of: bias === undefined ? ("norm" as const) : ("bias" as const) }),
        ...(normBehind !== undefined && { normBehind }),
      },
    ];
  });
}
