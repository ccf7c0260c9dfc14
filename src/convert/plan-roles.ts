import { CheckpointError } from "../errors.ts";
import type { Network } from "../model/network.ts";
import type { Role, Slot, StoredSlot } from "../model/scheme.ts";
import { poolCount } from "../model/sizes.ts";
import { unknownArea } from "./fc-form.ts";
import { checkLike } from "./like-check.ts";
import type { PlanTarget } from "./plan-target.ts";
import type { Fill, Left, Move } from "./plan-types.ts";
import { fillFor, moveFor, type RoleSource } from "./role-moves.ts";
import { isConv, isFc, isStored, keysOf, layerOf, leafOf, neutral } from "./roles.ts";

export interface RoleMove {
  readonly move: Move;
  /** Source keys that it uses. */
  readonly keys: readonly string[];
}

/** What fills the slots of the target; empty ones go into `missing`. */
export function* roleMoves(
  slots: ReadonlyMap<Role, Slot>,
  source: RoleSource,
  target: PlanTarget,
  network: Network,
  missing: Left[],
): Generator<RoleMove> {
  const groups = new Map<string, { slot: StoredSlot; fill: Fill }[]>();
  for (const [role, slot] of slots) {
    if (!isStored(slot)) {
      checkConstant(role, slot.constant, source, target);
      continue;
    }
    if (source.fold && leafOf(role).startsWith("bn.")) continue;
    const fill = fillFor(role, slot, source) ?? neutralFill(role, slot, source, target);
    if (fill === undefined) {
      if (wanted(role, source, network)) missing.push({ key: slot.key, role, reason: "the source has nothing for it" });
    } else if (fill.from.length > 0 || source.fresh.has(role) || target.fillsNeutral || leafOf(role).startsWith("bn.")) {
      const group = groups.get(slot.key);
      if (group === undefined) groups.set(slot.key, [{ slot, fill }]);
      else group.push({ slot, fill });
    }
  }
  const factors = new Set<string>();
  for (const group of groups.values()) {
    const move = located(group[0]?.fill.role ?? "", source, network, () => moveFor(group, source));
    if (target.like !== undefined) checkLike(move, target.like, source);
    yield { move, keys: move.fills.flatMap(({ from }) => from.flatMap(keysOf)) };
    const factor = group[0]?.slot.over;
    if (factor === undefined || factors.has(factor)) continue;
    factors.add(factor);
    yield factorMove(factor, group[0]?.fill, move, source);
  }
}

function located(role: Role, source: RoleSource, network: Network, make: () => Move): Move {
  try {
    return make();
  } catch (error) {
    const slot = source.roles.get(role);
    if (!(error instanceof CheckpointError) || !isStored(slot)) throw error;
    // The only sizes that a shape can leave open are fc6's height and width.
    if (error.message.includes("is not known")) {
      const channels = source.sizes(role, true).get("i");
      const { shape } = source.tensors.get(slot.key) ?? { shape: [] };
      const [outputs] = [source.sizes(role, true).get("o")];
      const positions =
        channels === undefined || outputs === undefined ? undefined : shape.reduce((a, b) => a * b, 1) / (channels * outputs);
      throw unknownArea(positions, network.inputChannels, poolCount(network)).at({ tensor: slot.key });
    }
    throw error.at({ tensor: slot.key });
  }
}

/** A bias or scale that neither side's file mentions, of a layer that the source does have. */
function neutralFill(role: Role, slot: StoredSlot, source: RoleSource, target: PlanTarget): Fill | undefined {
  const value = neutral(role);
  const owner = leafOf(role).startsWith("bn.") ? "bn.var" : "weight";
  if (value === undefined || !target.fillsNeutral || !isStored(source.roles.get(`${layerOf(role)}.${owner}`))) return undefined;
  return { role, ...(slot.take === undefined ? {} : { put: { take: slot.take } }), formula: value === 0 ? "zeros" : "ones", from: [] };
}

/** Whether a role that nothing fills is a gap: not where the network has no such thing. */
function wanted(role: Role, source: RoleSource, network: Network): boolean {
  const layer = network.layers.find(({ name }) => name === layerOf(role));
  if (layer === undefined || (layer.kind !== "conv" && layer.kind !== "fc")) return false;
  const leaf = leafOf(role);
  if (leaf === "weight") return true;
  if (leaf === "bias") return layer.bias && (isConv(role) || isFc(role)) && !isStored(source.roles.get(role));
  return layer.batchNorm !== undefined;
}

/** A convention that has no place for what the source stores. */
function checkConstant(role: Role, constant: 0 | 1, source: RoleSource, target: PlanTarget): void {
  const held = source.roles.get(role);
  if (!isStored(held) || source.fold) return;
  const intoMean = leafOf(role) === "bias" && isStored(source.roles.get(`${layerOf(role)}.bn.mean`));
  if (intoMean) return;
  throw new CheckpointError("unsupported", `the names of ${target.scheme} have no place for ${role} (always ${constant} there)`, {
    tensor: held.key,
    hint: leafOf(role).startsWith("bn.") ? "add --fold-bn, or choose another --naming" : "choose another --naming",
  });
}

/** Caffe's factor blob: the source's own where the statistics are copied as stored, else 1. */
function factorMove(key: string, fill: Fill | undefined, copied: Move, source: RoleSource): RoleMove {
  const stored = fill?.from[0]?.over;
  const role = `${layerOf(copied.fills[0]?.role ?? "")}.bn.factor`;
  const whole = copied.fills[0]?.from[0]?.over === undefined && stored !== undefined && copied.move !== "compute";
  const tensor = stored === undefined ? undefined : source.tensors.get(stored);
  if (whole && tensor !== undefined) {
    const axes = tensor.shape.map((_, axis) => `d${axis}`).join(" ");
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
    toAxes: "s",
    toDtype: copied.toDtype,
    move: "init",
    fills: [{ role, formula: "ones", from: [] }],
  };
  return { move, keys: stored === undefined ? [] : [stored] };
}
