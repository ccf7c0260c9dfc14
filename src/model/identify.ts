import type { DescribedCheckpoint } from "./described.ts";
import { findRow, hostOf } from "./hosts/find-host.ts";
import { accepts } from "./identify/accept.ts";
import { type Finished, finish } from "./identify/assemble.ts";
import { type Draft, draftBody } from "./identify/body.ts";
import { type Entries, type Entry, entriesOf } from "./identify/entries.ts";
import { foreignLayers } from "./identify/foreign.ts";
import { headOnly } from "./identify/head/head-only.ts";
import { inHost, type Reading, readings } from "./identify/readings.ts";
import { runsOf } from "./identify/runs.ts";
import type { Body, Identity } from "./identity.ts";
import { isImageConstant } from "./kinds.ts";
import { knownLayers } from "./layers/known-layers.ts";
import type { Layers } from "./layers/layer.ts";
import { naturalCompare } from "./layers/order.ts";
import { parseName } from "./layers/parts.ts";
import { candidates, mostTensors, readLayers } from "./layers/read-layers.ts";
import type { Tokens } from "./layers/tokens.ts";
import type { IdentifyOptions } from "./options.ts";

/** A file with more VGGs than these is made to cost time. */
const mostBodies = 8;

/**
 * Recognises the VGGs of a file: by the file's own graph, by names, by what is beside what; shapes confirm (docs/recognition.md).
 * undefined where there is none.
 */
export function identify(checkpoint: DescribedCheckpoint, options: IdentifyOptions = {}): Identity | undefined {
  if (checkpoint.tensors.size > mostTensors) return undefined;
  const layers = readLayers(checkpoint);
  const entries = entriesOf(checkpoint, layers);
  const plain = readings(checkpoint, entries, runsOf(entries.all));
  const row = plain.length === 0 ? undefined : findRow(checkpoint.tensors.keys());
  const found = plain.map((reading) => inHost(reading, row?.row, entries));
  const drafts = findBodies(checkpoint, layers, entries, found, options);
  const alone = drafts.length === 0 ? headOnly(checkpoint, layers, entries, options) : undefined;
  const finished = [...drafts, ...(alone === undefined ? [] : [alone])].map((draft) => finish(checkpoint, draft, options));
  const identity = assemble(checkpoint, layers, entries, finished);
  const host = hostOf(row);
  return identity === undefined || host === undefined ? identity : { ...identity, host };
}

/** The largest body first, then others of layers that no body before has. */
function findBodies(
  checkpoint: DescribedCheckpoint,
  layers: Layers,
  entries: Entries,
  found: readonly Reading[],
  options: IdentifyOptions,
): readonly Draft[] {
  const sorted = found.toSorted((a, b) => sureness(b) - sureness(a) || naturalCompare(firstPath(a), firstPath(b)));
  const taken = new Set<Entry>();
  const drafts: Draft[] = [];
  for (const reading of sorted) {
    if (drafts.length === mostBodies) break;
    if (reading.places.some(({ entry }) => entry !== undefined && taken.has(entry))) continue;
    const beside = { names: rivalsOf(reading, sorted), taken };
    const draft = draftBody(checkpoint, layers, entries, { ...reading, beside }, options);
    if (!accepts(draft, entries) || drafts.some((before) => isStateOf(draft, before))) continue;
    drafts.push(draft);
    for (const entry of draft.entries) taken.add(entry);
  }
  return drafts;
}

/** Of several that are alike, names say which is first, and not the order of the file. */
function firstPath({ places }: Reading): string {
  return places[0]?.entry?.path ?? "";
}

/** Fewer convolutions are rarely a second network, and a layer near them no other network's. */
const fewestOfRival = 8;

/** Names of the first layers of readings that share no layer with this one. */
function rivalsOf(reading: Reading, all: readonly Reading[]): readonly Tokens[] {
  const own = new Set(reading.places.map(({ entry }) => entry));
  const rivals = all.filter(({ places }) => places.length >= fewestOfRival && !places.some(({ entry }) => own.has(entry)));
  return rivals.flatMap(({ places }) => places[0]?.entry?.names.slice(0, 1) ?? []);
}

/** What an optimizer or an average keeps of a body found before: keys that are its keys and something behind them. */
function isStateOf(draft: Draft, before: Draft): boolean {
  const weights = [...draft.roles].flatMap(([role, slot]) => ("key" in slot ? [[role, slot.key] as const] : []));
  return weights.every(([role, key]) => {
    const slot = before.roles.get(role);
    return slot !== undefined && "key" in slot && isSlotOf(key, slot.key);
  });
}

/** conv1_1/weights/Adam.fp32 beside conv1_1/weights.fp32: more words behind the name of the part. */
function isSlotOf(key: string, base: string): boolean {
  let same = 0;
  while (same < base.length && key[same] === base[same]) same++;
  const part = base.slice(0, same).replace(/[/._:-]+$/, "");
  return key.length > base.length && key.endsWith(base.slice(same)) && typeof parseName(part).leaf === "string";
}

const order: readonly Reading["source"][] = ["count", "numbers", "names", "graph"];

/** Convolutions first, then the evidence for their places. */
function sureness({ places, source, holes, published }: Reading): number {
  return (places.length + holes.length) * 100 + (published ? 5 : 0) + order.indexOf(source);
}

function assemble(checkpoint: DescribedCheckpoint, layers: Layers, entries: Entries, finished: readonly Finished[]): Identity | undefined {
  const bodies = finished.map(({ body }): Body => body);
  const [first] = bodies;
  if (first === undefined) return undefined;
  const stored = new Set(
    bodies.flatMap(({ roles }) => [...roles.values()]).flatMap((slot) => ("key" in slot ? [slot.key, slot.over] : [])),
  );
  const others = candidates(checkpoint)
    .map(({ name }) => name)
    .filter((name) => !stored.has(name));
  const foreign = others.filter((key) => !isImageConstant(key));
  return {
    ...first,
    bodies,
    complete: first.network.complete,
    foreign: foreign.length === 0 ? [] : foreignLayers(foreign, knownLayers(checkpoint, layers), entries),
    others,
  };
}
