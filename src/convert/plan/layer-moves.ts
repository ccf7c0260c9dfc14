import type { NumericInfo } from "../../model/align/pairs.ts";
import type { Assumption } from "../../model/assumption.ts";
import { isFlipped } from "../../model/identify/theano.ts";
import { axesOfKernel } from "../../model/layers/kernel-axes.ts";
import { knownLayers } from "../../model/layers/known-layers.ts";
import { vectorLength } from "../../model/layers/layer.ts";
import type { KnownKind, KnownLayer, KnownTensor } from "../../model/layers/layer-kind.ts";
import { mostTensors, readLayers } from "../../model/layers/read-layers.ts";
import { flattensChannelsFirst } from "../../model/records.ts";
import { type Axes, axesOf, axisSizes, parseAxes, plainAxes, shapeFor, withOnes } from "../../tensor/axes.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import type { ConvertOptions } from "../options.ts";
import type { OwnAxes } from "../target/conversion-target.ts";
import type { LayerLine, Move } from "./plan-types.ts";
import { summarise } from "./summary.ts";

/** How a tensor's axes change. */
interface Turn {
  readonly from: Axes;
  readonly to: Axes;
  readonly sizes: readonly (readonly [string, number])[];
  readonly flip?: readonly string[];
}

export interface LayerPlan {
  readonly lines: readonly LayerLine[];
  /** By key, for those that are not copied as they are. */
  readonly turns: ReadonlyMap<string, Turn>;
  readonly assumed: readonly Assumption[];
  /** Sentences for people. */
  readonly warnings: readonly string[];
}

const nothing: LayerPlan = { lines: [], turns: new Map(), assumed: [], warnings: [] };

/** How layers outside the target's names get its axes. `travels`: the keys that go along. */
export function layerPlan(
  source: Checkpoint,
  own: OwnAxes | undefined,
  travels: (key: string) => boolean,
  options: ConvertOptions,
): LayerPlan {
  if (own === undefined) return nothing;
  if (source.tensors.size > mostTensors) {
    return { ...nothing, warnings: [`of more than ${mostTensors} tensors no layers are made: axes are kept`] };
  }
  const layers = knownLayers(source, readLayers(source)).flatMap((layer): readonly KnownLayer[] => {
    const tensors = layer.tensors.filter(({ tensor }) => travels(tensor.name));
    return tensors.length === 0 ? [] : [{ ...layer, tensors }];
  });
  const kernels = layers.flatMap(({ kind, tensors }) => (kind === "conv" ? tensors.slice(0, 1).map(({ tensor }) => tensor) : []));
  const turned = kernels.length > 0 && isFlipped(source, kernels);
  const rotated = options.kernels === undefined ? turned : options.kernels === "rotated";
  const turning: Turning = { source, own, options, rotated };
  const turns = new Map<string, Turn>();
  const assumed: Assumption[] = turned && options.kernels === undefined ? [turnedKernels()] : [];
  const lines = layers.map((layer): LayerLine => {
    const [weight] = layer.tensors;
    for (const known of layer.tensors) {
      const turn = turnOf(layer.kind, known, turning);
      if (turn === undefined) continue;
      turns.set(known.tensor.name, turn);
      assumed.push(...guessedRows(known, turn, turning));
    }
    const from = weight?.axes;
    const to = weight === undefined ? undefined : turns.get(weight.tensor.name)?.to;
    const kept = differs(source, own) ? whyKept(layer) : undefined;
    return {
      layer: layer.path,
      kind: layer.kind,
      grounds: layer.grounds,
      tensors: layer.tensors.map(({ tensor }) => tensor.name),
      ...(from !== undefined && { axes: { from: from.text, to: (to ?? from).text } }),
      ...(kept !== undefined && { kept }),
    };
  });
  return { lines, turns, assumed, warnings: [] };
}

/** Whether the two frameworks keep anything in different orders, or the source's is not known. */
function differs({ conventions }: Checkpoint, own: OwnAxes): boolean {
  return conventions.plain === true || conventions.kernel !== own.kernel || conventions.matrix !== own.matrix;
}

function whyKept({ kind, grounds, tensors }: KnownLayer): string | undefined {
  const open = tensors.filter(({ tensor, axes }) => axes === undefined && vectorLength(tensor.shape) === undefined);
  if (open.length === 0 || kind === "embedding") return undefined;
  if (kind === "recurrent") return "recurrent layers stay as they are stored";
  if (kind === "norm") return "its statistics stay side by side, as they are stored";
  return grounds;
}

interface Turning {
  readonly source: Checkpoint;
  readonly own: OwnAxes;
  readonly options: ConvertOptions;
  /** Kernels are stored turned by 180°. */
  readonly rotated: boolean;
}

function turnOf(kind: KnownKind, { axes, sizes = [] }: KnownTensor, { own, options, rotated }: Turning): Turn | undefined {
  if (axes === undefined) return undefined;
  const vector = axes.names.length === 1;
  // Whoever keeps a scale as [1, C, 1, 1] multiplies a feature map with it as it is.
  if (vector && kind === "scale") return undefined;
  const from = kind === "dense" && !vector && options.flatten !== undefined ? withRows(axes, options.flatten) : axes;
  const to = vector ? parseAxes("o") : kind === "dense" ? matrixFor(from, own) : kernelFor(kind, from, own);
  const flip = rotated && kind === "conv" && !vector ? { flip: ["h", "w"] } : {};
  return to === undefined || (to.text === from.text && !("flip" in flip)) ? undefined : { from, to, sizes, ...flip };
}

function kernelFor(kind: KnownKind, from: Axes, own: OwnAxes): Axes | undefined {
  const planes = from.names.filter((name) => ["d", "h", "w"].includes(name)).length;
  return axesOfKernel(kind, planes + 2, own.kernel);
}

function matrixFor(from: Axes, own: OwnAxes): Axes {
  const row = from.names.includes("h") ? own.flatten.split(" ") : ["i"];
  return axesOf(own.matrix === "o i" ? [["o"], row] : [row, ["o"]]);
}

/** The inputs of a matrix behind a feature map, as a person says that they are ordered. */
function withRows(axes: Axes, order: NonNullable<ConvertOptions["flatten"]>): Axes {
  const row = order === "chw" ? ["i", "h", "w"] : ["h", "w", "i"];
  return axesOf(axes.groups.map((group) => (group.length === 3 ? row : group)));
}

/** Rows that change their order on the strength of a convention. */
function guessedRows({ tensor }: KnownTensor, { from, to, sizes }: Turn, { source, options }: Turning): readonly Assumption[] {
  const [before, after] = [from, to].map(({ groups }) => groups.find((group) => group.length === 3)?.join(", "));
  if (before === after || before === undefined || options.flatten !== undefined || flattensChannelsFirst(source) !== undefined) return [];
  const channels = sizes[0]?.[1] ?? 1;
  return [
    {
      of: "flatten",
      what: `the inputs of ${tensor.name} go from the order ${before} to ${after}`,
      grounds: `they are read as the ${channels} channels of the convolution before it at each place, flattened as the framework of the source does; the file does not say so`,
      switch: `--flatten ${before.startsWith("i") ? "hwc" : "chw"}`,
    },
  ];
}

function turnedKernels(): Assumption {
  return {
    of: "kernels",
    what: "convolution kernels are read rotated by 180°",
    grounds: "names and form are those of Keras on Theano, whose convolution turns kernels",
    switch: "--kernels as-stored",
  };
}

/** The move of a tensor under its own name. `key`: of the average whose values it takes. */
export function turnedMove(tensor: NumericInfo, { from, to, sizes, flip }: Turn, toDtype: NumericDType, key: string = tensor.name): Move {
  const known = axisSizes(from, tensor.shape, new Map(sizes));
  const move: Omit<Move, "move"> = {
    to: tensor.name,
    toShape: shapeFor(to, withOnes(to, known)),
    toAxes: to,
    toDtype,
    ...(sizes.length > 0 && { sizes }),
    fills: [{ formula: "value", from: [{ key, axes: from, shape: tensor.shape, ...(flip !== undefined && { flip }) }] }],
  };
  return { ...move, move: summarise(move, tensor, known) };
}

/** A tensor of no role with the values of its average. */
export function averageMove({ name, shape, dtype }: NumericInfo, toDtype: NumericDType, key: string): Move {
  return {
    to: name,
    toShape: shape,
    toDtype,
    move: dtype === toDtype ? "copy" : "cast",
    fills: [{ formula: "value", from: [{ key, axes: plainAxes(shape.length), shape }] }],
  };
}
