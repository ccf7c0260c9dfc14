import { type Axes, axesOf, parseAxes } from "../../tensor/axes.ts";
import type { Conventions, LayerRecord } from "../../tensor/checkpoint.ts";
import type { Described } from "../described.ts";
import { asNumber, attribute } from "../records.ts";
import type { KnownKind, KnownTensor } from "./layer-kind.ts";
import type { StoredOrders } from "./stored-orders.ts";
import type { Neighbours, Verdict } from "./weigh.ts";

type Laid = Pick<KnownTensor, "axes" | "sizes">;

/** Axes of kernels by kind: channels first, channels last. Of other ranks the axes of the picture are fewer or more. */
const layouts: Readonly<Partial<Record<KnownKind, readonly [first: string, last: string]>>> = {
  conv: ["o i *", "* i o"],
  // TensorFlow, Keras and MatConvNet keep a transposed convolution as the convolution that it is the gradient of; so do all others.
  transposed: ["i o *", "* o i"],
  // As a convolution of groups, or with channels and their multiples apart.
  depthwise: ["(c m) 1 *", "* c m"],
};

const planes: readonly string[] = ["", "w", "h w", "d h w"];

/** The axes that a convention has for a kernel of a kind; undefined for what is none. */
export function axesOfKernel(kind: KnownKind, rank: number, order: Conventions["kernel"]): Axes | undefined {
  const plane = planes[rank - 2];
  const layout = layouts[kind]?.[order === "o i h w" ? 0 : 1];
  return layout === undefined || plane === undefined || plane === "" ? undefined : parseAxes(layout.replace("*", plane));
}

/** How a kernel is kept. */
export function kernelAxes(
  { shape }: Described,
  verdict: Verdict,
  orders: StoredOrders,
  beside: Pick<Neighbours, "conventions" | "record">,
): Laid {
  const { kind, channels, outputs } = verdict;
  const { conventions, record } = beside;
  if (layouts[kind] === undefined) return {};
  if (conventions.flatKernels === true && shape.length === 2) return flatAxes(kind, record);
  if (orders.kernel === undefined) return {};
  // MATLAB drops what is one at the end.
  if (conventions.dropsOnes === true && shape.length < 4 && kind === "conv")
    return { axes: axesOf(["h", "w", "i"].slice(0, shape.length).map((name) => [name])) };
  const axes = axesOfKernel(kind, shape.length, orders.kernel.order);
  if (axes === undefined || kind !== "depthwise" || orders.kernel.order === "h w i o") return { ...(axes && { axes }) };
  // Which channels make which outputs follows from their numbers alone.
  return channels === undefined || outputs === undefined
    ? {}
    : {
        axes,
        sizes: [
          ["c", channels],
          ["m", outputs / channels],
        ],
      };
}

/** Torch7's SpatialConvolutionMM keeps the kernels as rows, [out, in · h · w]; its fields say how large they are. */
function flatAxes(kind: KnownKind, record: LayerRecord | undefined): Laid {
  const size = (name: string): number | undefined => (record === undefined ? undefined : asNumber(attribute(record, name)));
  const [height, width] = [size("kH"), size("kW")];
  if (kind !== "conv" || height === undefined || width === undefined) return {};
  return {
    axes: parseAxes("o (i h w)"),
    sizes: [
      ["h", height],
      ["w", width],
    ],
  };
}

/** How a matrix is kept; behind a feature map its inputs are channels and places. */
export function matrixAxes(
  { shape }: Described,
  { matrix, outputs }: Verdict,
  { flatten }: StoredOrders,
  before: Neighbours["before"],
): Laid {
  if (matrix === undefined) return {};
  const ones = shape.slice(0, -2).map((): readonly string[] => []);
  const inputs = shape.slice(-2)[matrix === "o i" ? 1 : 0] ?? 0;
  const channels = typeof before === "object" && before.slides ? before.outputs : undefined;
  const flattened =
    flatten !== undefined &&
    channels !== undefined &&
    channels > 1 &&
    outputs !== undefined &&
    inputs > channels &&
    inputs % channels === 0;
  const row = flattened ? flatten.split(" ") : ["i"];
  const axes = axesOf([...ones, ...(matrix === "o i" ? [["o"], row] : [row, ["o"]])]);
  return flattened ? { axes, sizes: [["i", channels]] } : { axes };
}
