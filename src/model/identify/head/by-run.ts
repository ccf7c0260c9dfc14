import type { Entry } from "../entries.ts";
import type { Reading } from "../readings.ts";
import type { RunItem } from "../runs.ts";
import { isCut, ofTwo } from "./by-name.ts";
import { type FcName, isLastName } from "./fc-names.ts";
import { build, finishHead, fits, type Head, isReduced, type Question, type Slots, takesFeatures, widens } from "./question.ts";

/** Layers behind the body in its own running number: layer_with_weights-13, modules.33. */
export function byRun(question: Question): Head | undefined {
  const own = question.reading.run;
  if (own === undefined) return undefined;
  const known = new Set(question.candidates);
  const items = own.run.items.filter(({ number, entry }) => number > own.last && known.has(entry));
  const [first, second, third] = items;
  if (first === undefined || items.length > 3) return undefined;
  // Dense layers beside a recurrent one are as well its own.
  if (question.layers.recurrent.length > 0 && question.read(first.entry)?.kernel === undefined) return undefined;
  const base = third === undefined ? reducedBase(question, own, [first, second]) : undefined;
  if (base !== undefined) return base;
  const slots = new Map<FcName, Entry>();
  // Gluon: features.31, features.33, output.
  const last = question.candidates.find((entry) => items.every((item) => item.entry !== entry) && entry.names.some(isLastName));
  if (last !== undefined && third === undefined) {
    if (second !== undefined) slots.set("fc6", first.entry).set("fc7", second.entry);
    else slots.set(first.number - own.last > 4 ? "fc7" : "fc6", first.entry);
    slots.set("fc8", last);
  } else if (third !== undefined && second !== undefined) {
    slots.set("fc6", first.entry).set("fc7", second.entry).set("fc8", third.entry);
  } else if (second !== undefined) {
    const places = placesOfTwo(question, first.number - own.last, second.number - first.number, first.entry);
    if (places === undefined) return undefined;
    slots.set(places[0], first.entry).set(places[1], second.entry);
    const two = { slots, prefix: [], literal: false };
    if (slots.has("fc6") && slots.has("fc7") && !isCut(question, two)) return fits(question, slots) ? ofTwo(question, two) : undefined;
  } else return undefined;
  return fits(question, slots) && !isReduced(question, slots) && !widens(question, slots)
    ? finishHead(question, slots, "numbers")
    : undefined;
}

/**
 * The base network of SSD, in whose count a pool, fc6 (3×3), ReLU and fc7 (1×1) follow conv5_3: 28, 31, 33. What else the file has does not
 * matter; fc6 alone is any convolution, fc7 alone has lost the layer that it takes.
 */
function reducedBase(
  question: Question,
  { run, last }: NonNullable<Reading["run"]>,
  [first, second]: readonly [RunItem, RunItem | undefined],
): Head | undefined {
  const { read, channels, reading } = question;
  const step = stepOf(run.items);
  const [fc, next] = [read(first.entry), second && read(second.entry)];
  const side = fc?.kernel?.[0];
  if (reading.source !== "numbers" || channels === undefined || fc === undefined) return undefined;
  if (side === 1 && second === undefined && fc.inputs !== channels && first.number === last + 2 * step + 1) {
    return { ...build(question, new Map([["fc7", first.entry]]), "numbers"), missing: ["fc6"], replaced: true };
  }
  if (side !== 3 || first.number !== last + step + 1 || second?.number !== first.number + step) return undefined;
  if (second.entry.layer !== undefined && next?.kernel?.[0] !== 1) return undefined;
  const slots: Slots = new Map([
    ["fc6", first.entry],
    ["fc7", second.entry],
  ]);
  return fits(question, slots) ? finishHead(question, slots, "numbers") : undefined;
}

/** The distance of one convolution's number from the next. */
function stepOf(items: readonly RunItem[]): number {
  const numbers = items.flatMap(({ number, entry }) => (entry.conv === undefined ? [] : [number]));
  return Math.min(...numbers.slice(1).map((number, i) => number - (numbers[i] ?? 0)));
}

/**
 * Which two of three dense layers follow a body, by the distance of the first from it and of the second from the first. A number
 * that counts layers with weights alone has them one apart; one that counts pools, Flatten, ReLU and dropout two or three.
 */
function placesOfTwo(
  { reading, channels, read }: Question,
  before: number,
  between: number,
  first: Entry,
): readonly [FcName, FcName] | undefined {
  const fc = read(first);
  const other = fc !== undefined && channels !== undefined && !takesFeatures(fc, channels);
  if (reading.source === "count") {
    // Between the last convolution and the first dense layer a batch norm of the former is counted too.
    const gap = before - stepOf(reading.run?.run.items ?? []);
    if (gap === 1) return ["fc7", "fc8"];
    return other ? undefined : between === 2 ? ["fc6", "fc8"] : ["fc6", "fc7"];
  }
  if (other) return ["fc7", "fc8"];
  if (before > 5) return ["fc7", "fc8"];
  return between > 3 ? ["fc6", "fc8"] : ["fc6", "fc7"];
}
