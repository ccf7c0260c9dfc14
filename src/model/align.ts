import type { Identity } from "./identity.ts";
import type { Role } from "./role.ts";
import type { Slot } from "./scheme.ts";

/** Two checkpoints of one family, role by role. */
export interface Alignment {
  readonly pairs: readonly { readonly role: Role; readonly a: Slot; readonly b: Slot }[];
  /** Roles that only one of them stores. */
  readonly onlyA: readonly Role[];
  readonly onlyB: readonly Role[];
}

/** Pairs what two networks keep for the same role; a constant on one side stands against whatever the other stores. */
export function align(a: Identity, b: Identity): Alignment {
  const pairs: { role: Role; a: Slot; b: Slot }[] = [];
  const onlyA: Role[] = [];
  for (const [role, slot] of a.roles) {
    const other = b.roles.get(role);
    if (other !== undefined) {
      if ("key" in slot || "key" in other) pairs.push({ role, a: slot, b: other });
    } else if ("key" in slot) onlyA.push(role);
  }
  const onlyB = [...b.roles].filter(([role, slot]) => !a.roles.has(role) && "key" in slot).map(([role]) => role);
  return { pairs, onlyA, onlyB };
}
