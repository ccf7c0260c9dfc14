import { parseAxes } from "../../tensor/axes.ts";
import type { Assumption } from "../assumption.ts";
import type { DescribedCheckpoint } from "../described.ts";
import type { Missing } from "../identity.ts";
import { type Layers, normTensors, vectorLength } from "../layers/layer.ts";
import { naturalCompare } from "../layers/order.ts";
import { keyOf } from "../layers/tokens.ts";
import type { NetworkParts } from "../network/build-network.ts";
import { configOf, configs, titles } from "../network/configs.ts";
import { findSizes } from "../network/sizes.ts";
import type { IdentifyOptions } from "../options.ts";
import { flattensChannelsFirst } from "../records.ts";
import { type Role, roleOf } from "../role.ts";
import type { Slot } from "../scheme.ts";
import { type Entries, type Entry, tensorsOf } from "./entries.ts";
import { type FitPlace, placeName } from "./fit.ts";
import { findHead } from "./head/find-head.ts";
import type { Head } from "./head/question.ts";
import { emptyPlaces, missingBiases, missingLayers, missingNorms, type Present, possibleBiases } from "./missing.ts";
import { assignNorms, type NormOf } from "./norms.ts";
import type { Reading } from "./readings.ts";
import { flattenedAxes, normSlots, vectorAxes, vectorSlot } from "./slots.ts";
import { isFlipped } from "./theano.ts";

/** A body before its scheme and its preprocessing are known. */
export interface Draft {
  readonly reading: Reading;
  readonly head: Head;
  readonly parts: NetworkParts;
  readonly roles: ReadonlyMap<Role, Slot>;
  readonly missing: readonly Missing[];
  readonly unread: readonly string[];
  readonly through: string;
  readonly evidence: readonly string[];
  /** Layers that are the network's. */
  readonly entries: ReadonlySet<Entry>;
}

/** What a reading of the convolutions makes of the file: the network with its head and norms, and what is missing of it. */
export function draftBody(
  checkpoint: DescribedCheckpoint,
  layers: Layers,
  entries: Entries,
  whole: Reading,
  options: IdentifyOptions,
): Draft {
  const head = findHead(checkpoint, layers, entries, whole);
  const reading = ofFewerBlocks(whole, head);
  const convs = reading.places.flatMap(presentAt);
  const fcs = head.layers.map(({ name, entry }): Present => ({ name, entry }));
  const own = new Set([...convs, ...fcs].map(({ entry }) => entry));
  const others = entries.all.filter((entry) => entry.layer !== undefined && !own.has(entry));
  const empty = emptyPlaces(reading, head, others.length).map(
    (place): Present => ({ name: placeName(place), entry: { path: "", names: [], position: -1 } }),
  );
  const norms = normsOf(checkpoint, entries, reading, inOrder([...convs, ...empty]), head);
  const ownNorms = new Set([...norms.values()].flatMap(normTensors));
  const missing = [
    ...missingLayers(reading, head, others.length),
    ...missingBiases(convs),
    ...missingBiases(fcs, 0),
    ...possibleBiases(convs, fcs),
    ...missingNorms(
      convs.filter(({ entry }) => entry.layer !== undefined),
      norms,
    ),
  ];
  const gone = new Set(missing.map(({ role }) => role));
  const roles = new Map(
    [
      ...convRoles(checkpoint, convs, norms),
      ...emptyRoles(checkpoint, empty, norms),
      ...headRoles(checkpoint, entries, convs, head, norms),
    ].filter(([role, slot]) => !("constant" in slot && gone.has(role))),
  );
  const unread = [...convs, ...fcs].flatMap(({ entry }) => entry.layer?.strays.map(({ name }) => name) ?? []);
  for (const entry of entries.all) if (tensorsOf(entry).some((tensor) => ownNorms.has(tensor))) own.add(entry);
  const within = entries.all.some((entry) => !own.has(entry) && isWithin(entry, reading));
  const alone = entries.all.every((entry) => own.has(entry) || (entry.norm ?? entry.layer) !== undefined);
  const headed = (head.final && !within) || (head.layers.length === 0 && others.length === 0 && alone);
  const complete = missing.length === 0 && unread.length === 0 && !head.replaced && reading.tail.length === 0 && headed;
  const last = head.layers.findLast(({ fc }) => fc !== undefined)?.name ?? lastConv(reading.places);
  return {
    reading,
    head,
    parts: partsOf(checkpoint, { reading, convs, head, norms, missing, roles, complete, options }),
    roles,
    missing,
    unread,
    through: last,
    evidence: evidenceOf(reading, head, entries),
    entries: own,
  };
}

/** Whether a layer is in the very module, or of the very run, that has the convolutions: the network is not wholly read. */
function isWithin({ names, conv }: Entry, { prefix, run }: Reading): boolean {
  const last = prefix.at(-1);
  const inside = typeof last === "string" && names.some((tokens) => keyOf(tokens.slice(0, prefix.length)) === keyOf(prefix));
  return inside && (conv !== undefined || run !== undefined);
}

/** A whole head behind a whole block: a network of so many blocks, of which none is missing. */
function ofFewerBlocks(reading: Reading, head: Head): Reading {
  const last = reading.places.at(-1);
  const blocks = last?.block ?? 0;
  const ends = last !== undefined && last.index === reading.lengths[blocks - 1] && blocks < reading.lengths.length;
  if (!ends || reading.ends === true || head.layers.length === 0) return reading;
  return { ...reading, lengths: reading.lengths.slice(0, blocks), published: false, tail: [] };
}

function presentAt(place: FitPlace): readonly Present[] {
  return place.entry === undefined ? [] : [{ name: placeName(place), entry: place.entry }];
}

function lastConv(places: readonly FitPlace[]): string {
  const last = places.findLast(({ entry }) => entry?.conv !== undefined);
  return last === undefined ? "" : placeName(last);
}

function normsOf(checkpoint: DescribedCheckpoint, entries: Entries, reading: Reading, convs: readonly Present[], head: Head): NormOf {
  const literal = reading.source === "names";
  const items = reading.run?.run.items;
  const layers = convs.map(({ entry }) => ({ entry, outputs: entry.conv?.outputs ?? entry.lone?.size }));
  const behind = head.layers.flatMap(({ entry, fc }) => (fc === undefined ? [] : [{ entry, outputs: fc.outputs }]));
  const convNorms = assignNorms({ checkpoint, entries, layers, literal, ...(items && { items }) });
  const taken = new Set(convNorms.values());
  const headNorms = assignNorms({ checkpoint, entries, layers: behind, literal: true });
  return new Map([...convNorms, ...[...headNorms].filter(([, norm]) => !taken.has(norm))]);
}

/** Forward order: block and number. */
function inOrder(layers: readonly Present[]): readonly Present[] {
  return layers.toSorted((a, b) => naturalCompare(a.name, b.name));
}

/** A convolution of which nothing is there may still have the norm behind it. */
function* emptyRoles(checkpoint: DescribedCheckpoint, empty: readonly Present[], norms: NormOf): Generator<readonly [Role, Slot]> {
  for (const { name, entry } of empty) {
    const norm = norms.get(entry);
    if (norm !== undefined) yield* normSlots(name, norm, checkpoint.conventions.variance);
  }
}

interface Known {
  readonly reading: Reading;
  readonly convs: readonly Present[];
  readonly head: Head;
  readonly norms: NormOf;
  readonly missing: readonly Missing[];
  readonly roles: ReadonlyMap<Role, Slot>;
  readonly complete: boolean;
  readonly options: IdentifyOptions;
}

function partsOf(checkpoint: DescribedCheckpoint, known: Known): NetworkParts {
  const { reading, convs, head, norms, missing, roles, complete, options } = known;
  const convParts = convs.flatMap(({ name, entry }) =>
    entry.conv === undefined ? [] : [{ name, conv: entry.conv, bias: entry.layer?.bias !== undefined, norm: norms.has(entry) }],
  );
  const pointwise = convParts.filter(({ conv }) => conv.kernel[0] === 1).map(({ name }) => name);
  const channels = convParts.at(-1)?.conv.outputs ?? 0;
  const fcs = head.layers.flatMap(({ name, entry, fc }) =>
    fc === undefined ? [] : [{ name, fc, bias: roles.has(roleOf(name, "bias")), norm: norms.has(entry) }],
  );
  const first = fcs[0]?.name === "fc6" ? fcs[0].fc : undefined;
  const layers = missing.map(({ role }) => role.replace(/\.weight$/, "")).filter((role) => !role.includes("."));
  const pools = reading.lengths.length;
  return {
    config: reading.published ? configOf(reading.lengths, pointwise) : "other",
    convs: convParts,
    fcs,
    final: head.final,
    missing: layers,
    complete,
    pools,
    ...(head.reduced === true && reading.source !== "graph" && { reduced: true as const, assumed: [reducedForm] }),
    sizes: findSizes(checkpoint, first, channels, pools, options.inputSize),
  };
}

const reducedForm: Assumption = {
  of: "head",
  what: "fc6 is taken as SSD's: 3×3 with dilation 6 and padding 6, behind a pool of 3×3 with stride 1",
  grounds: "it has a 3×3 kernel, fc7 follows and no fc8 does; the file does not say how it slides",
  switch: "--no-top leaves it out",
};

function* convRoles(checkpoint: DescribedCheckpoint, convs: readonly Present[], norms: NormOf): Generator<readonly [Role, Slot]> {
  const read = convs.flatMap(({ entry }) => entry.conv?.weight ?? []);
  const flip = isFlipped(checkpoint, read);
  const { variance } = checkpoint.conventions;
  const style = styleOf(convs.map(({ entry }) => entry.layer?.bias?.shape));
  for (const { name, entry } of convs) {
    const { conv, layer, lone } = entry;
    if (conv !== undefined)
      yield [roleOf(name, "weight"), { key: conv.weight.name, axes: parseAxes(conv.axes), ...(flip && { flip: ["h", "w"] }) }];
    const bias = layer?.bias ?? lone?.tensor;
    yield [roleOf(name, "bias"), bias === undefined ? { constant: 0 } : vectorSlot(bias, style)];
    const norm = norms.get(entry);
    if (norm !== undefined) yield* normSlots(name, norm, variance);
  }
}

/** Axes of the first vector with more than one element: a vector of one is kept like its neighbours. */
function styleOf(shapes: readonly (readonly number[] | undefined)[]): string | undefined {
  const shape = shapes.find((other) => other !== undefined && (vectorLength(other) ?? 1) > 1);
  return shape === undefined ? undefined : vectorAxes(shape);
}

export function* headRoles(
  checkpoint: DescribedCheckpoint,
  entries: Entries,
  convs: readonly Present[],
  head: Head,
  norms: NormOf,
): Generator<readonly [Role, Slot]> {
  const channelsFirst =
    flattensChannelsFirst(checkpoint) ?? (convs.length === 0 ? checkpoint.conventions.flatten === "i h w" : entries.layout !== "h w i o");
  const style = styleOf([...convs, ...head.layers].map(({ entry }) => entry.layer?.bias?.shape));
  for (const { name, entry, fc } of head.layers) {
    if (fc !== undefined && entry.layer !== undefined) {
      const axes = name === "fc6" ? flattenedAxes(fc, channelsFirst ? "i h w" : "h w i") : fc.axes;
      yield [roleOf(name, "weight"), { key: entry.layer.weight.name, axes: parseAxes(axes) }];
    }
    const bias = entry.layer?.bias ?? entry.lone?.tensor;
    if (bias !== undefined) yield [roleOf(name, "bias"), vectorSlot(bias, style)];
    const norm = norms.get(entry);
    if (norm !== undefined) yield* normSlots(name, norm, undefined);
  }
}

function evidenceOf({ places, lengths, source, published }: Reading, head: Head, { layout }: Entries): readonly string[] {
  const how: Readonly<Record<Reading["source"], string>> = {
    graph: "the pools that the file describes",
    names: "the numbers in the names",
    numbers: "the gaps in the numbering",
    count: "their number and widths",
  };
  const convs = places.flatMap(({ entry }) => entry?.conv ?? []);
  const sizes = [...new Set(convs.map((conv) => conv.kernel.join("×")))].join(" and ");
  const lines = [
    `${convs.length} convolutions ${sizes} chain from ${convs[0]?.inputs} to ${convs.at(-1)?.outputs} channels, kept ${layout}`,
    `blocks of ${lengths.join(", ")} by ${how[source]}`,
  ];
  const widths = head.layers.flatMap(({ fc }) => fc?.outputs ?? []).join(", ");
  if (widths !== "") lines.push(`fully connected layers of ${widths}`);
  const config = (["A", "B", "D", "E"] as const).find((each) => published && configs[each].join() === lengths.join());
  if (config !== undefined) lines.push(`blocks as in ${titles[config]}`);
  return lines;
}
