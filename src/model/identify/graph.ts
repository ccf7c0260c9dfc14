import type { LayerRecord } from "../../tensor/checkpoint.ts";
import type { DescribedCheckpoint } from "../described.ts";
import { typeOf } from "../records.ts";
import { isSmall } from "./conv.ts";
import type { Entries, Entry } from "./entries.ts";
import { type Fit, type FitPlace, fitInto, publishedLengths } from "./fit.ts";

/** A dense layer, or a convolution behind the body, as the file's graph has it. */
export interface GraphLayer {
  /** Absent where the file lists its tensors and has none of them. */
  readonly entry?: Entry;
}

export interface GraphFit extends Fit {
  /** What follows the body up to the first layer that no VGG has. */
  readonly behind: readonly GraphLayer[];
  /** The graph goes on with what no VGG has. */
  readonly ends: boolean;
}

type Kind = "conv" | "dense" | "pool" | "global pool" | "other network" | "pass";

const kinds: readonly (readonly [Kind, RegExp])[] = [
  [
    "other network",
    /transpose(d)?_?conv|conv\w*transpose|deconv|resize|upsampl|interp|concat|crop|roi|proposal|lstm|gru|separable|depthwise/i,
  ],
  ["global pool", /global|adaptive/i],
  ["pool", /pool/i],
  ["conv", /conv/i],
  ["dense", /dense|linear|inner_?product|fullyconnected|^gemm$|matmul|^mul$|^connected$/i],
];

function kindOf(record: LayerRecord): Kind {
  const type = typeOf(record);
  return kinds.find(([, pattern]) => pattern.test(type))?.[0] ?? "pass";
}

/** A place that the walk may still find a vector for. */
type Open<T> = { -readonly [K in keyof T]: T[K] };

interface Walk {
  readonly convs: Open<FitPlace>[];
  readonly behind: Open<GraphLayer>[];
  /** The layer that was met last. */
  last: { entry?: Entry } | undefined;
  block: number;
  index: number;
  channels: number | undefined;
  pooled: boolean;
  ends: boolean;
}

/** The convolutions and pools that the file itself describes, as far as they are those of a VGG. */
export function graphFit(checkpoint: DescribedCheckpoint, entries: Entries): GraphFit | undefined {
  if (!checkpoint.layers.some((record) => kindOf(record) === "pool")) return undefined;
  const walk: Walk = { convs: [], behind: [], block: 1, index: 0, channels: undefined, pooled: false, ends: false, last: undefined };
  const seen = new Set<Entry>();
  for (const record of checkpoint.layers) {
    const kind = kindOf(record);
    if (kind === "pool") pool(walk);
    if (kind === "other network" && walk.convs.length > 0) {
      walk.ends = true;
      break;
    }
    if (kind === "pass") adopt(walk, layerEntry(record, checkpoint, entries));
    if (kind !== "conv" && kind !== "dense") continue;
    // An operation without tensors of its own multiplies two values; it is no layer.
    if (record.tensors.length === 0) continue;
    const entry = layerEntry(record, checkpoint, entries);
    if (entry !== undefined && seen.has(entry)) continue;
    if (entry !== undefined) seen.add(entry);
    if (kind === "conv" && walk.behind.length === 0 && takes(walk, entry)) conv(walk, entry);
    else if (walk.convs.length > 0) {
      walk.last = entry === undefined ? {} : { entry };
      walk.behind.push(walk.last);
    }
  }
  return fitBlocks(walk);
}

/** The weight of a record, else the vector that is left of it; undefined where it has none of its tensors. */
function layerEntry(record: LayerRecord, { tensors }: DescribedCheckpoint, { byKey }: Entries): Entry | undefined {
  const found = record.tensors.filter((key) => tensors.has(key)).flatMap((key) => byKey.get(key) ?? []);
  return found.find(({ layer }) => layer !== undefined) ?? found[0];
}

function pool(walk: Walk): void {
  if (walk.convs.length === 0 || walk.behind.length > 0) return;
  walk.pooled = true;
}

/** The bias of a layer that has lost its weight, where an operation of its own adds it. */
function adopt(walk: Walk, entry: Entry | undefined): void {
  if (walk.last !== undefined && walk.last.entry === undefined && entry?.lone !== undefined) walk.last.entry = entry;
}

/** Whether a convolution goes on with the body: VGG's kernel, the channels of the last, and no more than five blocks. */
function takes(walk: Walk, entry: Entry | undefined): boolean {
  if (walk.pooled && walk.block === 5) return false;
  const conv = entry?.conv;
  if (conv === undefined) return entry?.layer === undefined;
  return isSmall(conv) && (walk.channels === undefined || walk.channels === conv.inputs);
}

function conv(walk: Walk, entry: Entry | undefined): void {
  if (walk.pooled) {
    walk.block++;
    walk.index = 0;
    walk.pooled = false;
  }
  walk.index++;
  walk.channels = entry?.conv?.outputs;
  const place: Open<FitPlace> = { block: walk.block, index: walk.index, ...(entry && { entry }) };
  walk.convs.push(place);
  walk.last = place;
}

/** A published configuration, or its beginning, or blocks of its own. */
function fitBlocks({ convs, behind, block, index, ends }: Walk): GraphFit | undefined {
  const own = Array.from({ length: block }, (_, b) => convs.filter((place) => place.block === b + 1).length);
  const begins = (lengths: readonly number[]): boolean =>
    own.every((count, b) => (b + 1 < block ? count === lengths[b] : count <= (lengths[b] ?? 0)));
  const fewest = (lengths: readonly number[]): number => lengths.reduce((sum, count) => sum + count, 0);
  const lengths = publishedLengths.filter(begins).toSorted((a, b) => fewest(a) - fewest(b))[0];
  const filled = convs.filter(({ entry }) => entry !== undefined);
  const stated = lengths ?? own;
  const fit = index === 0 ? undefined : fitInto(stated, filled, lengths !== undefined);
  if (fit === undefined || (lengths === undefined && (block < 3 || block > 5))) return undefined;
  const last = convs.at(-1);
  // Holes are what the graph has and the file has not; the graph's own end is no hole.
  const present = (place: FitPlace): boolean =>
    last !== undefined && (place.block < last.block || (place.block === last.block && place.index <= last.index));
  const empty = [...fit.holes, ...fit.tail];
  return { ...fit, holes: empty.filter(present), tail: empty.filter((place) => !present(place)), behind, ends };
}
