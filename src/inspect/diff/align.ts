import { isCheckpointError } from "../../errors.ts";
import type { Context } from "../../io/context.ts";
import { kindOf } from "../../model/kinds.ts";
import type { Role } from "../../model/role.ts";
import { isComputed, numericTensor, type RoleValues, roleValues } from "../../model/role-values.ts";
import type { Slot, StoredSlot } from "../../model/scheme.ts";
import { type AxisSizes, jointSizes } from "../../tensor/axes.ts";
import { isNumeric, type NumericTensor } from "../../tensor/tensor.ts";
import { plainView } from "../../tensor/view.ts";
import { epsilonOf, type Side } from "./side.ts";

/** Two tensors, or slices of tensors, that mean the same. */
export interface Pair {
  /** Undefined where they only share a name. */
  readonly role?: Role;
  /** Keys; undefined where a convention implies a constant instead. */
  readonly a: string | undefined;
  readonly b: string | undefined;
  /** What brings A's form to B's. */
  readonly move: "copy" | "reshape" | "transpose" | "cast" | "flip" | "compute";
  /** Both sides along the same axes; undefined where their sizes differ. */
  readonly values?: { readonly a: RoleValues; readonly b: RoleValues };
  readonly shapeA: readonly number[];
  readonly shapeB: readonly number[];
}

/** conv3_2, fc6; the key where no role is known. */
export function layerOf({ role, a, b }: Pair): string {
  return role?.replace(/\.weight$/, "") ?? a ?? b ?? "";
}

export interface Alignment {
  readonly pairs: readonly Pair[];
  readonly onlyA: readonly string[];
  readonly onlyB: readonly string[];
}

/** By role where both networks are known, and what is left by name; optimizer state and counters do not count as missing. */
export async function align(a: Side, b: Side, ctx: Context): Promise<Alignment> {
  const pairs: Pair[] = [];
  const usedA = new Set<string>();
  const usedB = new Set<string>();
  if (a.identity !== undefined && b.identity !== undefined) {
    for (const [role, slotA] of a.identity.roles) {
      const slotB = b.identity.roles.get(role);
      if (slotB === undefined || ("constant" in slotA && "constant" in slotB)) continue;
      pairs.push(await pairByRole(role, a, slotA, b, slotB, ctx));
      for (const key of keysOf(slotA)) usedA.add(key);
      for (const key of keysOf(slotB)) usedB.add(key);
    }
  }
  for (const tensor of a.checkpoint.tensors.values()) {
    const other = b.checkpoint.tensors.get(tensor.name);
    if (usedA.has(tensor.name) || usedB.has(tensor.name) || other === undefined || !isNumeric(tensor) || !isNumeric(other)) continue;
    pairs.push(await pairByName(tensor, other));
    usedA.add(tensor.name);
    usedB.add(tensor.name);
  }
  return { pairs, onlyA: leftOver(a, usedA), onlyB: leftOver(b, usedB) };
}

function keysOf(slot: Slot): readonly string[] {
  if ("constant" in slot) return [];
  return slot.over === undefined ? [slot.key] : [slot.key, slot.over];
}

function leftOver({ checkpoint }: Side, used: ReadonlySet<string>): readonly string[] {
  const left = [...checkpoint.tensors.values()].filter((tensor) => !used.has(tensor.name));
  return left.filter((tensor) => ["parameter", "buffer", "constant"].includes(kindOf(tensor))).map((tensor) => tensor.name);
}

async function pairByName(a: NumericTensor, b: NumericTensor): Promise<Pair> {
  const base = { a: a.name, b: b.name, shapeA: a.shape, shapeB: b.shape };
  if (a.shape.join() !== b.shape.join()) return { ...base, move: "copy" };
  const values = (view: RoleValues["view"]): RoleValues => ({ view, times: 1, computed: false });
  return { ...base, move: a.dtype === b.dtype ? "copy" : "cast", values: { a: values(await plainView(a)), b: values(await plainView(b)) } };
}

async function pairByRole(role: Role, a: Side, slotA: Slot, b: Side, slotB: Slot, ctx: Context): Promise<Pair> {
  const [shapeA, shapeB] = [storedShape(a, slotA), storedShape(b, slotB)];
  const base = {
    role,
    a: "constant" in slotA ? undefined : slotA.key,
    b: "constant" in slotB ? undefined : slotB.key,
    shapeA: shapeA ?? shapeB ?? [],
    shapeB: shapeB ?? shapeA ?? [],
  };
  const move = moveBetween(a, slotA, b, slotB);
  const sizes = commonSizes(a, slotA, b, slotB, role);
  if (sizes === undefined) return { ...base, move };
  const left = await roleValues(a.checkpoint.tensors, slotA, { sizes, epsilon: epsilonOf(a) }, ctx);
  const right = await roleValues(b.checkpoint.tensors, slotB, { sizes, epsilon: epsilonOf(b) }, ctx);
  return { ...base, move, values: { a: left, b: right } };
}

function storedShape(side: Side, slot: Slot): readonly number[] | undefined {
  return "constant" in slot ? undefined : numericTensor(side.checkpoint.tensors, slot.key).shape;
}

/** The sizes of all axes, from both shapes and what the networks tell of fc6; undefined where the two contradict each other. */
export function commonSizes(a: Side, slotA: Slot, b: Side, slotB: Slot, role: Role): AxisSizes | undefined {
  const laid = [
    [a, slotA],
    [b, slotB],
  ] as const;
  const sides = laid.flatMap(([side, slot]) => {
    const shape = storedShape(side, slot);
    return "constant" in slot || shape === undefined ? [] : [{ axes: slot.axes, shape }];
  });
  // A dense layer's h and w may be a guess of one side that the other's shape refutes: then less is taken as known.
  for (const known of [told(a, role, 3), told(b, role, 3), told(a, role, 1), new Map<string, number>()]) {
    try {
      return jointSizes(sides, known);
    } catch (error) {
      if (!isCheckpointError(error, "mismatch")) throw error;
    }
  }
  return undefined;
}

/** What a network says of the inputs of its first dense layer: the sizes of the first `count` of i, h, w. */
function told({ identity }: Side, role: Role, count: number): AxisSizes {
  const first = identity?.network.layers.find((layer) => layer.kind === "fc");
  const known = new Map<string, number>();
  if (role !== `${first?.name}.weight`) return known;
  ["i", "h", "w"].slice(0, count).forEach((axis, k) => {
    const size = identity?.network.featureShape?.[k];
    if (size !== undefined) known.set(axis, size);
  });
  return known;
}

function moveBetween(a: Side, slotA: Slot, b: Side, slotB: Slot): Pair["move"] {
  if ("constant" in slotA || "constant" in slotB) return "compute";
  if ([slotA, slotB].some((slot) => isComputed(slot) || slot.times !== undefined)) return "compute";
  if ((slotA.flip ?? []).join() !== (slotB.flip ?? []).join()) return "flip";
  const flat = (slot: StoredSlot): string => slot.axes.names.filter((name) => name !== slot.take?.[0]).join(" ");
  const [shapeA, shapeB] = [storedShape(a, slotA) ?? [], storedShape(b, slotB) ?? []];
  const ones = (shape: readonly number[]): string => shape.filter((size) => size !== 1).join();
  if (flat(slotA) !== flat(slotB) && ones(shapeA).includes(",")) return "transpose";
  if (numericTensor(a.checkpoint.tensors, slotA.key).dtype !== numericTensor(b.checkpoint.tensors, slotB.key).dtype) return "cast";
  return shapeA.join() === shapeB.join() ? "copy" : "reshape";
}
