import type { Context } from "../io/context.ts";
import { grouped } from "../model/align/grouped.ts";
import { isFc } from "../model/role.ts";
import { few } from "../text/few.ts";
import { exchanged, type Said, UNRELATED } from "./exchanges.ts";
import { deviations, foldedNorms, sameNorms } from "./norms.ts";
import { isWeight, layerName, type Measured, type Pair, partName, tensorName } from "./pairs.ts";
import { byReading, type Explained, explainPair } from "./readings.ts";
import { differingEpsilon } from "./settings.ts";
import type { Compared, Side } from "./side.ts";
import { oneRowAChannel } from "./unflattened.ts";
import { changedValues, type Variant } from "./values.ts";

/**
 * What sets B apart from A, in sentences; empty where all that was measured is equal. `all`: every pair of the two, among which values are
 * looked for that are at another place. Each sentence says what was measured or tried on the values; what cannot be seen in them is not said.
 */
export async function explain(
  measured: readonly Measured[],
  all: readonly Pair[],
  compared: Compared,
  ctx: Context,
): Promise<readonly string[]> {
  const { a, b } = compared;
  let rest = measured.filter(({ difference }) => difference === undefined || !difference.equal);
  if (rest.length === 0) return [];
  const sentences: string[] = [];
  const leave = (explained: (pair: Pair) => boolean): void => {
    rest = rest.filter(({ pair }) => !explained(pair));
  };
  const pairs = measured.map(({ pair }) => pair);
  const folded = await foldedNorms(pairs, compared, ctx);
  if (folded !== undefined) sentences.push(folded.text);
  leave(({ role }) => role !== undefined && folded?.roles.has(role) === true);
  const norms = rest.some(({ pair }) => isOfNorm(pair)) ? await sameNorms(pairs, compared, ctx) : undefined;
  if (norms !== undefined) {
    sentences.push(norms);
    leave(isOfNorm);
  }
  const explained: Explained[] = [];
  for (const { pair, difference } of rest) {
    const reading = difference === undefined ? undefined : await explainPair(pair, difference, compared, ctx);
    if (reading !== undefined) explained.push(reading);
  }
  sentences.push(...byReading(explained, few));
  const read = new Set(explained.map(({ pair }) => pair));
  leave((pair) => read.has(pair));
  const sigma = await deviations(rest, compared, ctx);
  for (const [text, found] of grouped(sigma.keys(), (pair) => sigma.get(pair))) sentences.push(`${text}: ${few(found.map(layerName))}`);
  leave((pair) => sigma.has(pair));
  const moved = await exchanged(rest, all, compared, ctx);
  sentences.push(...moved.sentences);
  leave((pair) => moved.pairs.has(pair));
  const changed = replaced(rest, measured, (pair) => unflattened(pair, a, b) ?? otherShape(pair, a, b));
  const variants = [
    ...explained
      .filter(({ difference }) => !difference.equal)
      .map(({ pair, reading, difference }) => ({ pair, a: reading.a, b: reading.b, difference })),
    ...rest.flatMap(({ pair, difference }): Variant[] =>
      difference === undefined || pair.values === undefined || changed.pairs.has(pair)
        ? []
        : [{ pair, a: pair.values.a.view, b: pair.values.b.view, difference }],
    ),
  ];
  sentences.push(...(await changedValues(variants, compared, ctx)), ...changed.sentences);
  const epsilon = differingEpsilon(compared);
  return epsilon === undefined ? sentences : [...sentences, epsilon];
}

/** Batch norm's own vectors, and the bias that a convention may keep within its mean. */
function isOfNorm(pair: Pair): boolean {
  return pair.role?.startsWith("conv") === true && (partName(pair) === "bias" || partName(pair)?.startsWith("bn.") === true);
}

/** Sizes that do not fit and values that have nothing in common: a replaced head, or layers of another network. */
function replaced(open: readonly Measured[], measured: readonly Measured[], reason: (pair: Pair) => string): Said {
  const sizes = open.filter(({ difference }) => difference === undefined);
  const shapes = sizes.filter(({ pair }) => partName(pair) !== "bias").map(({ pair }) => reason(pair));
  const strangers = open.filter(({ pair, difference }) => isWeight(pair) && difference !== undefined && difference.cosine < UNRELATED);
  const changed = new Set([...sizes, ...strangers].map(({ pair }) => layerName(pair)));
  const weights = measured.filter(({ pair }) => isWeight(pair));
  const last = weights.at(-1)?.pair;
  const kept = weights.filter(({ pair }) => !changed.has(layerName(pair)));
  const pairs = new Set(open.flatMap(({ pair }) => (changed.has(layerName(pair)) ? [pair] : [])));
  const common = strangers.map(({ difference }) => Math.abs(difference?.cosine ?? 0));
  const most = common.length === 0 ? "" : ` (cosine ${Math.max(...common).toFixed(2)} at most)`;
  const isHead = last !== undefined && changed.has(layerName(last)) && [...pairs].every(isOfHead);
  if (isHead && kept.length > 0) {
    const least = Math.min(...kept.map(({ difference }) => difference?.cosine ?? 0));
    const how = kept.every(({ difference }) => difference?.equal) ? "are equal" : `have a cosine of ${least.toFixed(2)} at least`;
    const rest = `the weights of the other ${kept.length} layers ${how}`;
    return { sentences: [`the head was replaced: ${few([...changed])}${most}; ${rest}`, ...shapes], pairs };
  }
  const strange =
    strangers.length === 0 ? [] : [`values have nothing in common in ${few(strangers.map(({ pair }) => layerName(pair)))}${most}`];
  return { sentences: [...shapes, ...strange], pairs };
}

function isOfHead({ role }: Pair): boolean {
  return role !== undefined && isFc(role);
}

function otherShape(pair: Pair, a: Side, b: Side): string {
  return `${tensorName(pair)} has shape [${pair.shapeA.join(", ")}] in ${a.name} and [${pair.shapeB.join(", ")}] in ${b.name}`;
}

/**
 * The sentence for a fully connected layer that was applied to the last feature map as it is (slim.fully_connected on a 4-D pool5): its
 * fc6 has one row a channel, where the other network has one for each place of each channel. Undefined for every other pair.
 */
function unflattened(pair: Pair, a: Side, b: Side): string | undefined {
  if (pair.role !== "fc6.weight") return undefined;
  return rowsOfChannels(a, pair.shapeB, b) ?? rowsOfChannels(b, pair.shapeA, a);
}

function rowsOfChannels({ identity, name }: Side, other: readonly number[], { name: otherName, checkpoint }: Side): string | undefined {
  const [channels, height, width] = identity?.network.featureShape ?? [];
  const first = identity?.network.layers.find((layer) => layer.kind === "fc");
  if (channels === undefined || first === undefined || first.inputs <= channels) return undefined;
  if (other.length !== 2 || !other.includes(channels)) return undefined;
  const places = height === undefined || width === undefined ? `${first.inputs / channels}` : `${height}×${width}`;
  const flattens = checkpoint.conventions.kernel !== "h w i o";
  return oneRowAChannel({
    layer: `fc6 of ${otherName}`,
    channels,
    needed: first.inputs,
    grid: `${places}×${channels}`,
    holder: name,
    flattens,
  });
}
