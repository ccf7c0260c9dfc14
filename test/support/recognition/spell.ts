import type { Checkpoint } from "../../../src/tensor/checkpoint.ts";
import { describedFile } from "../described-file.ts";

/** A layer of a made network, under the path that PyTorch would give it. */
export interface MadeLayer {
  readonly path: string;
  readonly kind: "conv" | "deconv" | "dense" | "norm" | "affine" | "scale" | "raw";
  /** conv and deconv: inputs, outputs, kernel; dense: inputs, outputs; norm, affine, scale: channels; raw: the shape. */
  readonly sizes: readonly number[];
  readonly bias: boolean;
  /** conv3_1, fc6, conv3_1.bn, where it is a VGG's. */
  readonly role?: string;
}

type Part = "weight" | "bias" | "gamma" | "beta" | "mean" | "var" | "own";

/** How a framework or a person names and keeps layers. */
interface Spelling {
  readonly format: string;
  readonly name: (layer: MadeLayer, count: number, index: number) => string;
  readonly parts: Readonly<Record<Part, string>>;
  readonly channelsLast?: true;
  /** [in, out], although kernels are o i h w: Paddle. */
  readonly turned?: true;
}

const torchParts = {
  weight: ".weight",
  bias: ".bias",
  gamma: ".weight",
  beta: ".bias",
  mean: ".running_mean",
  var: ".running_var",
  own: "",
};
const slimParts = {
  weight: "/weights",
  bias: "/biases",
  gamma: "/gamma",
  beta: "/beta",
  mean: "/moving_mean",
  var: "/moving_variance",
  own: "",
};
const kerasParts = {
  weight: "/kernel:0",
  bias: "/bias:0",
  gamma: "/gamma:0",
  beta: "/beta:0",
  mean: "/moving_mean:0",
  var: "/moving_variance:0",
  own: "",
};
const paddleParts = { ...torchParts, mean: "._mean", var: "._variance" };
const gluonParts = {
  weight: "_weight",
  bias: "_bias",
  gamma: "_gamma",
  beta: "_beta",
  mean: "_running_mean",
  var: "_running_var",
  own: "",
};
const kerasClasses: Readonly<Record<string, string>> = {
  conv: "conv2d",
  deconv: "conv2d_transpose",
  dense: "dense",
  norm: "batch_normalization",
};
const gluonClasses: Readonly<Record<string, string>> = { conv: "conv", deconv: "deconv", dense: "dense", norm: "batchnorm" };

const twice = (name: string): string => `${name}/${name}`;
const counted = (classes: Readonly<Record<string, string>>, kind: string, count: number): string =>
  `${classes[kind] ?? kind}${count === 0 ? "" : `_${count}`}`;

/** `named`: the paths are the file's; the others count layers. */
export const spellings: Readonly<Record<string, Spelling & { readonly named: boolean }>> = {
  torch: { named: true, format: "torch", name: ({ path }) => path, parts: torchParts },
  "DataParallel in a checkpoint": { named: true, format: "torch", name: ({ path }) => `state_dict.module.${path}`, parts: torchParts },
  "npz with slashes": {
    named: true,
    format: "npz",
    name: ({ path }) => `net/${path.replaceAll(".", "/")}`,
    parts: { ...slimParts, weight: "/W", bias: "/b" },
  },
  slim: { named: true, format: "tf-v2", name: ({ path }) => `net/${path.replaceAll(".", "/")}`, parts: slimParts, channelsLast: true },
  keras: { named: true, format: "keras-h5", name: ({ path }) => twice(path.replaceAll(".", "_")), parts: kerasParts, channelsLast: true },
  paddle: { named: true, format: "paddle", name: ({ path }) => path, parts: paddleParts, turned: true },
  "keras, counted": {
    named: false,
    format: "keras-h5",
    name: ({ kind }, count) => twice(counted(kerasClasses, kind, count)),
    parts: kerasParts,
    channelsLast: true,
  },
  "gluon, counted": {
    named: false,
    format: "mxnet",
    name: ({ kind }, count) => `${gluonClasses[kind] ?? kind}${count}`,
    parts: gluonParts,
  },
  "layers, counted": { named: false, format: "torch", name: (_, __, index) => `layers.${index}`, parts: torchParts },
};

function partsOf({ kind, sizes, bias }: MadeLayer): readonly (readonly [Part, readonly number[]])[] {
  const [inputs = 1, outputs = 1, kernel = 1] = sizes;
  const vector: readonly (readonly [Part, readonly number[]])[] = bias ? [["bias", [outputs]]] : [];
  if (kind === "conv") return [["weight", [outputs, inputs, kernel, kernel]], ...vector];
  if (kind === "deconv") return [["weight", [inputs, outputs, kernel, kernel]], ...vector];
  if (kind === "dense") return [["weight", [outputs, inputs]], ...vector];
  if (kind === "raw") return [["own", sizes]];
  if (kind === "scale") return [["gamma", [inputs]]];
  const affine: readonly (readonly [Part, readonly number[]])[] = [
    ["gamma", [inputs]],
    ["beta", [inputs]],
  ];
  return kind === "affine" ? affine : [...affine, ["mean", [inputs]], ["var", [inputs]]];
}

function stored(shape: readonly number[], part: Part, { channelsLast, turned }: Spelling): readonly number[] {
  const [a = 1, b = 1, h = 1, w = 1] = shape;
  if (part !== "weight") return shape;
  if (shape.length === 4) return channelsLast === true ? [h, w, b, a] : shape;
  return (channelsLast ?? turned) === true ? [b, a] : shape;
}

const roleParts: Readonly<Record<Part, string>> = {
  weight: "weight",
  bias: "bias",
  gamma: "weight",
  beta: "bias",
  mean: "mean",
  var: "var",
  own: "",
};

/** The network as a file of that spelling, and the key of each of its VGG's roles. */
export function spelled(
  layers: readonly MadeLayer[],
  spelling: Spelling,
): { readonly checkpoint: Checkpoint; readonly roles: ReadonlyMap<string, string> } {
  const counts = new Map<string, number>();
  const roles = new Map<string, string>();
  const tensors = layers.flatMap((layer, index) => {
    const count = counts.get(layer.kind) ?? 0;
    counts.set(layer.kind, count + 1);
    const name = spelling.name(layer, count, index);
    return partsOf(layer).map(([part, shape]): [string, readonly number[]] => {
      const key = `${name}${spelling.parts[part]}`;
      if (layer.role !== undefined) roles.set(`${layer.role}.${roleParts[part]}`, key);
      return [key, stored(shape, part, spelling)];
    });
  });
  return { checkpoint: describedFile({ format: spelling.format, tensors }), roles };
}
