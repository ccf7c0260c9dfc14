import { keyOf, tokensOf } from "../../layers/tokens.ts";
import type { Entry } from "../entries.ts";
import type { Reading } from "../readings.ts";
import { runsOf } from "../runs.ts";
import { fcNames, literalHeads, type NamedHead, numberedHeads } from "./fc-names.ts";
import {
  build,
  finishHead,
  fits,
  given,
  goesOn,
  type Head,
  isBeside,
  isReduced,
  isSibling,
  type Question,
  type Slots,
  takesFeatures,
  widens,
} from "./question.ts";

export function byName(question: Question): Head | undefined {
  const { candidates, reading } = question;
  const literal = literalHeads(candidates);
  const matrices = candidates.filter(({ layer, conv }) => layer === undefined || conv === undefined);
  const long = longHead(question, matrices);
  if (long !== undefined) return long;
  const numbered = [...numberedHeads(matrices, reading.source === "count"), ...slidingHeads(question)].filter(
    (head) => isBeside(head.prefix, reading.prefix) || head.slots.size === 3,
  );
  const heads = joined([...literal, ...numbered]).filter(
    ({ slots, literal: named }) =>
      fits(question, slots) && !isReduced(question, slots) && !isLate(question, slots) && (named || !widens(question, slots)),
  );
  const best = heads.toSorted((a, b) => rank(b, reading) - rank(a, reading))[0];
  if (best === undefined) return undefined;
  // One dense layer, or two of which neither is named, may be all that a network has.
  if (!best.literal && best.slots.size === 1) return behindLost(question, best);
  const two = best.slots.size === 2 && !best.slots.has("fc8") && !isNumberedFrom6(best);
  if (two && !isCut(question, best)) return ofTwo(question, best);
  return finishHead(question, best.slots, best.literal ? "names" : "numbers");
}

/** All three as convolutions under the numbers of torchvision's classifier: DeepLab's, fc6 of 3×3 or 7×7 and two of 1×1. */
function slidingHeads({ candidates, read, reading }: Question): readonly NamedHead[] {
  const side = (entry: Entry | undefined): number | undefined => entry && read(entry)?.kernel?.[0];
  return numberedHeads(candidates).filter(({ prefix, slots }) => {
    const [first, ...rest] = fcNames.map((name) => side(slots.get(name)));
    const slides = (first === undefined ? 2 : first) > 1 && rest.every((each) => each === undefined || each === 1);
    const whole = prefix.at(-1) === "classifier" && slots.size === fcNames.length;
    return whole && slides && [...slots.values()].every((entry) => isSibling(entry, reading));
  });
}

/**
 * The second layer of torchvision's classifier alone. It takes what the first gave, where that is no number of features, or as many values
 * as it gives.
 */
function behindLost(question: Question, { prefix, slots }: NamedHead): Head | undefined {
  const [name, entry] = [...slots][0] ?? [];
  const fc = entry === undefined ? undefined : question.read(entry);
  if (name !== "fc7" || entry === undefined || fc === undefined || fc.kernel !== undefined) return undefined;
  if (prefix.at(-1) !== "classifier" || !entry.names.some((tokens) => tokens.at(-1) === 3)) return undefined;
  const other = question.channels !== undefined && !takesFeatures(fc, question.channels);
  if (!(other || fc.inputs === fc.outputs) || !isSibling(entry, question.reading)) return undefined;
  return { ...build(question, slots, "numbers"), missing: ["fc6"], replaced: goesOn(question, slots) };
}

/** fc6 and fc7 under one name and fc8 under another are one head too: fc_0, fc_1, head/fc8. */
function joined(heads: readonly NamedHead[]): readonly NamedHead[] {
  const lasts = heads.filter(({ slots, literal }) => literal && slots.size === 1 && slots.has("fc8"));
  const firsts = heads.filter(({ slots }) => !slots.has("fc8"));
  const pairs = firsts.flatMap((first) =>
    lasts.map((last) => ({ ...first, slots: new Map([...first.slots, ...last.slots]), literal: true })),
  );
  return [...heads, ...pairs];
}

/** A run of more than three dense layers: fc6 and fc7, and a head of somebody's own. */
function longHead(question: Question, matrices: readonly Entry[]): Head | undefined {
  for (const { prefix, suffix, items } of runsOf(matrices)) {
    const [first, second, third, fourth] = items;
    if (suffix.length > 0 || first === undefined || second === undefined || third === undefined || fourth === undefined) continue;
    const slots: Slots = new Map([
      ["fc6", first.entry],
      ["fc7", second.entry],
    ]);
    const takes = question.read(third.entry)?.inputs === given(question, second.entry);
    if (!isBeside(prefix, question.reading.prefix) || !takes || !fits(question, slots) || !isSibling(first.entry, question.reading))
      continue;
    return { ...build(question, slots, "numbers"), replaced: true };
  }
  return undefined;
}

function rank({ literal, slots, prefix }: NamedHead, { prefix: body }: Reading): number {
  const shared = prefix.findIndex((token, i) => token !== body[i]);
  return (literal ? 100 : 0) + slots.size * 10 + (slots.has("fc6") ? 5 : 0) + (shared < 0 ? prefix.length : shared);
}

/** A first layer of two that gives as many values as it takes: fc7, and no fc6. */
function isLate({ read }: Question, slots: Slots): boolean {
  const fc6 = slots.get("fc6");
  const fc = fc6 === undefined || slots.size !== 2 ? undefined : read(fc6);
  return fc !== undefined && fc.kernel === undefined && fc.inputs === fc.outputs;
}

/** A classifier of two dense layers gives far fewer values than its first has; torchvision's names leave a place for fc8 otherwise. */
export const fewClasses = 8;

/** fc6 and fc7 alone: two equal widths, or torchvision's classifier.0 and .3. */
export function isCut(question: Question, { slots, prefix, literal }: NamedHead): boolean {
  const [fc6, fc7] = [slots.get("fc6"), slots.get("fc7")];
  const [a, b] = [fc6 && given(question, fc6), fc7 && given(question, fc7)];
  if (a === undefined || b === undefined || a === b) return true;
  return (literal || prefix.at(-1) === "classifier") && b * fewClasses > a;
}

/** fc6 and fc7: names that leave a place for fc8, whatever its width is. */
function isNumberedFrom6({ slots }: NamedHead): boolean {
  return [...slots].every(([name, { names }]) => names.some((tokens) => keyOf(tokens.slice(-2)) === keyOf(tokensOf(name))));
}

/** Two dense layers of unlike widths: a classifier of two, where nothing takes what they give; else the first of a host's, where names say so. */
export function ofTwo(question: Question, { slots, prefix, literal }: NamedHead): Head | undefined {
  if (![...slots.values()].every((entry) => isSibling(entry, question.reading))) return undefined;
  if (goesOn(question, slots)) {
    const named = literal || prefix.at(-1) === "classifier";
    return named ? { ...build(question, slots, "numbers"), replaced: true } : undefined;
  }
  return { ...build(question, slots, "numbers"), final: slots.get("fc7")?.layer !== undefined };
}
