import type { DescribedCheckpoint } from "../described.ts";
import type { HostRow } from "../hosts/hosts.ts";
import type { Tokens } from "../layers/tokens.ts";
import type { Entries, Entry } from "./entries.ts";
import { chained, type Fit, type FitPlace, fitInto, fitPlaces, placeName, placesOf, publishedLengths, widensAsPublished } from "./fit.ts";
import { type GraphLayer, graphFit } from "./graph.ts";
import type { FcName } from "./head/fc-names.ts";
import { literalFits } from "./literal.ts";
import { fitNumbers, ownBlocks } from "./numbers.ts";
import type { Run } from "./runs.ts";

/** What says where the convolutions stand in the network. */
export type Source = "graph" | "names" | "numbers" | "count";

/** One way to read a part of the file as a VGG's convolutions. */
export interface Reading extends Fit {
  readonly source: Source;
  /** What comes before the names of its layers. */
  readonly prefix: Tokens;
  /** The numbered run that its layers are of, and its last number that the body can have. */
  readonly run?: { readonly run: Run; readonly last: number };
  /** What the file's graph has behind them. */
  readonly behind?: readonly GraphLayer[];
  /** The graph goes on with what no VGG has. */
  readonly goesOn?: boolean;
  /** A host's row says that the VGG ends there. */
  readonly ends?: boolean;
  /** Of the file's other bodies: where the names of their convolutions begin, and layers that are theirs. */
  readonly beside?: { readonly names: readonly Tokens[]; readonly taken: ReadonlySet<Entry> };
  /** Names of a known host's fc6, fc7 and fc8. */
  readonly head?: Readonly<Record<string, FcName>>;
}

/** Every way to read the file's convolutions as those of a VGG, the surest first. */
export function readings(checkpoint: DescribedCheckpoint, entries: Entries, runs: readonly Run[]): readonly Reading[] {
  const graph = graphFit(checkpoint, entries);
  const found: Reading[] = [];
  if (graph !== undefined)
    found.push({ ...cut(graph), source: "graph", prefix: commonPrefix(graph.places), behind: graph.behind, goesOn: graph.ends });
  for (const fit of literalFits(entries.all)) found.push({ ...cut(fit), source: "names", prefix: fit.prefix });
  for (const run of runs) {
    if (run.items.length < fewestInRun) continue;
    const fit = fitNumbers(run) ?? ownBlocks(run);
    if (fit === undefined) continue;
    const { last, countsPools } = fit;
    found.push({ ...withoutNarrowing(cut(fit)), source: countsPools ? "numbers" : "count", prefix: run.prefix, run: { run, last } });
  }
  return found.filter(({ places }) => places.length > 0);
}

const fewestInRun = 4;

/** Without the places behind the first that does not chain: these are another network's. */
function cut<T extends Fit>(fit: T): T {
  const places = chained(fit);
  if (places.length === fit.places.length) return fit;
  const last = places.at(-1);
  const again = fitPlaces(places);
  if (last === undefined || again === undefined) return { ...fit, places: [] };
  return { ...fit, ...again };
}

/**
 * Without the last convolutions of a run that stops early, where these narrow and every block before has one width, each wider: the first
 * layers of what follows (OpenPose' 512 → 256 → 128 in the places of conv4_3 and conv4_4). Numbers alone do not make them a VGG's.
 */
function withoutNarrowing<T extends Fit>(fit: T): T {
  const width = ({ entry }: FitPlace): number => entry?.conv?.outputs ?? 0;
  const narrow = fit.places.findIndex((place, i) => {
    const before = fit.places[i - 1];
    return before?.block === place.block && place.entry?.conv !== undefined && width(place) < width(before);
  });
  const rest = fit.places.slice(0, narrow);
  const inLast = fit.places[narrow]?.block === fit.places.at(-1)?.block;
  const again = narrow < 0 || !inLast || fit.tail.length === 0 || !widensAsPublished(rest) ? undefined : fitPlaces(rest);
  return again === undefined ? fit : { ...fit, ...again };
}

/** The tokens that the names of all these layers begin with. */
function commonPrefix(places: readonly FitPlace[]): Tokens {
  const [first, ...rest] = places.flatMap(({ entry }) => entry?.names.slice(0, 1) ?? []);
  if (first === undefined) return [];
  const differs = first.findIndex((token, i) => rest.some((tokens) => tokens[i] !== token));
  return differs < 0 ? first : first.slice(0, differs);
}

/** With what a known host's row says of the VGG in it. */
export function inHost(reading: Reading, host: HostRow | undefined, entries: Entries): Reading {
  if (host === undefined) return reading;
  const named = host.head === undefined ? reading : { ...reading, head: host.head };
  return ended(continued(named, host, entries), host);
}

/** The configuration that the row names, which ends where the row says. */
function ended(reading: Reading, { ends }: HostRow): Reading {
  const published = publishedLengths.some((lengths) => lengths.join() === ends?.blocks.join());
  const fit = ends === undefined ? undefined : fitInto(ends.blocks, reading.places, published);
  if (fit === undefined) return reading;
  const all = placesOf(fit.lengths);
  const last = all.findIndex((place) => placeName(place) === ends?.through);
  const before = new Set(all.slice(0, last + 1).map(placeName));
  const empty = [...fit.holes, ...fit.tail];
  if (reading.places.some((place) => !before.has(placeName(place)))) return reading;
  return {
    ...reading,
    ...fit,
    holes: empty.filter((place) => before.has(placeName(place))),
    tail: empty.filter((place) => !before.has(placeName(place))),
    ends: true,
  };
}

/** With the convolutions that a known host keeps in a second module. */
function continued(reading: Reading, host: HostRow, entries: Entries): Reading {
  const more = host.continues;
  const [next] = more?.places.values() ?? [];
  const last = reading.places.at(-1);
  if (more === undefined || next === undefined || last === undefined || last.block + 1 !== next[0]) return reading;
  const found = entries.all.flatMap((entry): FitPlace[] => {
    const number = entry.names.map((tokens) => numberUnder(tokens, more.under)).find((each) => each !== undefined);
    const place = number === undefined ? undefined : more.places.get(number);
    return place === undefined ? [] : [{ block: place[0], index: place[1], entry }];
  });
  const fit = fitPlaces([...reading.places, ...found]);
  return fit === undefined ? reading : { ...reading, ...cut(fit) };
}

/** The last number of a name whose other words and numbers end in these. */
function numberUnder(tokens: Tokens, under: Tokens): number | undefined {
  const last = tokens.at(-1);
  const before = tokens.slice(-1 - under.length, -1);
  return typeof last === "number" && before.join(" ") === under.join(" ") ? last : undefined;
}
