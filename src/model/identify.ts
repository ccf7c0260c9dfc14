import { parseAxes } from "../tensor/axes.ts";
import { finish, type IdentifyOptions } from "./assemble.ts";
import type { NetworkParts } from "./build-network.ts";
import { configOf, configs, convNames, titles } from "./configs.ts";
import type { DescribedCheckpoint } from "./described.ts";
import { type Features, findFeatures } from "./features.ts";
import { type Grouped, groupLayers, vectorLength } from "./groups.ts";
import { type Fc, findHead, type Head } from "./head.ts";
import { headOnly } from "./head-only.ts";
import type { Identity } from "./identity.ts";
import { assignHeadNorms, assignNorms, type NormOf } from "./norms.ts";
import { flattensChannelsFirst } from "./records.ts";
import type { Role } from "./role.ts";
import type { Slot } from "./scheme.ts";
import { findSizes } from "./sizes.ts";
import { fcSlots, normSlots, vectorAxes, vectorSlot } from "./slots.ts";
import { headTail } from "./tail.ts";
import { isFlipped } from "./theano.ts";

/** A VGG in training has some hundreds of tensors, optimizer and averages included. What has more than these is another network, and taking it apart would take several times the memory of all its names. */
const mostTensors = 20_000;

/**
 * Recognises a VGG by its structure: convolutions that chain, kernel shapes, the matrices behind them. Names put tensors
 * together into layers and order layers of the same shape; they are evidence, never a condition. Undefined for
 * everything else.
 */
export function identify(checkpoint: DescribedCheckpoint, options: IdentifyOptions = {}): Identity | undefined {
  if (checkpoint.tensors.size > mostTensors) return undefined;
  const grouped = groupLayers(checkpoint);
  const features = findFeatures(checkpoint, grouped);
  return features === undefined ? headOnly(checkpoint, grouped, options) : withFeatures(checkpoint, grouped, features, options);
}

function withFeatures(checkpoint: DescribedCheckpoint, grouped: Grouped, features: Features, options: IdentifyOptions): Identity {
  const { convs, blocks } = features;
  const used = new Set([...convs, ...features.headConvs].map((conv) => conv.layer));
  const channels = convs.at(-1)?.outputs ?? 0;
  const question = { convs: features.headConvs, channels, layout: features.run.layout, matrix: checkpoint.conventions.matrix };
  const head = findHead({ ...question, layers: grouped.weights.filter((layer) => !used.has(layer)) });
  const tail = headTail(head.layers, grouped);
  const names = blocks.places.map(([block, index]) => `conv${block}_${index}`);
  const norms = assignNorms(convs, grouped.norms);
  const headNorms = assignHeadNorms(
    tail.layers,
    grouped.norms.filter((norm) => ![...norms.values()].includes(norm)),
  );
  const pools = blocks.lengths.length;
  const sizes = findSizes(checkpoint, tail.layers[0], channels, pools, options.inputSize);
  const roles = new Map<Role, Slot>([
    ...convRoles(checkpoint, features, names, norms),
    ...headRoles(checkpoint, grouped, features, head, tail.layers, headNorms),
  ]);
  const pointwise = names.filter((_, i) => convs[i]?.kernel[0] === 1);
  const config = configOf(blocks.lengths, pointwise);
  const parts: NetworkParts = {
    config,
    convs: convs.map((conv, i) => ({ name: names[i] ?? "", conv, norm: norms.has(conv.layer) })),
    fcs: tail.layers.map((fc, i) => ({ name: `fc${6 + i}`, fc, bias: roles.has(`fc${6 + i}.bias`), norm: headNorms.has(fc.layer) })),
    final: tail.final,
    missing: [...blocks.missing, ...tail.missing],
    replaced: tail.replaced,
    pools,
    sizes,
    epsilon: 0,
  };
  return finish(checkpoint, parts, roles, options, evidenceOf(features, head, tail.layers));
}

function* convRoles(
  checkpoint: DescribedCheckpoint,
  { convs }: Features,
  names: readonly string[],
  norms: NormOf,
): Generator<readonly [Role, Slot]> {
  const flip = isFlipped(checkpoint, convs);
  const { variance } = checkpoint.conventions;
  for (const [i, conv] of convs.entries()) {
    const name = names[i] ?? "";
    yield [`${name}.weight`, { key: conv.layer.weight.name, axes: parseAxes(conv.axes), ...(flip && { flip: ["h", "w"] }) }];
    const bias = conv.layer.bias;
    yield [`${name}.bias`, bias === undefined ? { constant: 0 } : vectorSlot(bias, styleOf(convs.map((other) => other.layer.bias?.shape)))];
    const norm = norms.get(conv.layer);
    if (norm !== undefined) yield* normSlots(name, norm, variance);
  }
}

/** Axes of the first vector with more than one element: a vector of one is kept like its neighbours. */
function styleOf(shapes: readonly (readonly number[] | undefined)[]): string | undefined {
  const shape = shapes.find((other) => other !== undefined && (vectorLength(other) ?? 1) > 1);
  return shape === undefined ? undefined : vectorAxes(shape);
}

function* headRoles(
  checkpoint: DescribedCheckpoint,
  grouped: Grouped,
  { run }: Features,
  head: Head,
  layers: readonly Fc[],
  norms: NormOf,
): Generator<readonly [Role, Slot]> {
  const channelsFirst = flattensChannelsFirst(checkpoint) ?? run.layout !== "h w i o";
  const style = styleOf([...run.convs.map((conv) => conv.layer.bias?.shape), ...head.layers.map((fc) => fc.layer.bias?.shape)]);
  yield* fcSlots(layers, grouped, channelsFirst ? "i h w" : "h w i", style, norms);
}

function evidenceOf({ convs, blocks, run }: Features, head: Head, layers: readonly Fc[]): readonly string[] {
  const how: Readonly<Record<typeof blocks.source, string>> = {
    layers: "the pools that the file describes",
    names: "the numbers in the names",
    numbers: "the gaps in the numbering",
    count: "their number",
    widths: "their widths",
  };
  const sizes = [...new Set(convs.map((conv) => conv.kernel.join("×")))].join(" and ");
  const lines = [
    `${convs.length} convolutions ${sizes} chain from ${convs[0]?.inputs} to ${convs.at(-1)?.outputs} channels, kept ${run.layout}`,
    `blocks of ${blocks.lengths.join(", ")} by ${how[blocks.source]}`,
  ];
  const widths = layers.map((fc) => fc.outputs).join(", ");
  if (layers.length > 0) lines.push(`fully connected layers of ${widths}, matrices kept ${head.orientation}`);
  const published = (["A", "B", "D", "E"] as const).find((config) => configs[config].join() === blocks.lengths.join());
  if (published !== undefined) lines.push(`${convNames(blocks.lengths).length} convolutions as in ${titles[published]}`);
  return lines;
}
