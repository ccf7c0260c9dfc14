import { sidecarSuffix } from "../../encodings/sidecar.ts";
import { CheckpointError, isCheckpointError } from "../../errors.ts";
import type { OwnedContext } from "../../io/run.ts";
import { brief } from "../../text/brief.ts";
import { checkOptions } from "../checks.ts";
import { type RunOptions, runChecks } from "../run-options.ts";
import { makeContext, spoken } from "../with-context.ts";
import { type Argument, argumentsOf, type Candidate, sharedTrail } from "./candidates.ts";
import { claimOf, type FileClaim, filesAsFolder, lastNameOf } from "./claim.ts";

/** A checkpoint among many. */
export interface FoundCheckpoint {
  /** A path or an address that every verb takes. */
  readonly source: string;
  /** Where it is below what was named, with "/" between folders: a tree of outputs has the same places. */
  readonly place: string;
  /** Its files, as paths or addresses, the one that leads to the others first; the source alone where it was named and not looked into. */
  readonly files: readonly string[];
}

export interface FoundCheckpoints {
  /** In the order of what was named; in a folder its files before those of its folders, both in natural order. */
  readonly checkpoints: readonly FoundCheckpoint[];
  /** Files that were found, and are neither a checkpoint nor a part of one. */
  readonly skipped: number;
  /** Names that lead to a checkpoint that an earlier name leads to. */
  readonly repeated: number;
}

/** Files that are looked at at once: on a server each takes a while. */
const AT_ONCE = 8;

/**
 * The checkpoints that some sources lead to: files, folders with all that is below them, patterns (`zoo/*.pth`, with `**` for any folders),
 * addresses of files and of repositories and buckets, and `@list.txt` with one source a line (`@-`: standard input). The files of a set are one
 * checkpoint. A folder's files count by their content; those that are none are counted, and a damaged one is there, for the verb that opens it
 * to say so. What was named is there in any case, also where it does not exist.
 *
 * @throws CheckpointError `usage` for no sources and for what is no pattern, `not-found` for a list that is not there, `io` where a server does not list.
 * @example
 * const { checkpoints, skipped } = await findCheckpoints(["zoo", "hf://ORG/REPO"]);
 * for (const { source } of checkpoints) console.log((await inspect(source)).architecture?.name);
 */
export async function findCheckpoints(sources: readonly string[], options: RunOptions = {}): Promise<FoundCheckpoints> {
  return spoken(undefined, async () => {
    if (!Array.isArray(sources) || sources.length === 0 || !sources.every((source) => typeof source === "string")) {
      throw new CheckpointError("usage", `findCheckpoints was given ${brief(sources)}, needed a list of paths and addresses`);
    }
    checkOptions("findCheckpoints", options, runChecks);
    const ctx = await makeContext(options, { values: false });
    try {
      return await found(sources, ctx);
    } finally {
      await ctx.dispose();
    }
  });
}

/** A claim, and the candidate and the argument that led to it first. */
interface First {
  readonly claim: FileClaim;
  readonly candidate: Candidate;
  readonly argument: number;
}

async function found(sources: readonly string[], ctx: OwnedContext): Promise<FoundCheckpoints> {
  const given = await argumentsOf(sources, ctx);
  const candidates = given.flatMap((argument, k) => argument.candidates.map((candidate) => ({ candidate, argument: k })));
  const claims = new Map<string, First>();
  /** Files of what was claimed, and the argument that led to them first. */
  const owners = new Map<string, number>();
  const unclaimed: string[] = [];
  const fruitful = new Set<number>();
  const again = new Set<string>();
  for (let k = 0; k < candidates.length; k += AT_ONCE) {
    const some = candidates.slice(k, k + AT_ONCE).filter(({ candidate: { named, source }, argument }) => {
      const owner = owners.get(source);
      if (named || owner === undefined) return true;
      fruitful.add(argument);
      if (owner !== argument) again.add(`${argument} ${source}`);
      return false;
    });
    const answers = await Promise.all(some.map(async (one) => ({ ...one, claim: await claimOf(one.candidate, ctx) })));
    for (const { claim, candidate, argument } of answers) {
      if (claim === undefined) {
        unclaimed.push(candidate.source);
        continue;
      }
      fruitful.add(argument);
      const first = claims.get(claim.key);
      if (first === undefined) claims.set(claim.key, { claim, candidate, argument });
      else if (first.argument !== argument) again.add(`${argument} ${claim.files[0]}`);
      for (const file of claim.files) if (!owners.has(file)) owners.set(file, argument);
    }
    await ctx.tick(0);
  }
  const shared = sharedTrail(given);
  const kept = withoutParts([...claims.values()]);
  const checkpoints = given.flatMap((argument, k) => {
    if (!fruitful.has(k)) return [nothingAt(argument, shared)];
    return kept.filter((first) => first.argument === k).map((first) => checkpointOf(first, shared));
  });
  const skipped = unclaimed.filter((source) => !owners.has(source) && !source.endsWith(sidecarSuffix)).length;
  const mains = new Set(kept.map(({ claim }) => claim.files[0]));
  const repeated = [...again].filter((one) => mains.has(one.slice(one.indexOf(" ") + 1))).length;
  return { checkpoints: await asNamed(checkpoints, given, ctx), skipped, repeated };
}

/** Without what was found and is a part of another: a file of values that is opened for itself, and by the one that names it. */
function withoutParts(claims: readonly First[]): readonly First[] {
  const byFile = new Map<string, First[]>();
  for (const first of claims) {
    for (const file of first.claim.files) {
      const users = byFile.get(file);
      if (users === undefined) byFile.set(file, [first]);
      else users.push(first);
    }
  }
  const inside = ({ claim: { files } }: First, { claim: other }: First): boolean =>
    other.files.length > files.length && files.every((file) => other.files.includes(file));
  return claims.filter((first) => first.candidate.named || !byFile.get(first.claim.files[0] ?? "")?.some((other) => inside(first, other)));
}

/** What was named and leads to no checkpoint: whoever opens it says so. */
function nothingAt({ text, base }: Argument, shared: number): FoundCheckpoint {
  return { source: text, place: base.slice(shared).join("/") || lastNameOf(text), files: [text] };
}

/** By its main file where it was found, whichever of its files was met first; as it was named where it was. */
function checkpointOf({ claim: { files }, candidate: { named, source, trail } }: First, shared: number): FoundCheckpoint {
  const place = trail.slice(shared);
  const [main = source] = files;
  if (named) return { source, place: place.join("/"), files };
  // A main file may be in a folder above that of another of its files.
  const inside = source === main ? place : [...place.slice(0, -1), lastNameOf(main)];
  return { source: main, place: inside.join("/"), files };
}

/** A folder that is one checkpoint is called by its own name. */
async function asNamed(
  checkpoints: readonly FoundCheckpoint[],
  [argument, ...others]: readonly Argument[],
  ctx: OwnedContext,
): Promise<readonly FoundCheckpoint[]> {
  const [only, ...more] = checkpoints;
  if (only === undefined || argument?.folder !== true || more.length + others.length > 0) return checkpoints;
  try {
    const files = await filesAsFolder(argument.text, ctx);
    return files?.[0] === only.files[0] ? [{ ...only, source: argument.text, place: argument.base.at(-1) ?? only.place }] : checkpoints;
  } catch (error) {
    if (!isCheckpointError(error) || error.code === "interrupted") throw error;
    return checkpoints; // no checkpoint as a folder: it is opened by its file
  }
}
