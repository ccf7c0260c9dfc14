import { configs } from "../network/configs.ts";
import type { Draft } from "./body.ts";
import type { Entries } from "./entries.ts";
import { widensAsPublished } from "./fit.ts";
import type { Reading } from "./readings.ts";

/** Fewer convolutions are a VGG only where names say so. */
const fewest = 8;
const fewestNamed = 5;
/** Convolutions of which only the bias is there. */
const mostBare = 2;
/** Channels of a picture, or of the stacked flow fields of a network for video. */
const mostInputs = 32;

/** Whether what was read is a VGG. Silence is better than a network that merely looks like one. */
export function accepts(draft: Draft, entries: Entries): boolean {
  const { reading, head } = draft;
  const filled = reading.places.length;
  // Biases without their weights: the vectors of another network, numbered by its blocks.
  if (reading.places.filter(({ entry }) => entry?.conv === undefined).length > mostBare) return false;
  const blocks = Math.max(0, ...reading.places.map(({ block }) => block));
  const named = reading.source === "names" && filled >= fewestNamed && blocks >= 3;
  const gaps = reading.holes.length + reading.tail.length;
  const enough = filled >= fewest || (filled === fewest - 1 && gaps === 1) || isFeatures(draft);
  if (!enough && !named) return false;
  const first = reading.places[0]?.entry?.conv;
  if (first !== undefined && reading.holes.every(({ block, index }) => block + index > 2) && first.inputs > mostInputs) return false;
  if (!reading.published && !isOwn(draft)) return false;
  if (reading.source === "count" && !isCounted(draft, entries)) return false;
  return !(isUnet(draft, entries) && head.layers.length === 0);
}

/**
 * Numbers that count convolutions alone leave the pools to widths, and networks of one or two convolutions to a block are many: they are
 * a VGG with its three fully connected layers behind them, or with nothing but those of a small classifier.
 */
function isCounted({ reading, head, entries: own }: Draft, entries: Entries): boolean {
  if (head.layers.length === 0 && chainsOn(reading)) return false;
  // A count that stops early has no gap: seven convolutions in front of an LSTM are no VGG-11.
  if (reading.tail.length > 0 && head.layers.length < 3) return false;
  const few = [configs.A, configs.B].some((lengths) => lengths.join() === reading.lengths.join());
  if (!few || head.layers.length === 3) return true;
  const others = entries.all.some((entry) => entry.conv !== undefined && !own.has(entry));
  const widths = new Map(reading.places.map(({ block, entry }) => [block, entry?.conv?.outputs]));
  return !others || (head.layers.length === 0 && reading.lengths[0] === 1 && widths.get(4) === widths.get(5));
}

/** features.N with VGG's pools, cut off early: the body of a perceptual loss. A gap in it is one where the widths are VGG's too. */
function isFeatures({ reading }: Draft): boolean {
  const gaps = reading.holes.length === 1 && widensAsPublished(reading.places) ? 1 : 0;
  return (
    reading.source === "numbers" &&
    reading.published &&
    reading.places.length + gaps >= 7 &&
    /^(features|vgg)$/.test(String(reading.prefix.at(-1)))
  );
}

/** Whether the count goes on with a 3×3 convolution that takes what the last gives: nothing says which of them ends the VGG. */
function chainsOn({ places, run }: Reading): boolean {
  const last = places.at(-1)?.entry?.conv;
  const after = run?.run.items.find(({ number, entry }) => number > run.last && entry.conv !== undefined)?.entry.conv;
  return last !== undefined && after?.kernel[0] === 3 && after.inputs === last.outputs && after.outputs <= last.outputs;
}

/** Blocks that no publication has are a VGG's where its fully connected layers follow, and where they widen. */
function isOwn({ reading, head }: Draft): boolean {
  const widths = reading.places.flatMap(({ entry }) => entry?.conv?.outputs ?? []);
  const widens = widths.every((width, i) => i === 0 || width >= (widths[i - 1] ?? 0)) && (widths.at(-1) ?? 0) > (widths[0] ?? 0);
  const stacked = reading.lengths.some((count) => count > 1);
  return widens && stacked && head.layers.length > 0;
}

/** Blocks of two, each twice as wide as the one before, the fifth too, and convolutions behind: the encoder of a U-Net. */
function isUnet({ reading, entries: own }: Draft, entries: Entries): boolean {
  if (reading.lengths.join() !== configs.B.join()) return false;
  const widths = new Map(reading.places.map(({ block, entry }) => [block, entry?.conv?.outputs]));
  const doubles = [2, 3, 4, 5].every((block) => widths.get(block) === 2 * (widths.get(block - 1) ?? 0));
  return doubles && entries.all.some((entry) => entry.conv !== undefined && !own.has(entry));
}
