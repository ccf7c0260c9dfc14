import { kindOf } from "../../model/kinds.ts";
import type { Role } from "../../model/role.ts";
import { isStored, type Slot } from "../../model/scheme.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import { type Tensor, withInfo } from "../../tensor/tensor.ts";
import { few } from "../../text/few.ts";
import { type Like, otherTitle } from "./like.ts";

/** Whether the file is more than one flat table of tensors: {state_dict, epoch}, a whole module. */
export function isNested({ nesting }: Checkpoint): boolean {
  return nesting !== undefined && nesting.length > 0;
}

/** The other checkpoint as a flat table of tensors can be like it, and a sentence on what such a table cannot be. */
export interface Unwrapped {
  readonly like: Like;
  readonly warnings: readonly string[];
}

/**
 * Where the weights are all inside one container (`net` of {net, acc, epoch}), the table is what is inside: that is what code loads from it.
 * State of a training is left out.
 */
export function unwrapped(like: Like): Unwrapped {
  const { nesting = [], tensors } = like.checkpoint;
  if (nesting.length === 0) return { like, warnings: [] };
  const weights = [...tensors.values()].filter((tensor) => !["optimizer", "average", "bookkeeping"].includes(kindOf(tensor)));
  const [prefix] = nesting
    .flatMap((name) => [`${name}.`, `${name}/`])
    .filter((start) => weights.every((tensor) => tensor.name.startsWith(start)));
  const kept = `${otherTitle} keeps its tensors inside ${few(nesting)}`;
  if (prefix === undefined) return { like, warnings: [`the output is one flat table of tensors: ${kept}`] };
  return { like: within(like, prefix), warnings: [`the output is one flat table, of what is inside ${prefix.slice(0, -1)}: ${kept}`] };
}

function within({ checkpoint, identity, path }: Like, prefix: string): Like {
  const inner = (key: string): string => (key.startsWith(prefix) ? key.slice(prefix.length) : key);
  const tensors = new Map<string, Tensor>();
  for (const [key, tensor] of checkpoint.tensors)
    if (key.startsWith(prefix)) tensors.set(inner(key), withInfo(tensor, { name: inner(key) }));
  const slots = (roles: ReadonlyMap<Role, Slot>): ReadonlyMap<Role, Slot> =>
    new Map(
      [...roles].map(([role, slot]): [Role, Slot] => {
        if (!isStored(slot)) return [role, slot];
        return [role, { ...slot, key: inner(slot.key), ...(slot.over === undefined ? {} : { over: inner(slot.over) }) }];
      }),
    );
  return {
    checkpoint: { ...checkpoint, tensors },
    identity: identity === undefined ? undefined : { ...identity, roles: slots(identity.roles) },
    ...(path === undefined ? {} : { path }),
  };
}
