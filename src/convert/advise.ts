import { CheckpointError } from "../errors.ts";
import { optionsText, Refusal, type Way, type WayOptions, written } from "../text/refusal.ts";
import type { ConvertOptions } from "./options.ts";

/** Plans and lays out a conversion, writes nothing; throws what the conversion would. */
export type Rehearsal = (options: ConvertOptions) => Promise<void>;

/** Rehearsals in all: a plan takes milliseconds, one of a hundred thousand tensors a second. */
const mostRehearsals = 16;

interface Found {
  readonly options: WayOptions;
  /** Why more than the first way is needed. */
  readonly because: readonly string[];
}

/**
 * A refusal whose hint was tried: each way that it names, with all that is needed after it (another refusal names its own ways), is rehearsed,
 * and the hint names those that lead to an output. Where none does, it says what is in the way then.
 */
export async function advised(refusal: Refusal, given: ConvertOptions, rehearse: Rehearsal): Promise<CheckpointError> {
  let left = mostRehearsals;
  /** Depth first: the first end that is reached, else the error that stopped the first of the ways. */
  const follow = async (options: WayOptions, because: readonly string[]): Promise<Found | CheckpointError> => {
    if (left === 0) return refusal;
    left -= 1;
    try {
      await rehearse(withWay(given, options));
      return { options, because };
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      for (const way of error instanceof Refusal ? error.ways : []) {
        const more = merged(options, way.options);
        if (more === undefined) continue;
        const end = await follow(more, [...because, way.why ?? (error instanceof Refusal ? error.found : "")]);
        if (!(end instanceof CheckpointError)) return end;
      }
      return error;
    }
  };
  const ends = new Map<Way, Found | CheckpointError>();
  for (const way of refusal.ways) ends.set(way, await follow(way.options, []));
  const { mentions, hint } = written(refusal.ways, (way) => {
    const end = ends.get(way);
    return end === undefined || end instanceof CheckpointError ? undefined : lineOf(way, end);
  });
  const [first] = refusal.ways;
  const stopped = first === undefined ? undefined : ends.get(first);
  if (hint !== "" || first === undefined || !(stopped instanceof CheckpointError) || stopped === refusal)
    return said(refusal, mentions, hint === "" ? refusal.where.hint : hint);
  const tried = optionsText(first.options);
  return said(refusal, mentions, `${tried === "" ? "without it" : `with ${tried}`} it would still be refused: ${stopped.summary}`);
}

/** Options with those of a way; undefined where it changes none of them, or leaves one out, which takes a line of its own. */
function merged(options: WayOptions, more: WayOptions): WayOptions | undefined {
  if (Object.values(more).includes(undefined)) return undefined;
  const exclude = [...new Set([...(options.exclude ?? []), ...(more.exclude ?? [])])];
  const both: WayOptions = { ...options, ...more, ...(exclude.length === 0 ? {} : { exclude }) };
  return optionsText(both) === optionsText(options) ? undefined : both;
}

function withWay(given: ConvertOptions, { exclude, ...rest }: WayOptions): ConvertOptions {
  const more = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const gone = new Set(Object.keys(rest).filter((name) => !(name in more)));
  const kept = Object.fromEntries(Object.entries(given).filter(([name]) => !gone.has(name)));
  const patterns = exclude === undefined ? {} : { exclude: [...(given.exclude ?? []), ...exclude] };
  return { ...kept, ...more, ...patterns };
}

function lineOf(way: Way, { options, because }: Found): string {
  const text = optionsText(options);
  // Patterns beside them are quoted: an apostrophe would open another quote where the line is pasted.
  const reasons = [...new Set(because)].filter((reason) => reason !== "").map((reason) => reason.replaceAll("'", "’"));
  return `${way.say(text)}${reasons.length === 0 ? "" : ` (${reasons.join("; ")})`}`;
}

function said({ code, found, where }: Refusal, mentions: readonly string[], hint: string | undefined): CheckpointError {
  const { hint: _hint, ...rest } = where;
  return new CheckpointError(code, [found, ...mentions].join("; "), hint === undefined ? rest : { ...rest, hint });
}
