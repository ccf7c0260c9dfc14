import type { Role, Slot, StoredSlot } from "../model/scheme.ts";

export function isStored(slot: Slot | undefined): slot is StoredSlot {
  return slot !== undefined && "key" in slot;
}

/** "conv1_1" of "conv1_1.bn.var". */
export function layerOf(role: Role): string {
  return role.slice(0, role.indexOf("."));
}

/** "bn.var" of "conv1_1.bn.var". */
export function leafOf(role: Role): string {
  return role.slice(role.indexOf(".") + 1);
}

export function isConv(role: Role): boolean {
  return role.startsWith("conv");
}

export function isFc(role: Role): boolean {
  return role.startsWith("fc");
}

export function isFcWeight(role: Role): boolean {
  return isFc(role) && leafOf(role) === "weight";
}

/** What a role is worth where a convention does not store it: a bias 0, a scale 1; undefined where that has no answer. */
export function neutral(role: Role): 0 | 1 | undefined {
  switch (leafOf(role)) {
    case "bias":
    case "bn.bias":
      return 0;
    case "bn.weight":
      return 1;
    default:
      return undefined;
  }
}

/** Keys that a slot reads or writes. */
export function keysOf(slot: StoredSlot): readonly string[] {
  return slot.over === undefined ? [slot.key] : [slot.key, slot.over];
}
