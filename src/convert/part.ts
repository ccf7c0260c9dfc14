import { CheckpointError } from "../errors.ts";
import type { Body, Identity } from "../model/identity.ts";
import { isStored, keysOf } from "../model/scheme.ts";
import type { Checkpoint } from "../tensor/checkpoint.ts";
import { leavingOut, Refusal } from "../text/refusal.ts";

/** What `--part` takes of a checkpoint. */
export interface ChosenPart {
  /** The network in it; undefined for the rest, which is none. */
  readonly identity: Identity | undefined;
  readonly keys: ReadonlySet<string>;
}

/**
 * `body`: every tensor that has a role in the first VGG of the file. `rest`: every tensor that has none in any of them. Else the prefix of one
 * of them. Throws `usage` where there is no VGG, or none of that prefix.
 */
export function partOfCheckpoint(part: string, { tensors }: Checkpoint, identity: Identity | undefined): ChosenPart {
  if (identity === undefined) {
    throw new Refusal("usage", `--part ${part}: no network of the VGG family was recognised`, [leavingOut("part")]);
  }
  if (part === "rest") {
    const taken = new Set(identity.bodies.flatMap(keysOfBody));
    return { identity: undefined, keys: new Set([...tensors.keys()].filter((key) => !taken.has(key))) };
  }
  const body = part === "body" ? identity.bodies[0] : identity.bodies.find(({ prefix }) => trimmed(prefix) === trimmed(part));
  if (body === undefined) {
    const known = ["body", "rest", ...identity.bodies.map(({ prefix }) => prefix).filter((prefix) => prefix !== "")];
    throw new CheckpointError("usage", `--part ${part} is none of the file's parts; these are: ${known.join(", ")}`);
  }
  return { identity: { ...identity, ...body }, keys: new Set(keysOfBody(body)) };
}

function keysOfBody({ roles }: Body): readonly string[] {
  return [...roles.values()].flatMap((slot) => (isStored(slot) ? keysOf(slot) : []));
}

/** Without the separator behind it. */
function trimmed(prefix: string): string {
  return prefix.replace(/[./]+$/, "");
}
