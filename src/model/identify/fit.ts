import { configs } from "../network/configs.ts";
import { type Conv, isSmall } from "./conv.ts";
import type { Entry } from "./entries.ts";

/** A convolution's place in a VGG: block and number in it, both from 1. */
export interface FitPlace {
  readonly block: number;
  readonly index: number;
  /** What the file has there: a layer, or the bias of one. */
  readonly entry?: Entry;
}

/** Convolutions per block of the published configurations; C has those of D. */
export const publishedLengths: readonly (readonly number[])[] = [configs.A, configs.B, configs.D, configs.E];

/** Names that leave out more between the first and the last layer are those of another network. */
const mostHoles = 1;

export interface Fit {
  /** Convolutions per block of the whole network. */
  readonly lengths: readonly number[];
  readonly published: boolean;
  /** Filled places, in forward order. */
  readonly places: readonly FitPlace[];
  /** Places before the last filled one that are empty. */
  readonly holes: readonly FitPlace[];
  /** Places behind the last filled one. */
  readonly tail: readonly FitPlace[];
}

/** All places of a network of such blocks, in forward order. */
export function placesOf(lengths: readonly number[]): readonly FitPlace[] {
  return lengths.flatMap((count, block) => Array.from({ length: count }, (_, n) => ({ block: block + 1, index: n + 1 })));
}

export function placeName({ block, index }: FitPlace): string {
  return `conv${block}_${index}`;
}

/**
 * The published configuration that has all of these places and the fewest more; where none has, the places themselves, if they leave no
 * gap.
 */
export function fitPlaces(found: readonly FitPlace[]): Fit | undefined {
  const places = found.filter(({ block }) => block <= 5).toSorted(forward);
  const fits = publishedLengths.flatMap((lengths) => fitInto(lengths, places, true) ?? []);
  const best = fits.toSorted((a, b) => a.holes.length - b.holes.length || a.tail.length - b.tail.length)[0];
  if (best !== undefined && best.holes.length <= mostHoles) return best;
  const lengths = ownLengths(places);
  const own = fitInto(lengths, places, false);
  return own === undefined || own.holes.length > 0 ? undefined : own;
}

/** The places in a network of such blocks; undefined where it has not all of them. */
export function fitInto(lengths: readonly number[], places: readonly FitPlace[], published: boolean): Fit | undefined {
  if (places.some(({ block, index }) => index > (lengths[block - 1] ?? 0))) return undefined;
  const filled = new Set(places.map(placeName));
  const all = placesOf(lengths);
  const last = all.findLastIndex((place) => filled.has(placeName(place)));
  const empty = (place: FitPlace): boolean => !filled.has(placeName(place));
  return { lengths, published, places, holes: all.slice(0, last).filter(empty), tail: all.slice(last + 1) };
}

function ownLengths(places: readonly FitPlace[]): readonly number[] {
  const blocks = Math.max(0, ...places.map(({ block }) => block));
  return Array.from({ length: blocks }, (_, b) => Math.max(0, ...places.filter(({ block }) => block === b + 1).map(({ index }) => index)));
}

function forward(a: FitPlace, b: FitPlace): number {
  return a.block - b.block || a.index - b.index;
}

/** The places up to the first whose kernel is none of VGG's or whose channels do not follow from the one before. */
export function chained(fit: Fit): readonly FitPlace[] {
  const order = placesOf(fit.lengths).map(placeName);
  let before: { readonly conv: Conv; readonly at: number } | undefined;
  for (const [i, place] of fit.places.entries()) {
    const conv = place.entry?.conv;
    if (conv === undefined) continue;
    const at = order.indexOf(placeName(place));
    const follows = before === undefined || at > before.at + 1 || before.conv.outputs === conv.inputs;
    if (!isSmall(conv) || !follows || (place.index === 1 && conv.kernel[0] === 1)) return fit.places.slice(0, i);
    before = { conv, at };
  }
  return fit.places;
}

/** Equal widths within a block, wider ones behind the first three pools: how a published VGG looks without its pools. */
export function widensAsPublished(places: readonly FitPlace[]): boolean {
  const widths = new Map<number, number>();
  for (const { block, entry } of places) {
    const width = entry?.conv?.outputs;
    if (width === undefined) continue;
    if ((widths.get(block) ?? width) !== width) return false;
    widths.set(block, width);
  }
  const known = [...widths].toSorted(([a], [b]) => a - b);
  return known.every(([block, width], i) => {
    const before = known[i - 1]?.[1];
    return before === undefined || width > before || (block === 5 && width === before);
  });
}
