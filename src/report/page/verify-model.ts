import type { TopEntry, VerifyRecord } from "../../verify/record.ts";
import { duration, shape, tiny } from "../style.ts";
import type { LayersData, PageData, SeenData, TopData } from "./data.ts";
import { SeenPictures } from "./seen.ts";
import { shownName, shownNumber, shownSentence } from "./shown.ts";

/** What the page of a run shows. */
export function verifyData(record: VerifyRecord, seen = new SeenPictures()): PageData {
  const { engine, input, tolerance, other, pass, firstDivergence, seconds } = record;
  const heading = `${shownName(record.file)}${other === null ? "" : ` against ${shownName(other)}`}`;
  const device = engine.deviceName === "" ? engine.device : `${engine.device} (${shownName(engine.deviceName)})`;
  const compared = record.layers.some(({ maxAbs }) => maxAbs !== null);
  return {
    title: `${heading}: vggtool report`,
    heading,
    facts: [
      `${engine.name} ${engine.version} on ${device}, ${shape(input.shape)}, ${shownSentence(input.source)}, ${duration(seconds.first)}`,
      ...(tolerance === null
        ? []
        : [`tolerance ${tiny(tolerance.rtol)} of each layer's largest value: ${shownSentence(tolerance.reason)}`]),
      ...record.diagnosis.map(shownSentence),
      ...record.notes.map(shownSentence),
    ],
    ...(compared && { verdict: { good: pass, text: verdict(pass, firstDivergence) } }),
    evidence: [],
    assumed: [],
    findings: [],
    strips: [],
    filters: [],
    layers: layersData(record, compared),
    top: topData(record, seen),
  };
}

function verdict(pass: boolean, first: string | null): string {
  if (pass) return "Every layer agrees within the tolerance.";
  return first === null ? "The two do not agree." : `The first layer that differs is ${shownName(first)}.`;
}

function layersData({ layers }: VerifyRecord, compared: boolean): LayersData {
  return {
    compared,
    rows: layers.map((layer) => ({
      name: shownName(layer.role),
      shape: shape(layer.shape),
      min: shownNumber(layer.min),
      max: shownNumber(layer.max),
      notFinite: layer.notFinite,
      maxAbs: shownNumber(layer.maxAbs),
      maxRel: shownNumber(layer.maxRel),
      cosine: shownNumber(layer.cosine),
      pass: layer.pass,
      problem: shownSentence(layer.problem ?? ""),
    })),
  };
}

function topData({ top, input }: VerifyRecord, seen: SeenPictures): readonly TopData[] {
  const pictures = new Map<number, TopEntry[]>();
  for (const entry of top) pictures.set(entry.picture, [...(pictures.get(entry.picture) ?? []), entry]);
  // Without classes the pictures are shown all the same.
  for (let k = 0; k < (input.shape[0] ?? 0); k++) if (seen.at(k) !== undefined && !pictures.has(k)) pictures.set(k, []);
  return Array.from(pictures, ([picture, entries]) => ({
    picture: shownName(input.pictures?.[picture] ?? `picture ${picture + 1}`),
    ...withSeen(seen.at(picture)),
    rows: entries.map(({ rank, index, label, probability }) => ({
      rank,
      label: label === undefined ? String(index) : `${shownName(label)} (${index})`,
      probability: shownNumber(probability),
    })),
  }));
}

function withSeen(seen: SeenData | undefined): Pick<TopData, "seen"> {
  return seen === undefined ? {} : { seen };
}
