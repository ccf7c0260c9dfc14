import { isWeighted, kernelShape, type WeightedLayer } from "../../model/geometry/shapes.ts";
import type { Network } from "../../model/network.ts";
import type { Role } from "../../model/role.ts";
import type { Slot } from "../../model/scheme.ts";
import type { View } from "../../tensor/view.ts";
import type { Weights } from "../engines/engine.ts";
import { describeBatchNorm } from "./diagnose-norm.ts";
import { factors, type Kernel, relationBetween, unravel } from "./kernel-relations.ts";
import { type Agreement, agreement, cosine } from "./vectors.ts";

/** One of two networks that were run and differ. */
export interface Compared {
  readonly name: string;
  /** featureShape filled in for the input that was run. */
  readonly network: Network;
  readonly roles: ReadonlyMap<Role, Slot>;
  readonly weights: Weights;
  /** A kernel where it can be compared without being loaded. */
  readonly kernel?: (role: Role) => Promise<View | undefined>;
}

export interface Pair {
  readonly a: Compared;
  readonly b: Compared;
  /** Largest |a − b| of two weights that count as equal, over the largest weight. */
  readonly rtol: number;
}

type Layer = Network["layers"][number];

/** Below this, two sets of weights have nothing to do with each other; drawn anew, 1,000 weights give about 0.03. */
const UNRELATED = 0.2;
/** So many values differ at most where single values are told, and not a change all over. */
const FEW = 16;

/**
 * Why the outputs of `layer` differ although the layers before it agree: sentences, most telling first; empty where nothing
 * is found. Only weights and settings of that layer can be the cause, so they are compared, not run.
 */
export async function diagnose(layer: string, pair: Pair): Promise<readonly string[]> {
  const [a, b] = [find(pair.a, layer), find(pair.b, layer)];
  if (a === undefined || b === undefined) return [];
  if (a.kind === "pool" && b.kind === "pool")
    return a.ceil === b.ceil ? [] : [`${layer}: sizes are rounded up in one network and down in the other`];
  if (!isWeighted(a) || !isWeighted(b)) return [];
  const shapes = [kernelShape(pair.a.network, a), kernelShape(pair.b.network, b)] as const;
  if (String(shapes[0]) !== String(shapes[1])) {
    return [
      `${layer}: kernels of ${shapes[0].join("×")} in ${pair.a.name} and ${shapes[1].join("×")} in ${pair.b.name} (height, width, inputs, outputs)`,
    ];
  }
  const kernel = await describeKernel(pair, a, shapes[0]);
  const found = [...kernel, ...(await describeBias(pair, a, b)), ...(await describeBatchNorm(pair, a, b)), ...describeSettings(pair, a, b)];
  if (found.length > 0) return found;
  return [
    `${layer}: all weights and settings of the layer are equal in both; the order in which its inputs are flattened differs, or the engine is at fault`,
  ];
}

async function describeKernel(pair: Pair, layer: WeightedLayer, shape: Kernel["shape"]): Promise<readonly string[]> {
  const { name } = layer;
  const a: Kernel = { shape, values: await pair.a.weights(`${name}.weight`, "h w i o") };
  const b: Kernel = { shape, values: await pair.b.weights(`${name}.weight`, "h w i o") };
  const same = agreement(a.values, b.values, pair.rtol);
  if (same.different === 0) return [];
  if (same.different <= FEW && same.different * 4 < a.values.length) return [fewValues(`${name}.weight`, same, pair, placeIn(shape))];
  const isFirst = pair.b.network.layers.find((candidate) => candidate.kind === "fc")?.name === name;
  const readAs = isFirst ? rowOrder(pair.b.roles.get(`${name}.weight`)) : undefined;
  const relation = relationBetween(name, a, b, [pair.a.name, pair.b.name], readAs);
  if (relation !== undefined) return [relation];
  const swapped = await holderOf(pair, layer, "weight", shape, b.values);
  if (swapped !== undefined)
    return [`${name}: the weights of ${pair.b.name} are those of ${swapped} in ${pair.a.name}: layers are mixed up`];
  const scaled = describeScale(pair, name, a, b);
  if (scaled !== undefined) return [scaled];
  const alike = cosine(a.values, b.values);
  if (Math.abs(alike) < UNRELATED) {
    return [
      `${name}: the weights have nothing to do with each other (cosine ${alike.toFixed(3)}): one of them was initialised anew, or trained separately`,
    ];
  }
  return [
    `${name}: ${same.different} of ${a.values.length} weights differ, by ${same.largest.toPrecision(3)} at most (cosine ${alike.toFixed(4)}): trained further, or rounded`,
  ];
}

function describeScale(pair: Pair, name: string, a: Kernel, b: Kernel): string | undefined {
  const perInput = factors(a, b, 2);
  const isUniform = perInput?.every((factor) => Math.abs(factor / (perInput[0] ?? 1) - 1) < 1e-3);
  if (perInput !== undefined && isUniform === true) {
    return `${name}: the weights of ${pair.b.name} are ${(perInput[0] ?? 1).toPrecision(4)} times those of ${pair.a.name}`;
  }
  if (perInput !== undefined && name === "conv1_1") {
    return `${name}: each input channel of ${pair.b.name} is scaled (by ${listed(perInput)}) against ${pair.a.name}: the spread of the pictures' channels is worked in on one side only`;
  }
  const perOutput = factors(a, b, 3);
  if (perOutput === undefined) return undefined;
  return `${name}: each output of ${pair.b.name} is scaled (by ${listed(perOutput)}) against ${pair.a.name}: batch norm is worked in on one side only`;
}

async function describeBias(pair: Pair, a: WeightedLayer, b: WeightedLayer): Promise<readonly string[]> {
  const { name } = a;
  if (a.bias !== b.bias) {
    const [has, lacks] = a.bias ? [pair.a.name, pair.b.name] : [pair.b.name, pair.a.name];
    const values = await (a.bias ? pair.a : pair.b).weights(`${name}.bias`, "o");
    return values.every((value) => value === 0) ? [] : [`${name}: ${has} has a bias and ${lacks} has none`];
  }
  if (!a.bias) return [];
  const [ours, theirs] = [await pair.a.weights(`${name}.bias`, "o"), await pair.b.weights(`${name}.bias`, "o")];
  const same = agreement(ours, theirs, pair.rtol);
  if (same.different === 0) return [];
  const other = await holderOf(pair, a, "bias", [a.outputs], theirs);
  if (other !== undefined)
    return [`${name}: the bias of ${pair.b.name} is that of ${other} in ${pair.a.name}: biases of two layers are swapped`];
  if (theirs.every((value) => value === 0)) return [`${name}: the bias of ${pair.b.name} is zero throughout`];
  if (ours.every((value) => value === 0)) return [`${name}: the bias of ${pair.a.name} is zero throughout`];
  if (same.different <= FEW && same.different * 2 < ours.length) return [fewValues(`${name}.bias`, same, pair, (k) => `output ${k}`)];
  return [`${name}: ${same.different} of ${ours.length} biases differ, by ${same.largest.toPrecision(3)} at most`];
}

/** The layer of a, other than the one asked about, that holds these values under the same role; shapes are the same. */
async function holderOf(pair: Pair, layer: WeightedLayer, part: "weight" | "bias", shape: readonly number[], values: Float32Array) {
  for (const candidate of pair.a.network.layers) {
    if (!isWeighted(candidate) || candidate.name === layer.name || (part === "bias" && !candidate.bias)) continue;
    const its = part === "bias" ? [candidate.outputs] : kernelShape(pair.a.network, candidate);
    if (String(its) !== String(shape)) continue;
    const theirs = await pair.a.weights(`${candidate.name}.${part}`, part === "bias" ? "o" : "h w i o");
    if (agreement(theirs, values, pair.rtol).different === 0) return candidate.name;
  }
  return undefined;
}

function describeSettings(pair: Pair, a: WeightedLayer, b: WeightedLayer): readonly string[] {
  const found: string[] = [];
  if (a.kind === "conv" && b.kind === "conv" && String(a.pad) !== String(b.pad)) {
    found.push(`${a.name}: padding of ${a.pad.join("×")} in ${pair.a.name} and ${b.pad.join("×")} in ${pair.b.name}`);
  }
  const [scaleA, scaleB] = [a, b].map((layer) => (layer.kind === "fc" ? (layer.inputScale ?? 1) : 1));
  if (scaleA !== scaleB) {
    found.push(
      `${a.name}: its input is multiplied with ${scaleA} in ${pair.a.name} and ${scaleB} in ${pair.b.name}: dropout that scales at inference, on one side only`,
    );
  }
  return found;
}

function placeIn(shape: Kernel["shape"]): (k: number) => string {
  return (k) => {
    const [h, w, i, o] = unravel(k, shape);
    return `h ${h}, w ${w}, input ${i}, output ${o}`;
  };
}

function fewValues(role: Role, same: Agreement, pair: Pair, place: (k: number) => string): string {
  const [x, y] = same.worst;
  const which = same.different === 1 ? "a single value differs" : `${same.different} values differ, most of all`;
  return `${role}: ${which}, at ${place(same.at)}: ${x} in ${pair.a.name} and ${y} in ${pair.b.name}`;
}

/** "i h w" out of "(i h w) o": the order in which a file keeps the rows of a flattened layer; "h w i" of a four-axis kernel. */
function rowOrder(slot: Slot | undefined): string | undefined {
  if (slot === undefined || "constant" in slot) return undefined;
  return slot.axes.names.filter((axis) => ["h", "w", "i"].includes(axis)).join(" ");
}

function find({ network }: Compared, name: string): Layer | undefined {
  return network.layers.find((layer) => layer.name === name);
}

function listed(values: Float64Array): string {
  const shown = [...values.subarray(0, 4)].map((value) => value.toPrecision(3)).join(", ");
  return values.length > 4 ? `${shown}, …` : shown;
}
