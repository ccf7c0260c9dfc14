import { sidecarSuffix } from "../../encodings/sidecar.ts";
import { isCheckpointError } from "../../errors.ts";
import type { OwnedContext } from "../../io/run.ts";
import { type Argument, argumentsOf, type Candidate, sharedTrail } from "./candidates.ts";
import { claimOf, type FileClaim, filesAsFolder, lastNameOf } from "./claim.ts";
import type { FoundCheckpoint, FoundCheckpoints } from "./find-checkpoints.ts";

/** Files that are looked at at once: on a server each takes a while. */
const AT_ONCE = 8;

/** A claim, and the candidate and the argument that led to it first. */
interface First {
  readonly claim: FileClaim;
  readonly candidate: Candidate;
  readonly argument: number;
}

/** What sources lead to: see `findCheckpoints`. */
export async function found(sources: readonly string[], ctx: OwnedContext): Promise<FoundCheckpoints> {
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
  const kept = withoutParts(oneByMain([...claims.values()]));
  const checkpoints = given.flatMap((argument, k) => {
    if (!fruitful.has(k)) return [nothingAt(argument, shared)];
    return kept.filter((first) => first.argument === k).map((first) => checkpointOf(first, shared));
  });
  const skipped = unclaimed.filter((source) => !owners.has(source) && !source.endsWith(sidecarSuffix)).length;
  const mains = new Set(kept.map(({ claim }) => claim.files[0]));
  const repeated = [...again].filter((one) => mains.has(one.slice(one.indexOf(" ") + 1))).length;
  return { checkpoints: await asNamed(checkpoints, given, ctx), skipped, repeated };
}

/**
 * One claim for each main file, by which what was found is opened: of a file that its program does not list (fluid) opening gives that
 * program's set and the file, which the main file does not lead to. What was named is kept as it was named.
 */
function oneByMain(claims: readonly First[]): readonly First[] {
  const byMain = new Map<string | undefined, First>();
  for (const first of claims) {
    const [main] = first.claim.files;
    if (!byMain.has(main) || first.candidate.source === main) byMain.set(main, first);
  }
  return claims.filter((first) => first.candidate.named || byMain.get(first.claim.files[0]) === first);
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
