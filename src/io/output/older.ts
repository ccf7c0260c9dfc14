import { lstatSync } from "node:fs";
import { join } from "node:path";
import { atPlace } from "./at-place.ts";
import type { Replaced } from "./place.ts";
import { namesIn } from "./temporary-name.ts";

/** Names of files in a folder. */
export interface OlderNames {
  /** What opens the files. */
  readonly entries: readonly RegExp[];
  readonly parts: readonly RegExp[];
  /** Those of the new output itself. */
  readonly names: readonly string[];
}

/** The files of an older output in `folder`, by their full paths. Throws `usage` where one is neither a file nor a link. */
export function olderFiles(folder: string, { entries, parts, names }: OlderNames): Replaced {
  const there = namesIn(folder);
  const own = new Set(names);
  const found = (wanted: (name: string) => boolean): readonly string[] =>
    there.filter(wanted).map((name) => {
      const path = join(folder, name);
      // A link to nothing is removed with the rest of what it belonged to; one that is written through is looked at when it is opened.
      if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) atPlace(path);
      return path;
    });
  return {
    entries: found((name) => entries.some((pattern) => pattern.test(name))),
    parts: found((name) => own.has(name) || parts.some((pattern) => pattern.test(name))),
  };
}
