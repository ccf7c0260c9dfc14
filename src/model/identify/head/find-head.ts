import type { DescribedCheckpoint } from "../../described.ts";
import type { Layers } from "../../layers/layer.ts";
import type { Tokens } from "../../layers/tokens.ts";
import { isSmall } from "../conv.ts";
import type { Entries, Entry } from "../entries.ts";
import type { Reading } from "../readings.ts";
import { byName, fewClasses } from "./by-name.ts";
import { byRun } from "./by-run.ts";
import { denseReader, type Fc } from "./dense.ts";
import { type FcName, fcNames, hostHead, isLastName, literalHeads } from "./fc-names.ts";
import {
  build,
  finishHead,
  fits,
  goesOn,
  type Head,
  hasReducedForm,
  isBeside,
  isSibling,
  type Question,
  type Slots,
  segmentsOf,
  takesFeatures,
  widens,
} from "./question.ts";

const none: Head = { layers: [], final: false, missing: [], replaced: false, source: "none" };

/** Finds fc6, fc7 and fc8: by the file's graph, by their names and numbers, by what follows the body in its own numbering, by shapes. */
export function findHead(checkpoint: DescribedCheckpoint, layers: Layers, entries: Entries, reading: Reading): Head {
  const body = new Set(reading.places.map(({ entry }) => entry));
  const candidates = entries.all.filter(
    (entry) => !body.has(entry) && (entry.layer !== undefined || isBias(entry)) && !isOfAnother(entry, reading),
  );
  const last = reading.places.at(-1)?.entry;
  const channels = last?.conv?.outputs ?? last?.lone?.size;
  const read = denseReader(entries.all, entries.layout, checkpoint.conventions);
  const question: Question = { checkpoint, layers, entries, reading, channels, candidates, read };
  return byHost(question) ?? byGraph(question) ?? byName(question) ?? byRun(question) ?? byShapes(question) ?? alone(question) ?? none;
}

/** A layer of another body's, or one whose name begins as that body's do and not as these. */
function isOfAnother(entry: Entry, { places, beside }: Reading): boolean {
  const [own] = places.flatMap((place) => place.entry?.names.slice(0, 1) ?? []);
  if (beside === undefined || own === undefined) return false;
  if (beside.taken.has(entry)) return true;
  const near = (name: Tokens): number => Math.max(0, ...entry.names.map((tokens) => sharedLength(tokens, name)));
  return beside.names.some((name) => near(name) > near(own));
}

function sharedLength(a: Tokens, b: Tokens): number {
  const differs = a.findIndex((token, i) => token !== b[i]);
  return differs < 0 ? a.length : differs;
}

function isBias({ lone }: Entry): boolean {
  return lone?.leaf === "bias" || lone?.leaf === 1;
}

/** Under the names that a known host gives them. */
function byHost(question: Question): Head | undefined {
  const names = question.reading.head;
  const head = names === undefined ? undefined : hostHead(question.candidates, names);
  if (names === undefined || head === undefined || !fits(question, head.slots)) return undefined;
  const found = finishHead(question, head.slots, "names");
  const own = new Set(Object.values(names));
  // What a host has instead of VGG's is not missing.
  const missing = found.missing.filter((name) => own.has(name));
  const reduced = !own.has("fc8") && hasReducedForm(question, head.slots);
  return { ...found, missing, replaced: found.replaced || !own.has("fc8"), ...(reduced && { reduced }) };
}

/** What the file's graph has behind the body, and nothing else: three layers, each in its place though the file may have lost one, or fewer. */
function byGraph(question: Question): Head | undefined {
  const { behind, goesOn: hosted } = question.reading;
  if (behind === undefined || behind.length === 0 || behind.length > 3 || hosted === true) return undefined;
  const slots = new Map(behind.flatMap(({ entry }, i): [FcName, Entry][] => (entry === undefined ? [] : [[fcNames[i] ?? "fc8", entry]])));
  if (slots.size === 0 || !fits(question, slots)) return undefined;
  return behind.length === 3 ? finishHead(question, slots, "graph") : ofFewer(question, slots, behind.length);
}

/** A classifier of one dense layer or two, as the graph states it: none is missing behind it, whatever its layers are called. */
function ofFewer(question: Question, slots: Slots, stated: number): Head | undefined {
  const fcs = [...slots.values()].flatMap((entry) => question.read(entry) ?? []);
  const [first, last] = [fcs[0], fcs.at(-1)];
  // A kernel as small as those of the body is a convolution that slides.
  if (fcs.length < stated || first === undefined || last === undefined) return undefined;
  if (first.kernel !== undefined && isSmall(first.entry.conv)) return undefined;
  if (goesOn(question, slots)) return undefined;
  const head = build(question, slots, "graph");
  // Features end with a layer that is about as wide as what it takes.
  const [height, width] = first.kernel ?? [1, 1];
  if (last.outputs * fewClasses <= (stated === 1 ? first.inputs * height * width : first.outputs)) return { ...head, final: true };
  return stated === 1 && literalHeads([first.entry]).length > 0 ? head : undefined;
}

/** Three dense layers, the only ones of the file, that follow from the body: under names of one form that say nothing. */
function byShapes(question: Question): Head | undefined {
  const { candidates, read, channels, layers, reading } = question;
  // Where the file's graph says what follows, shapes say nothing.
  if (channels === undefined || layers.recurrent.length > 0 || reading.behind !== undefined) return undefined;
  const dense = candidates.flatMap((entry) => {
    const fc = read(entry);
    return fc === undefined || (fc.kernel !== undefined && fc.kernel.join() !== "1,1" && fc.inputs !== channels) ? [] : [fc];
  });
  if (dense.length !== 3 || !ofOneForm(dense.map(({ entry }) => entry))) return undefined;
  const others = candidates.filter(({ layer }) => layer !== undefined).length > dense.length;
  // SSD's is followed by other layers of 1×1.
  const slides = ({ kernel }: Fc): boolean => others && kernel?.[0] === 3;
  for (const fc6 of dense) {
    if (!takesFeatures(fc6, channels)) continue;
    for (const fc7 of dense) {
      const fc8 = dense.find((fc) => fc !== fc6 && fc !== fc7);
      if (fc7 === fc6 || fc8 === undefined) continue;
      const slots: Slots = new Map([
        ["fc6", fc6.entry],
        ["fc7", fc7.entry],
        ["fc8", fc8.entry],
      ]);
      if (fits(question, slots) && !widens(question, slots) && !slides(fc6)) return finishHead(question, slots, "shapes");
    }
  }
  return undefined;
}

/** Whether all names are as long and the same but for numbers, or none has any; that of the last may say that it is the last. */
function ofOneForm(dense: readonly Entry[]): boolean {
  if (new Set(dense.map((entry) => segmentsOf(entry).length)).size > 1) return false;
  const forms = dense.filter(({ names }) => !names.some(isLastName)).map(({ path }) => path);
  // Keras numbers from the second on: dense, dense_1.
  return new Set(forms.map((path) => path.replace(/_?\d+/g, ""))).size < 2 || !forms.some((path) => /\d/.test(path));
}

/** Words of a classifier of one dense layer. */
const soloWords = new Set(["classifier", "fc", "linear", "dense", "head", "predictions", "logits", "output", "score", "top"]);

/** One dense layer beside the body, which takes its features: all of the head that a small network has. */
function alone(question: Question): Head | undefined {
  const { candidates, read, channels, layers, reading } = question;
  if (channels === undefined || layers.recurrent.length > 0) return undefined;
  const dense = candidates.filter((entry) => {
    const fc = read(entry);
    // Of a layer that has lost its weight the name alone speaks.
    if (fc === undefined) return entry.layer === undefined && !entry.names.some(isLastName);
    return fc.kernel === undefined && takesFeatures(fc, channels);
  });
  const named = dense.filter(({ names }) =>
    names.some((tokens) => {
      const word = tokens.at(-1);
      // Of a number others may have been lost.
      return (
        isLastName(tokens) ||
        (typeof word === "string" && soloWords.has(word) && isBeside(tokens.slice(0, tokens.lastIndexOf(word) + 1), reading.prefix))
      );
    }),
  );
  const [only] = named;
  if (only === undefined || named.length > 1 || !isSibling(only, reading)) return undefined;
  const others = candidates.filter((entry) => entry !== only && entry.layer !== undefined);
  if (others.length > 0 && reading.behind?.length !== 1) return undefined;
  const slots: Slots = new Map([["fc6", only]]);
  return { ...build(question, slots, "names"), final: only.layer !== undefined };
}
