import { CheckpointError } from "../../errors.ts";
import type { Network } from "../../model/network/network.ts";
import { isConv, isFc, isNorm, layerOf, neutral, partOf, type Role, roleOf } from "../../model/role.ts";
import { isStored, keysOf, type Slot, type StoredSlot } from "../../model/scheme.ts";
import { parseAxes, plainAxes } from "../../tensor/axes.ts";
import { adding, Refusal } from "../../text/refusal.ts";
import type { ConversionTarget } from "../target/conversion-target.ts";
import type { Fill, Left, Move } from "./plan-types.ts";
import { type Filled, fillFor, moveFor, type RoleSource } from "./role-moves.ts";

export interface RoleMove {
  readonly move: Move;
  /** Source keys that it uses. */
  readonly keys: readonly string[];
}

/** What fills the slots of the target; empty ones go into `missing`. */
export function* roleMoves(
  slots: ReadonlyMap<Role, Slot>,
  source: RoleSource,
  target: ConversionTarget,
  network: Network,
  missing: Left[],
): Generator<RoleMove> {
  const groups = new Map<string, [Filled, ...Filled[]]>();
  const lostParts = new Map<string, string>((target.identity?.missing ?? []).map(({ role, why }) => [role, why]));
  for (const [role, slot] of slots) {
    if (!isStored(slot)) {
      checkConstant(role, slot.constant, source, target);
      continue;
    }
    if (source.fold && isNorm(role)) continue;
    // What the file's other layers have and this one lacks was lost: no number replaces it.
    const lost = lostParts.get(role);
    if (lost !== undefined && !source.fresh.has(role)) {
      missing.push({ key: slot.key, role, reason: `the source lacks it: ${lost}` });
      continue;
    }
    const fill = fillFor(role, slot, source) ?? neutralFill(role, slot, source, target);
    if (fill === undefined) {
      if (wanted(role, source, network)) missing.push({ key: slot.key, role, reason: "the source has nothing for it" });
    } else if (fill.from.length > 0 || source.fresh.has(role) || target.fillsNeutral || isNorm(role)) {
      const group = groups.get(slot.key);
      if (group === undefined) groups.set(slot.key, [{ role, slot, fill }]);
      else group.push({ role, slot, fill });
    }
  }
  const factors = new Set<string>();
  for (const group of groups.values()) {
    const [first] = group;
    const move = located(first.role, source, () => moveFor(group, source));
    yield { move, keys: move.fills.flatMap(({ from }) => from.flatMap(keysOf)) };
    const factor = first.slot.over;
    if (factor === undefined || factors.has(factor)) continue;
    factors.add(factor);
    yield factorMove(factor, first, move, source);
  }
}

function located(role: Role, source: RoleSource, make: () => Move): Move {
  try {
    return make();
  } catch (error) {
    const slot = source.roles.get(role);
    throw error instanceof CheckpointError && isStored(slot) ? error.at({ tensor: slot.key }) : error;
  }
}

/** A bias or scale that neither side's file mentions, of a layer that the source does have. */
function neutralFill(role: Role, slot: StoredSlot, source: RoleSource, target: ConversionTarget): Fill | undefined {
  const value = neutral(role);
  const owner = isNorm(role) ? "bn.var" : "weight";
  if (source.lost.has(role)) return undefined;
  if (value === undefined || !target.fillsNeutral || !isStored(source.roles.get(`${layerOf(role)}.${owner}`))) return undefined;
  return { role, ...(slot.take === undefined ? {} : { put: { take: slot.take } }), formula: value === 0 ? "zeros" : "ones", from: [] };
}

/** Whether a role that nothing fills is a gap: not where the network has no such thing. */
function wanted(role: Role, source: RoleSource, network: Network): boolean {
  if (source.lost.has(role)) return true;
  const layer = network.layers.find(({ name }) => name === layerOf(role));
  if (layer === undefined || (layer.kind !== "conv" && layer.kind !== "fc")) return false;
  const leaf = partOf(role);
  if (leaf === "weight") return true;
  if (leaf === "bias") return layer.bias && (isConv(role) || isFc(role)) && !isStored(source.roles.get(role));
  return layer.batchNorm !== undefined;
}

/** A convention that cannot store what the source stores. */
function checkConstant(role: Role, constant: 0 | 1, source: RoleSource, target: ConversionTarget): void {
  const held = source.roles.get(role);
  if (!isStored(held) || source.fold) return;
  const intoMean = partOf(role) === "bias" && isStored(source.roles.get(`${layerOf(role)}.bn.mean`));
  if (intoMean) return;
  throw new Refusal(
    "unsupported",
    `the names of ${target.scheme} cannot store ${role} (always ${constant} there)`,
    isNorm(role) ? [adding({ foldBn: true })] : [],
    { tensor: held.key, ...(isNorm(role) ? {} : { hint: "choose another --naming: 'vggtool formats' lists them" }) },
  );
}

/** Caffe's factor blob: the source's own where the statistics are copied as stored, else 1. */
function factorMove(key: string, { role: normed, fill }: Filled, copied: Move, source: RoleSource): RoleMove {
  const stored = fill.from[0]?.over;
  const role = roleOf(layerOf(normed), "bn.factor");
  const whole = copied.fills[0]?.from[0]?.over === undefined && stored !== undefined && copied.move !== "compute";
  const tensor = stored === undefined ? undefined : source.tensors.get(stored);
  if (whole && tensor !== undefined) {
    const axes = plainAxes(tensor.shape.length);
    const from = [{ key: tensor.name, axes, shape: tensor.shape }];
    const move: Move = {
      to: key,
      toShape: tensor.shape,
      toAxes: axes,
      toDtype: copied.toDtype,
      move: "copy",
      fills: [{ role, formula: "value", from }],
    };
    return { move, keys: [tensor.name] };
  }
  const move: Move = {
    to: key,
    toShape: [1],
    toAxes: parseAxes("s"),
    toDtype: copied.toDtype,
    move: "init",
    fills: [{ role, formula: "ones", from: [] }],
  };
  return { move, keys: stored === undefined ? [] : [stored] };
}
