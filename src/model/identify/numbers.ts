import { isSmall } from "./conv.ts";
import { chained, type Fit, type FitPlace, fitInto, placesOf, publishedLengths, widensAsPublished } from "./fit.ts";
import type { Run, RunItem } from "./runs.ts";

/** How a running number counts: from `first`, by `step` for each convolution and what belongs to it, and by `pool` more for each pool. */
interface Count {
  readonly first: number;
  readonly step: number;
  readonly pool: number;
}

export interface NumbersFit extends Fit {
  /** Pools count: the numbers themselves say where blocks end. */
  readonly countsPools: boolean;
  readonly last: number;
}

/** Convolutions that a run's numbers may lack at its beginning. */
const mostBefore = 2;
const mostPool = 3;
/** Layers that may be counted before the first convolution, where widths say nothing: normalisation, padding. */
const mostFirst = 3;
/** No count of layers has more layers to a convolution: pad, conv, batch norm, ReLU, dropout. */
const mostStep = 6;

/** The published configuration whose numbers a run has. */
export function fitNumbers(run: Run): NumbersFit | undefined {
  const items = bodyItems(run.items);
  const numbers = items.map(({ number }) => number);
  const steps = numbers.slice(1).map((number, i) => number - (numbers[i] ?? 0));
  const step = Math.min(...steps);
  const [start] = numbers;
  if (start === undefined || step < 1 || step > mostStep) return undefined;
  const fits: NumbersFit[] = [];
  for (const lengths of publishedLengths) {
    for (let pool = 0; pool <= mostPool; pool++) {
      for (let before = 0; before <= mostBefore; before++) {
        const at = placesOf(lengths)[before];
        const first = start - step * before - pool * ((at?.block ?? 1) - 1);
        const fit = first < 0 ? undefined : fitCount(items, lengths, { first, step, pool });
        if (fit !== undefined) fits.push(fit);
      }
    }
  }
  return fits.toSorted((a, b) => b.places.length - a.places.length || gaps(a) - gaps(b) || a.holes.length - b.holes.length)[0];
}

function gaps(fit: Fit): number {
  return fit.holes.length + fit.tail.length;
}

/** The run up to the first layer that is no convolution of VGG's kernels; batch norms between them have numbers of their own. */
function bodyItems(items: readonly RunItem[]): readonly RunItem[] {
  const end = items.findIndex(({ entry }) => entry.layer !== undefined && !isSmall(entry.conv));
  return items.slice(0, end < 0 ? items.length : end).filter(({ entry }) => isSmall(entry.conv) || isBias(entry));
}

function isBias({ lone }: RunItem["entry"]): boolean {
  return lone?.leaf === "bias" || lone?.leaf === 1;
}

function fitCount(items: readonly RunItem[], lengths: readonly number[], { first, step, pool }: Count): NumbersFit | undefined {
  const wanted = new Map<number, FitPlace>();
  placesOf(lengths).forEach((place, k) => {
    wanted.set(first + step * k + pool * (place.block - 1), place);
  });
  const last = Math.max(...wanted.keys());
  const found: FitPlace[] = [];
  for (const { number, entry } of items) {
    if (number > last) break;
    const place = wanted.get(number);
    if (place !== undefined) found.push({ ...place, entry });
    else if (entry.conv !== undefined) return undefined;
  }
  const fit = fitInto(lengths, found, true);
  if (fit === undefined || fit.holes.length > mostBefore) return undefined;
  if (chained(fit).length < found.length) return undefined;
  if ((pool === 0 || first > mostFirst) && !widensAsPublished(found)) return undefined;
  if (pool === 0 && fit.tail.length > 1) return undefined;
  return { ...fit, countsPools: pool > 0, last };
}

/** Blocks of a run that no published configuration has: each step larger by the pool ends one. */
export function ownBlocks(run: Run): NumbersFit | undefined {
  const items = bodyItems(run.items).filter(({ entry }) => entry.conv !== undefined);
  const numbers = items.map(({ number }) => number);
  const steps = numbers.slice(1).map((number, i) => number - (numbers[i] ?? 0));
  const step = Math.min(...steps);
  const [start] = numbers;
  if (start === undefined || start > 1 || step < 2 || steps.some((each) => each !== step && each !== step + 1)) return undefined;
  const places: FitPlace[] = [];
  let [block, index] = [1, 0];
  items.forEach(({ entry }, i) => {
    if (steps[i - 1] === step + 1) {
      block++;
      index = 0;
    }
    index++;
    places.push({ block, index, entry });
  });
  const lengths = Array.from({ length: block }, (_, b) => places.filter((place) => place.block === b + 1).length);
  const fit = fitInto(lengths, places, false);
  if (fit === undefined || block < 3 || block > 5 || chained(fit).length < places.length) return undefined;
  return { ...fit, countsPools: true, last: numbers.at(-1) ?? 0 };
}
