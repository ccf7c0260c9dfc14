import type { Described } from "../described.ts";
import type { Identity } from "../identity.ts";
import { isStored, keysOf } from "../scheme.ts";

/** Every name that a person may know a tensor by, in a pattern: its key, its readable form, its roles. */
export function knownAs(identity: Pick<Identity, "roles"> | undefined): (tensor: Pick<Described, "name" | "label">) => readonly string[] {
  const roles = new Map<string, string[]>();
  for (const [role, slot] of identity?.roles ?? []) {
    if (!isStored(slot)) continue;
    for (const key of keysOf(slot)) roles.set(key, [...(roles.get(key) ?? []), role]);
  }
  return ({ name, label }) => [name, ...(label === undefined ? [] : [label]), ...(roles.get(name) ?? [])];
}
