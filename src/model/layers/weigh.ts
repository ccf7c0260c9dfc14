import type { Conventions, LayerRecord } from "../../tensor/checkpoint.ts";
import { asNumber, attribute } from "../records.ts";
import { type KnownKind, kindOfName } from "./layer-kind.ts";
import type { Beside, StoredOrders } from "./stored-orders.ts";

/** What comes before and after a weight. */
export interface Neighbours {
  readonly orders: StoredOrders;
  readonly conventions: Conventions;
  /** What the file says that it is. */
  readonly stated: KindSaid;
  readonly record: LayerRecord | undefined;
  /** The weight before: how many channels or features it gives; absent for the first, or where that is not known. */
  readonly before: { readonly outputs: number; readonly slides: boolean } | "unknown" | undefined;
  readonly next: Beside | undefined;
}

/** What one weight is, and what says so. */
export interface Verdict {
  readonly kind: KnownKind;
  readonly grounds: string;
  /** Channels or features that it gives. */
  readonly outputs?: number;
  /** Of a depthwise kernel whose shape does not say them. */
  readonly channels?: number;
  readonly matrix?: Conventions["matrix"];
}

/** What a record, or a name, says. */
export type KindSaid = Pick<Verdict, "kind" | "grounds"> | undefined;

/** Says what a weight is: by the file's record of it, by its name, by the sizes beside it. */
export function weigh(each: Beside, beside: Neighbours): Verdict {
  const { weight, name } = each.layer;
  const { stated: said } = beside;
  const stated = said?.kind;
  if (said !== undefined && !["conv", "depthwise", "transposed", "dense"].includes(said.kind)) return said;
  const named = kindOfName(name);
  const rank = weight.shape.length;
  const byName = named === undefined ? undefined : { kind: named.kind, grounds: `"${named.word}" in its name` };
  if (isMatrix(each, beside.conventions, stated)) return matrix(each, beside, said, byName);
  const flat = beside.conventions.flatKernels === true && rank === 2 && stated !== undefined;
  if (flat && said !== undefined) return { ...said, ...(weight.shape[0] !== undefined && { outputs: weight.shape[0] }) };
  if (rank === 3 && beside.conventions.dropsOnes !== true && (said ?? byName)?.kind !== "conv" && (said ?? byName)?.kind !== "transposed")
    return { kind: "other", grounds: "three axes, and neither the file nor its name says that it is a convolution" };
  return kernel(each, beside, said, byName);
}

/** Two axes, or those of Caffe's first years behind two axes of one. */
function isMatrix({ layer: { weight } }: Beside, { flatKernels, dropsOnes }: Conventions, stated: KnownKind | undefined): boolean {
  const slides = stated === "conv" || stated === "transposed" || stated === "depthwise";
  if (weight.shape.length === 2) return !slides || (flatKernels !== true && dropsOnes !== true);
  return weight.shape.length === 4 && stated === "dense" && weight.shape[0] === 1 && weight.shape[1] === 1;
}

function matrix({ layer, length, of }: Beside, { orders, before }: Neighbours, stated: KindSaid, named: KindSaid): Verdict {
  const [first = 0, second = 0] = layer.weight.shape.slice(-2);
  const gives = (order: Conventions["matrix"]): number => (order === "o i" ? first : second);
  const verdict = (order: Conventions["matrix"], grounds: string): Verdict => ({
    kind: "dense",
    grounds,
    outputs: gives(order),
    matrix: order,
  });
  const bias = of === "bias" ? length : undefined;
  const { matrix: usual } = orders;
  if (bias !== undefined && bias !== first && bias !== second)
    return { kind: "other", grounds: `its bias has ${bias} values, and neither axis has` };
  if (stated === undefined && bias === undefined && (named?.kind === "embedding" || named?.kind === "recurrent")) return named;
  const own = bias === undefined || first === second ? undefined : bias === first ? "o i" : "i o";
  const isDense =
    stated?.kind === "dense"
      ? stated
      : bias !== undefined
        ? { grounds: "a matrix with its bias" }
        : named?.kind === "dense"
          ? named
          : undefined;
  if (own !== undefined && isDense !== undefined) return verdict(own, `${isDense.grounds}, whose length is that of the outputs`);
  if (usual === undefined) {
    if (isDense === undefined) return { kind: "other", grounds: "a matrix, and nothing says what it is" };
    return { kind: "dense", grounds: `${isDense.grounds}; nothing says which of its axes is the input` };
  }
  if (isDense !== undefined) return verdict(usual.order, isDense.grounds);
  const takes = usual.order === "o i" ? second : first;
  if (first !== second && typeof before === "object" && before.outputs === takes)
    return verdict(usual.order, `it takes the ${takes} that the layer before it gives`);
  return { kind: "other", grounds: "a matrix without a bias, and nothing says what it is" };
}

function kernel(each: Beside, beside: Neighbours, stated: KindSaid, named: KindSaid): Verdict {
  const { weight } = each.layer;
  const { orders } = beside;
  const known = stated ?? (named?.kind === "depthwise" || named?.kind === "transposed" || named?.kind === "conv" ? named : undefined);
  if (orders.kernel === undefined) {
    return {
      kind: known?.kind ?? "other",
      grounds: `${known?.grounds ?? `${weight.shape.length} axes`}; nothing says in which order they are`,
    };
  }
  const channelsFirst = orders.kernel.order === "o i h w";
  const [a = 1, b = 1] = weight.shape;
  const [c = 1, d = 1] = weight.shape.length === 3 && beside.conventions.dropsOnes === true ? [weight.shape[2], 1] : weight.shape.slice(-2);
  const sizes: Sizes = channelsFirst ? { outputs: a, inputs: b } : { outputs: d, inputs: c };
  const single = channelsFirst ? b === 1 && a > 1 : d === 1 && c > 1;
  const fits = channelsFirst ? b === 1 : each.length === undefined || each.length === c * d;
  if (known?.kind === "depthwise" && (stated !== undefined || fits)) return depthwise(beside, sizes, known.grounds);
  if (stated?.kind === "transposed") return { ...stated, outputs: sizes.inputs };
  const groups = beside.record === undefined ? undefined : asNumber(attribute(beside.record, "groups", "group", "num_group"));
  if (stated?.kind === "conv" && (!single || groups !== undefined || !channelsFirst)) {
    if (!single || !channelsFirst || groups === undefined || groups < 2)
      return { kind: "conv", grounds: stated.grounds, outputs: sizes.outputs };
    return { kind: "depthwise", grounds: `${stated.grounds} of ${groups} groups, each of one channel`, outputs: a, channels: groups };
  }
  // MATLAB drops a last axis of one: that is one filter, as groups are kept on the third.
  if (single && beside.conventions.dropsOnes !== true) return oneChannel(each, beside, sizes, channelsFirst);
  return convolution(each, beside, sizes, known);
}

interface Sizes {
  readonly outputs: number;
  readonly inputs: number;
}

/** Channels of a depthwise kernel: stated in groups, else those of the layer before. */
function depthwise({ orders, record, before }: Neighbours, { outputs, inputs }: Sizes, grounds: string): Verdict {
  if (orders.kernel?.order === "h w i o") return { kind: "depthwise", grounds, outputs: inputs * outputs, channels: inputs };
  const groups = record === undefined ? undefined : asNumber(attribute(record, "groups", "group", "num_group"));
  const given = typeof before === "object" && outputs % before.outputs === 0 ? before.outputs : undefined;
  const channels = groups ?? given;
  return { kind: "depthwise", grounds, outputs, ...(channels !== undefined && { channels }) };
}

/**
 * A kernel that takes one channel a filter is an ordinary convolution of one channel, or a depthwise one of as many: the layer before says how
 * many there are, and after a depthwise one comes a pointwise one that takes them all.
 */
function oneChannel(each: Beside, { before, next }: Neighbours, { outputs, inputs }: Sizes, channelsFirst: boolean): Verdict {
  const conv = (grounds: string): Verdict => ({ kind: "conv", grounds, outputs });
  if (channelsFirst) {
    if (each.of === "bias" && each.length === 1) return { kind: "transposed", grounds: "its bias is one value", outputs: 1 };
    if (before === undefined) return conv("the first layer, which takes one channel");
    if (typeof before === "object" && before.outputs === 1) return conv("it takes the one channel that the layer before it gives");
    if (typeof before === "object" && before.outputs === outputs && isPointwise(next, outputs, channelsFirst)) {
      const grounds = `it has a filter for each of the ${outputs} channels before it, and what follows takes them one by one`;
      return { kind: "depthwise", grounds, outputs, channels: outputs };
    }
  } else {
    if (each.length === 1) return conv("its bias is one value");
    if (each.length === inputs && (typeof before !== "object" || before.outputs === inputs)) {
      return {
        kind: "depthwise",
        grounds: `the ${each.of} beside it has a value for each of its ${inputs} channels`,
        outputs: inputs,
        channels: inputs,
      };
    }
  }
  return { kind: "other", grounds: "one channel a filter: an ordinary convolution or a depthwise one, and nothing beside it says which" };
}

/** 1×1, or a matrix. */
function isPointwise(next: Beside | undefined, inputs: number, channelsFirst: boolean): boolean {
  const shape = next?.layer.weight.shape;
  if (shape === undefined) return false;
  if (shape.length === 2) return shape.includes(inputs);
  const [o, i, ...kernel] = channelsFirst ? shape : [...shape.slice(-2).toReversed(), ...shape.slice(0, -2)];
  return o !== undefined && i === inputs && kernel.every((size) => size === 1);
}

/**
 * Of more channels than one a filter: a bias has the length of the outputs, which a transposed convolution keeps on the other axis. A name
 * says what lengths leave open.
 */
function convolution(each: Beside, { before }: Neighbours, { outputs, inputs }: Sizes, named: KindSaid): Verdict {
  const { length, of } = each;
  if (of === "bias" && length !== outputs && length !== inputs)
    return { kind: "other", grounds: `its bias has ${length} values, and neither axis of channels has` };
  const given = typeof before === "object" ? before.outputs : undefined;
  const square = outputs === inputs;
  const turned = !square && length === inputs && (of === "bias" || given === outputs);
  const straight = !square && (of === "bias" || given === inputs) && length === outputs;
  if (turned || (named?.kind === "transposed" && !straight)) {
    const lengths =
      of === "bias" ? "its bias has the length of its second axis of channels" : "what comes before and after it fits no other way";
    return { kind: "transposed", grounds: turned ? lengths : (named?.grounds ?? ""), outputs: inputs };
  }
  return { kind: "conv", grounds: named?.kind === "conv" ? named.grounds : `a kernel of ${each.layer.weight.shape.length} axes`, outputs };
}
