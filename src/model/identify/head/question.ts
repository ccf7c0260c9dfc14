import type { DescribedCheckpoint } from "../../described.ts";
import { operationOf } from "../../geometry/operation.ts";
import type { Layers } from "../../layers/layer.ts";
import { parseName } from "../../layers/parts.ts";
import type { Tokens } from "../../layers/tokens.ts";
import { type Entries, type Entry, tensorsOf } from "../entries.ts";
import type { Reading } from "../readings.ts";
import type { DenseReader, Fc } from "./dense.ts";
import { type FcName, fcNames } from "./fc-names.ts";

/** What of a network's fully connected layers is VGG's own. */
export interface Head {
  /** fc6, fc7, fc8 as far as the file has them; without a weight where only the bias is there. */
  readonly layers: readonly HeadLayer[];
  /** The last of them gives the classes. */
  readonly final: boolean;
  readonly missing: readonly FcName[];
  /** Other layers take what the last of them gives, or none of VGG's were meant to. */
  readonly replaced: boolean;
  /** fc6 is a 3×3 convolution, sub-sampled from VGG's 7×7. */
  readonly reduced?: boolean;
  /** What says which layer is which. */
  readonly source: "graph" | "names" | "numbers" | "shapes" | "none";
}

export interface HeadLayer {
  readonly name: FcName;
  readonly entry: Entry;
  readonly fc?: Fc;
}

export interface Question {
  readonly checkpoint: DescribedCheckpoint;
  readonly layers: Layers;
  readonly entries: Entries;
  readonly reading: Reading;
  /** Channels of the last feature map. */
  readonly channels: number | undefined;
  readonly candidates: readonly Entry[];
  readonly read: DenseReader;
}

export type Slots = ReadonlyMap<FcName, Entry>;

/** Whether the layers take what the ones before give: fc6 the features, fc7 fc6's outputs, fc8 fc7's. */
export function fits({ read, channels }: Question, slots: Slots): boolean {
  const [fc6, fc7, fc8] = fcNames.map((name) => {
    const entry = slots.get(name);
    return entry === undefined ? undefined : read(entry);
  });
  if (fc6 !== undefined && channels !== undefined && !takesFeatures(fc6, channels)) return false;
  if (fc6 !== undefined && fc7 !== undefined && fc7.inputs !== fc6.outputs) return false;
  if (fc7 !== undefined && fc8 !== undefined && fc8.inputs !== fc7.outputs) return false;
  return [fc7, fc8].every((fc) => fc?.kernel === undefined || fc.kernel.join() === "1,1");
}

/** What gives as many values as its first layer takes, and fewer between, is no classifier: squeeze and excitation, an autoencoder. */
export function widens({ read }: Question, slots: Slots): boolean {
  const [first, ...rest] = fcNames.flatMap((name) => slots.get(name) ?? []).flatMap((entry) => read(entry) ?? []);
  return first !== undefined && rest.some(({ outputs }) => outputs > first.outputs && outputs === first.inputs);
}

export function takesFeatures(fc: Fc, channels: number): boolean {
  return fc.kernel === undefined ? fc.inputs % channels === 0 : fc.inputs === channels;
}

/** Below the same parent as the body: classifier beside features. */
export function isBeside(head: Tokens, body: Tokens): boolean {
  const shared = head.findIndex((token, i) => token !== body[i]);
  const common = shared < 0 ? head.length : shared;
  return common >= Math.min(head.length, body.length) - 2;
}

/** In the very module that has the body in it: classifier beside features, and not a host's layer beside a whole network. */
export function isSibling(head: Entry, { places }: Reading): boolean {
  const [first, ...rest] = places.flatMap(({ entry }) => (entry === undefined ? [] : [segmentsOf(entry)]));
  if (first === undefined) return false;
  const differs = first.findIndex((segment, i) => rest.some((segments) => segments[i] !== segment));
  const common = first.slice(0, differs < 0 ? first.length : differs);
  const own = segmentsOf(head);
  return common.slice(0, -1).every((segment, i) => segment === own[i]);
}

/** The modules that the key itself names. */
export function segmentsOf(entry: Entry): readonly string[] {
  const [key] = tensorsOf(entry);
  return key === undefined ? [] : parseName(key.name).layer.split(/[/.:]/);
}

/** SSD's form of fc6: a 3×3 kernel, sub-sampled from 7×7, and no fc8 behind it. */
export function hasReducedForm({ read }: Question, slots: Slots): boolean {
  const fc6 = slots.get("fc6");
  const fc = fc6 === undefined ? undefined : read(fc6);
  return fc?.kernel?.[0] === 3 && !slots.has("fc8");
}

/** Such an fc6 with a host's layers behind it: its values are not those of a VGG's, and nothing says how it slides. */
export function isReduced(question: Question, slots: Slots): boolean {
  const { entries, reading } = question;
  const own = new Set<Entry | undefined>([...reading.places.map(({ entry }) => entry), ...slots.values()]);
  return hasReducedForm(question, slots) && entries.all.some((entry) => entry.layer !== undefined && !own.has(entry));
}

/** How many values a layer gives; its bias says so where the weight is not in the file. */
export function given({ read }: Question, entry: Entry): number | undefined {
  return read(entry)?.outputs ?? entry.lone?.size;
}

/** Whether something outside the head takes what its last layer gives. */
export function goesOn({ layers, candidates, read }: Question, slots: Slots): boolean {
  const own = new Set(slots.values());
  const name = fcNames.findLast((each) => slots.get(each)?.layer !== undefined);
  const entry = name === undefined ? undefined : slots.get(name);
  const last = entry === undefined ? undefined : read(entry);
  if (last === undefined || last.outputs === 1) return false;
  if (layers.recurrent.some(({ shape }) => shape.length >= 2 && shape.slice(-2).includes(last.outputs))) return true;
  return candidates.some((other) => {
    if (own.has(other) || other.layer === undefined) return false;
    const fc = read(other);
    return (
      fc !== undefined &&
      fc.inputs === last.outputs &&
      (fc.kernel === undefined ? other.layer.bias !== undefined : fc.kernel.join() === "1,1")
    );
  });
}

/** Whether the file's graph says that a layer is dilated: a reduced head, which ends with fc7. */
function isDilated({ checkpoint, read }: Question, entry: Entry | undefined): boolean {
  const kernel = entry === undefined ? undefined : read(entry)?.kernel;
  const key = entry?.layer?.weight.name;
  const record = key === undefined ? undefined : checkpoint.layers.find(({ tensors }) => tensors.includes(key));
  if (record === undefined || kernel === undefined) return false;
  const operation = operationOf(record, checkpoint.conventions, kernel);
  return operation.kind === "conv" && operation.windows?.some(({ dilation }) => dilation > 1) === true;
}

export function build({ read }: Question, slots: Slots, source: Head["source"]): Head {
  const layers = fcNames.flatMap((name): readonly HeadLayer[] => {
    const entry = slots.get(name);
    if (entry === undefined) return [];
    const fc = read(entry);
    return [{ name, entry, ...(fc && { fc }) }];
  });
  // Of a layer without its weight only the bias is there.
  return { layers, final: false, missing: layers.filter(({ fc }) => fc === undefined).map(({ name }) => name), replaced: false, source };
}

/** Says what is missing: what the names have and the file lacks, but for an fc8 that others replace. An fc8 that others go on from gives no classes. */
export function finishHead(question: Question, slots: Slots, source: Head["source"]): Head {
  const head = build(question, slots, source);
  const on = goesOn(question, slots);
  // The base of a detector ends with fc7 and has no fc8 to lack: its graph says so, or SSD's numbers, 31 and 33.
  const dilated = !slots.has("fc8") && isDilated(question, slots.get("fc6"));
  const base = dilated || (hasReducedForm(question, slots) && source === "numbers");
  const replaced = base || (!slots.has("fc8") && slots.has("fc7") && on);
  const missing = fcNames.filter((name) => slots.get(name)?.layer === undefined && !(replaced && name === "fc8"));
  return { ...head, final: slots.get("fc8")?.layer !== undefined && !on, missing, replaced, ...(base && { reduced: true }) };
}
