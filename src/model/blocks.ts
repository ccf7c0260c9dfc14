import type { Conv } from "./chain.ts";
import { blocksOfCount } from "./configs.ts";
import type { DescribedCheckpoint } from "./described.ts";
import { convPlace } from "./expand.ts";
import { template } from "./names.ts";

/** Where the pools stand among the convolutions, and how that is known. */
export interface Blocks {
  /** Block and place in it, both from 1, of each convolution. */
  readonly places: readonly (readonly [block: number, index: number])[];
  readonly lengths: readonly number[];
  readonly source: "layers" | "names" | "numbers" | "count" | "widths";
  /** Convolutions that the numbering has and the file lacks: "conv3_2". */
  readonly missing: readonly string[];
}

interface Evidence {
  readonly convs: readonly Conv[];
  readonly checkpoint: DescribedCheckpoint;
  readonly batchNorm: boolean;
}

type Lengths = readonly number[];

/**
 * Cuts a chain of convolutions into VGG's blocks. The weights do not hold the pools, so this looks, in this order, at the
 * layers that the file describes, at two-part names (conv3_2), at gaps in a running number (features.N), at the number of
 * convolutions (published configurations) and at last at where the width changes.
 * Returns undefined where these say that there are no pools.
 */
export function findBlocks(evidence: Evidence): Blocks | undefined {
  const described = fromLayers(evidence);
  if (described !== undefined) return whole(described, "layers");
  const columns = nameColumns(evidence.convs.map((conv) => conv.layer.name));
  for (const names of [columns, labelColumns(evidence.convs)]) {
    const named = names === undefined ? undefined : fromNames(names);
    if (named !== undefined) return named;
  }
  const numbered = columns === undefined ? undefined : fromNumbers(columns, evidence);
  if (numbered !== undefined) return numbered === "no pools" ? undefined : numbered;
  return fromCount(evidence.convs) ?? fromWidths(evidence.convs);
}

function whole(lengths: Lengths, source: Blocks["source"]): Blocks | undefined {
  if (lengths.length < 3 || lengths.length > 7) return undefined;
  const places = lengths.flatMap((count, block) => Array.from({ length: count }, (_, n): [number, number] => [block + 1, n + 1]));
  return { places, lengths, source, missing: [] };
}

/** Pools among the layers that the file describes: simplenn, prototxt, Keras configurations, ONNX nodes, Paddle programs. */
function fromLayers({ convs, checkpoint }: Evidence): Lengths | undefined {
  const index = new Map<string, number>();
  checkpoint.layers.forEach((record, i) => {
    for (const key of record.tensors) if (!index.has(key)) index.set(key, i);
  });
  const at = convs.map((conv) => index.get(conv.layer.weight.name));
  if (at.some((place, i) => place === undefined || place <= (at[i - 1] ?? -1))) return undefined;
  const pools = checkpoint.layers.flatMap((record, i) => (/pool/i.test(poolType(record.type, record.attributes)) ? [i] : []));
  const starts = at.map((place, i) => i > 0 && pools.some((pool) => pool > (at[i - 1] ?? 0) && pool < (place ?? 0)));
  const lengths = cut(starts);
  return lengths.length >= 3 ? lengths : undefined;
}

/** A wrapper (Keras' TimeDistributed) is what it wraps. */
function poolType(type: string, attributes: ReadonlyMap<string, unknown>): string {
  const inner = attributes.get("layer");
  const name = inner instanceof Map ? inner.get("class_name") : undefined;
  return typeof name === "string" ? name : type;
}

function cut(starts: readonly boolean[]): Lengths {
  const lengths: number[] = [];
  starts.forEach((start, i) => {
    if (start || i === 0) lengths.push(1);
    else lengths[lengths.length - 1] = (lengths.at(-1) ?? 0) + 1;
  });
  return lengths;
}

/** The numbers in the names that differ from layer to layer, column by column; undefined where names have nothing in common. */
function nameColumns(names: readonly string[]): readonly (readonly number[])[] | undefined {
  const parts = names.map((name) => template(counted(name)));
  const shape = parts[0]?.shape;
  if (shape === undefined || parts.some((part) => part.shape !== shape)) return undefined;
  const width = parts[0]?.numbers.length ?? 0;
  const columns = Array.from({ length: width }, (_, i) => parts.map((part) => part.numbers[i] ?? 0));
  const varying = columns.filter((column) => column.some((value) => value !== column[0]));
  return varying.filter((column, i) => !varying.slice(0, i).some((other) => other.every((value, k) => value === column[k])));
}

/** As above of the names that the file gives beside its keys: TensorFlow's object graphs have them. */
function labelColumns(convs: readonly Conv[]): readonly (readonly number[])[] | undefined {
  const labels = convs.flatMap(({ layer }) => layer.weight.label ?? []);
  return labels.length === convs.length ? nameColumns(labels) : undefined;
}

/** Keras numbers the layers of a class conv2d, conv2d_1, …: the first is number 0. */
function counted(name: string): string {
  return name
    .split("/")
    .map((part) => (/^(conv2d|time_distributed|convolution2d|conv)$/.test(part) ? `${part}_0` : part))
    .join("/");
}

/** Two numbers, the second beginning anew with each change of the first: conv{block}_{n}. */
function fromNames(columns: readonly (readonly number[])[]): Blocks | undefined {
  const last = columns.at(-1);
  if (last === undefined || columns.length < 2) return undefined;
  const first = Math.min(...last);
  const places: [number, number][] = [];
  const missing: string[] = [];
  let block = 0;
  let previous = "";
  let expected = first;
  for (let i = 0; i < last.length; i++) {
    const key = columns
      .slice(0, -1)
      .map((column) => column[i])
      .join(" ");
    if (key !== previous) {
      block++;
      previous = key;
      expected = first;
    }
    const n = last[i] ?? 0;
    if (n < expected || n - expected > 2) return undefined;
    for (; expected < n; expected++) missing.push(`conv${block}_${expected - first + 1}`);
    places.push([block, n - first + 1]);
    expected = n + 1;
  }
  return first > 1 ? undefined : placed(places, missing, "names");
}

/** One running number that counts relu and pool too: a step larger by one has a pool in it. */
function fromNumbers(columns: readonly (readonly number[])[], evidence: Evidence): Blocks | "no pools" | undefined {
  const [numbers] = columns;
  if (numbers === undefined || columns.length !== 1) return undefined;
  const steps = numbers.slice(1).map((value, i) => value - (numbers[i] ?? 0));
  const step = Math.min(...steps);
  if (step < 1) return undefined;
  if (step === 1) return fromCounter(steps);
  if (steps.every((value) => value === step)) {
    // conv, relu, conv, relu …; conv, norm, relu …: nothing else fits between. Wider or narrower steps say nothing.
    return step === (evidence.batchNorm ? 3 : 2) ? "no pools" : undefined;
  }
  // Numbers begin at 0 or 1; one whole step later, the first convolution is missing.
  const headless = step > 1 && numbers[0] === step;
  const read = (behind: boolean): Blocks | undefined => placesOf(steps, step, headless, (i) => sideOf(evidence.convs, i) ?? behind);
  const first = read(false);
  if (first === undefined || isPublished(first)) return first;
  const second = read(true);
  return second !== undefined && isPublished(second) ? second : first;
}

/** A number that counts convolutions alone (conv2d, conv2d_1, …) says nothing of pools, but a number left out is a layer left out. */
function fromCounter(steps: readonly number[]): Blocks | undefined {
  const holes = steps.filter((value) => value === 2).length;
  const lengths = blocksOfCount(steps.length + 1 + holes);
  if (holes === 0 || holes > 2 || lengths === undefined || steps.some((value) => value > 2)) return undefined;
  const all = lengths.flatMap((count, block) => Array.from({ length: count }, (_, n): [number, number] => [block + 1, n + 1]));
  let at = 0;
  const kept = new Set([0, ...steps.map((value) => (at += value))]);
  const missing = all.flatMap(([block, index], k) => (kept.has(k) ? [] : [`conv${block}_${index}`]));
  return { places: all.filter((_, k) => kept.has(k)), lengths, source: "numbers", missing };
}

/**
 * Of a hole with a pool in it: whether the missing convolution stands behind the pool. The channels tell where either neighbour widens;
 * undefined where they do not.
 */
function sideOf(convs: readonly Conv[], after: number): boolean | undefined {
  const [last, next] = [convs[after], convs[after + 1]];
  if (last === undefined || next === undefined) return undefined;
  if (last.outputs !== next.inputs) return true;
  return next.outputs > next.inputs ? false : undefined;
}

function isPublished({ lengths }: Blocks): boolean {
  return blocksOfCount(lengths.reduce((sum, count) => sum + count, 0))?.join() === lengths.join();
}

function placesOf(steps: readonly number[], step: number, headless: boolean, behindPool: (after: number) => boolean): Blocks | undefined {
  const places: [number, number][] = [[1, headless ? 2 : 1]];
  const missing: string[] = headless ? ["conv1_1"] : [];
  for (const [i, value] of steps.entries()) {
    const [block, index] = places.at(-1) ?? [1, 1];
    if (value === step) places.push([block, index + 1]);
    else if (value === step + 1) places.push([block + 1, 1]);
    else if (step > 1 && value === 2 * step) {
      missing.push(`conv${block}_${index + 1}`);
      places.push([block, index + 2]);
    } else if (step > 1 && value === 2 * step + 1) {
      const behind = behindPool(i);
      missing.push(behind ? `conv${block + 1}_1` : `conv${block}_${index + 1}`);
      places.push([block + 1, behind ? 2 : 1]);
    } else return undefined;
  }
  return placed(places, missing, "numbers");
}

/** Blocks as long as their last place, or as what is missing behind it. */
function placed(places: readonly (readonly [number, number])[], missing: readonly string[], source: Blocks["source"]): Blocks | undefined {
  const blocks = places.at(-1)?.[0] ?? 1;
  if (blocks < 3 || blocks > 7 || missing.length > 2) return undefined;
  const all = [...places, ...missing.map(convPlace)];
  const lengths = Array.from({ length: blocks }, (_, b) => Math.max(...all.filter(([at]) => at === b + 1).map(([, n]) => n)));
  return { places, lengths, source, missing };
}

/** As many convolutions as a published configuration, wider only where its blocks begin. */
function fromCount(convs: readonly Conv[]): Blocks | undefined {
  const lengths = blocksOfCount(convs.length);
  if (lengths === undefined) return undefined;
  const starts = new Set(lengths.map((_, i) => lengths.slice(0, i).reduce((sum, count) => sum + count, 0)));
  const regular = convs.every((conv, i) => starts.has(i) || conv.outputs === convs[i - 1]?.outputs);
  const grows = (convs.at(-1)?.outputs ?? 0) > (convs[0]?.outputs ?? 0);
  return regular && grows ? whole(lengths, "count") : undefined;
}

function fromWidths(convs: readonly Conv[]): Blocks | undefined {
  return whole(cut(convs.map((conv, i) => i > 0 && conv.outputs !== convs[i - 1]?.outputs)), "widths");
}
