import { globStars } from "./glob.ts";
import { isPattern } from "./wildcards.ts";

/** Whether a path is taken, or one of the folders that it is in; `below`: neither, and names below it may be. */
export type PathAnswer = "taken" | "below" | undefined;

const isHidden = (name: string): boolean => name.startsWith(".");

/** All paths but those with a name that begins with a dot. */
export function unhidden(path: readonly string[]): PathAnswer {
  return path.some(isHidden) ? undefined : "taken";
}

/** The folder part of a pattern that has no wildcards, the rest of it as a test for paths below that folder. */
export interface PathPattern {
  /** With "/" between its parts; "" where the pattern begins with a wildcard. */
  readonly folder: string;
  readonly takes: (path: readonly string[]) => PathAnswer;
}

/**
 * A pattern of paths, part by part: in each, wildcards have the meaning of `glob`, and take no "/"; `**` is any number of folders. Names
 * that begin with a dot are taken by parts that begin with one. Throws `usage` for what is no pattern.
 */
export function pathPattern(pattern: string): PathPattern {
  const parts = pattern.split("/");
  const plain = parts.findIndex(isPattern);
  const first = plain < 0 ? parts.length - 1 : plain;
  const steps = parts.slice(first).map((part) => (part === "**" ? undefined : { whole: globStars(part), hidden: isHidden(part) }));
  /** Places in the pattern that are reached without a name: `**` may mean none. */
  const withSkipped = (places: Iterable<number>): ReadonlySet<number> => {
    const reached = new Set(places);
    for (const place of reached) if (place < steps.length && steps[place] === undefined) reached.add(place + 1);
    return reached;
  };
  const after = (place: number, name: string): readonly number[] => {
    if (place >= steps.length) return [];
    const step = steps[place];
    if (step === undefined) return isHidden(name) ? [] : [place];
    return step.hidden === isHidden(name) && step.whole(name) !== undefined ? [place + 1] : [];
  };
  return {
    folder: parts.slice(0, first).join("/"),
    takes(path) {
      let places = withSkipped([0]);
      for (const [k, name] of path.entries()) {
        places = withSkipped([...places].flatMap((place) => after(place, name)));
        if (places.has(steps.length)) return unhidden(path.slice(k + 1));
        if (places.size === 0) return undefined;
      }
      return "below";
    },
  };
}
