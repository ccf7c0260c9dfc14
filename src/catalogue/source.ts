import { createHash } from "node:crypto";
import { resolve } from "node:path";
import { CheckpointError } from "../errors.ts";
import { isAddress, shownAddress } from "../io/remote/address.ts";
import { pathOfFileAddress } from "../io/remote/locate.ts";

/**
 * Parameters of an address that say which file is meant. All others are left out of a catalogue: signatures and tokens go by many names,
 * and one that is overlooked would be published with the table.
 */
const telling = new Set([
  "alt",
  "download",
  "export",
  "file",
  "filename",
  "format",
  "generation",
  "id",
  "name",
  "path",
  "raw",
  "ref",
  "rev",
  "revision",
  "version",
  "versionid",
]);

/**
 * The name of a source in a catalogue: a path from the root of the file system, or an address without user, password, fragment, and all
 * parameters but those that say which file is meant.
 */
export function sourceName(input: string): string {
  if (!isAddress(input)) return resolve(input);
  if (input === "-") {
    throw new CheckpointError("usage", "a catalogue has no name for standard input", { hint: "save it as a file, and name that" });
  }
  if (/^file:/i.test(input)) return resolve(pathOfFileAddress(input));
  const plain = shownAddress(input).replace(/\?….*$/s, "");
  const query = /\?([^#]*)/.exec(input)?.[1] ?? "";
  const kept = [...new URLSearchParams(query)].filter(([name]) => telling.has(name.toLowerCase()));
  return kept.length === 0 ? plain : `${plain}?${new URLSearchParams(kept)}`;
}

/** One part of the sources: `number` from 1 to `of`. */
export interface Shard {
  readonly number: number;
  readonly of: number;
}

/** Whether a source belongs to a shard: by a hash of its name, which is the same on every machine and for every list that it is in. */
export function isInShard(source: string, { number, of }: Shard): boolean {
  const digest = createHash("sha256").update(source).digest();
  return digest.readUIntBE(0, 6) % of === number - 1;
}
