import { keyOf, tokensOf } from "../../layers/tokens.ts";
import type { Entry } from "../entries.ts";
import type { Reading } from "../readings.ts";
import { runsOf } from "../runs.ts";
import { literalHeads, type NamedHead, numberedHeads } from "./fc-names.ts";
import {
  build,
  finishHead,
  fits,
  goesOn,
  type Head,
  isBeside,
  isReduced,
  isSibling,
  type Question,
  type Slots,
  widens,
} from "./question.ts";

export function byName(question: Question): Head | undefined {
  const { candidates, reading } = question;
  const literal = literalHeads(candidates);
  const matrices = candidates.filter(({ layer, conv }) => layer === undefined || conv === undefined);
  const long = longHead(question, matrices);
  if (long !== undefined) return long;
  const numbered = numberedHeads(matrices, reading.source === "count").filter(
    (head) => isBeside(head.prefix, reading.prefix) || head.slots.size === 3,
  );
  const heads = joined([...literal, ...numbered]).filter(
    ({ slots, literal: named }) =>
      fits(question, slots) && !isReduced(question, slots) && !isLate(question, slots) && (named || !widens(question, slots)),
  );
  const best = heads.toSorted((a, b) => rank(b, reading) - rank(a, reading))[0];
  if (best === undefined) return undefined;
  // One dense layer, or two of which neither is named, may be all that a network has.
  if (!best.literal && best.slots.size === 1) return undefined;
  const two = best.slots.size === 2 && !best.slots.has("fc8") && !isNumberedFrom6(best);
  if (two && !isCut(question, best)) return ofTwo(question, best);
  return finishHead(question, best.slots, best.literal ? "names" : "numbers");
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
    const takes = question.read(third.entry)?.inputs === question.read(second.entry)?.outputs;
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
const fewClasses = 8;

/** fc6 and fc7 alone: two equal widths, or torchvision's classifier.0 and .3. */
export function isCut({ read }: Question, { slots, prefix, literal }: NamedHead): boolean {
  const [fc6, fc7] = [slots.get("fc6"), slots.get("fc7")];
  const [a, b] = [fc6 && read(fc6), fc7 && read(fc7)];
  if (a === undefined || b === undefined || a.outputs === b.outputs) return true;
  return (literal || prefix.at(-1) === "classifier") && b.outputs * fewClasses > a.outputs;
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
    return named ? { ...build(question, slots, "numbers"), replaced: true, final: false, missing: [] } : undefined;
  }
  return { ...build(question, slots, "numbers"), final: true, missing: [] };
}
