import { CheckpointError } from "../../errors.ts";
import type { Described } from "../../model/described.ts";
import { windowsText } from "../../model/geometry/window.ts";
import type { Identity } from "../../model/identity.ts";
import type { Network } from "../../model/network.ts";
import { isFc, layerOf, partOf, type Role, roleOf } from "../../model/role.ts";
import { isStored, keysOf, type Slot } from "../../model/scheme.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import type { ConvertOptions } from "../options.ts";
import { targetDtype } from "../target/dtype-rule.ts";
import type { FeatureArea } from "../target/fc-form.ts";
import { fcLayers } from "../target/head.ts";
import { isImageConstant, isPreparation } from "../target/image-mean.ts";
import { noPlace, type Planned, type PlanTarget } from "../target/plan-target.ts";
import { targetSlots } from "../target/target-axes.ts";
import { CarriedMove } from "./carried-move.ts";
import { list } from "./judge.ts";
import { roleMoves } from "./plan-roles.ts";
import { areaOf, roleSource, sourceRoles } from "./plan-source.ts";
import type { Left, Move, Plan } from "./plan-types.ts";
import { select } from "./select.ts";

/**
 * Decides, tensor by tensor, what a conversion does; reads no values. `network` is the identity's after the edits of `editNetwork`.
 * Throws `usage`, `unsupported` and `mismatch` for what cannot be done.
 */
export function makePlan(
  tensors: ReadonlyMap<string, Described>,
  identity: Identity | undefined,
  network: Network | undefined,
  target: PlanTarget,
  options: ConvertOptions,
): Planned {
  const roleOfKey = new Map<string, Role>();
  for (const [role, slot] of identity?.roles ?? []) if (isStored(slot)) for (const key of keysOf(slot)) roleOfKey.set(key, role);
  const selection = select(tensors, (key) => roleOfKey.get(key), options, target.unreadable);
  const unused: Left[] = [...selection.left];
  const warnings: string[] = [];
  const used = new Set<string>();
  const moves: Move[] = [];
  const missing: Left[] = [];
  let area: FeatureArea = {};
  if (identity !== undefined && network !== undefined) {
    const roles = sourceRoles(identity, selection.kept, selection.averages, options, network);
    area = areaOf(identity, tensors, options, network, target.area);
    const slots = targetSlots(identity, roles, network, target.naming, target.layout, target.fc, target.like === undefined);
    if (target.naming !== "keep" && target.like === undefined && options.foldBn !== true) refuseNorms(roles, slots, target);
    if (target.naming !== "keep" || target.layout !== "keep") refuseFlattening(slots, network, target);
    const source = roleSource(tensors, roles, identity, network, target, options, area, slots);
    for (const { move, keys } of roleMoves(slots, source, target, network, missing)) {
      moves.push(move);
      for (const key of keys) used.add(key);
    }
    if (area.assumed !== undefined && moves.some(needsArea)) warnings.push(area.assumed);
    for (const layer of network.missing) {
      if (!missing.some(({ role }) => role !== undefined && layerOf(role) === layer))
        missing.push({ key: layer, reason: "the source lacks this layer" });
    }
  }
  warnings.push(...standIns(moves, network, options));
  const taken = new Set(moves.map(({ to }) => to));
  for (const tensor of tensors.values()) {
    const key = tensor.name;
    if (used.has(key) || !selection.kept.has(key)) continue;
    const role = roleOfKey.get(key);
    const leave = (reason: string): void => {
      unused.push({ key, ...(role === undefined ? {} : { role }), reason });
    };
    if (role !== undefined || selection.averages.has(key)) leave(whyUnused(role, options, network));
    else if (tensor.dtype === "string") leave("text");
    else if (tensor.shape.includes(0) && target.scheme !== "keep") leave("it is empty");
    else if (isImageConstant(key) && !keepsConstant(key, target)) leave(isPreparation);
    else if (target.carries === "network" || (target.like !== undefined && !sameTensor(tensor, target.like))) leave(noPlace);
    else if (taken.has(key)) {
      throw new CheckpointError("mismatch", "a tensor of no layer has the name that a layer gets", {
        tensor: key,
        hint: `add --exclude '${key}'`,
      });
    } else {
      moves.push(carried(tensor, tensor.dtype, target, options));
    }
  }
  const plan: Plan = { schema: "vggtool/plan/1", format: target.format, scheme: target.scheme, moves, unused, missing };
  return { plan, area, warnings };
}

/** Without its batch norm a network computes something else: names that have no place for one cannot hold it. */
function refuseNorms(roles: ReadonlyMap<Role, Slot>, slots: ReadonlyMap<Role, Slot>, target: PlanTarget): void {
  for (const [role, slot] of roles) {
    if (!isStored(slot) || !partOf(role).startsWith("bn.") || slots.has(role)) continue;
    throw new CheckpointError("unsupported", `the names of ${target.scheme} have no place for the batch norm of ${layerOf(role)}`, {
      tensor: slot.key,
      hint: "add --fold-bn, or choose another --naming",
    });
  }
}

/** A fully connected layer that slides over its features (padded, dilated) is no matrix: flattened it would compute something else. */
function refuseFlattening(slots: ReadonlyMap<Role, Slot>, network: Network, target: PlanTarget): void {
  for (const layer of fcLayers(network)) {
    const slot = slots.get(roleOf(layer.name, "weight"));
    if (layer.windows === undefined || !isStored(slot) || slot.axes.groups.length > 2) continue;
    throw new CheckpointError(
      "unsupported",
      `${layer.name} is a convolution of ${windowsText(layer.windows)}, and ${target.scheme} keeps it as a matrix, which computes something else`,
      { hint: "add --fc conv to keep it as a convolution, or --no-top to leave the head out" },
    );
  }
}

/** A tensor of no role, under its own name and with its own axes. */
function carried(tensor: Described, own: NumericDType, target: PlanTarget, options: ConvertOptions): Move {
  return new CarriedMove(tensor, targetDtype({ name: tensor.name, dtype: own }, target.holds, options.dtype, target.format));
}

function keepsConstant(key: string, target: PlanTarget): boolean {
  return target.carries === "tensors" && target.keepsImageConstant?.(key) !== false;
}

function sameTensor(tensor: Described, like: ReadonlyMap<string, Described>): boolean {
  return like.get(tensor.name)?.shape.join() === tensor.shape.join();
}

/** Sentences on zeros and ones that the source does not have: the target's network has a place for them. */
function standIns(moves: readonly Move[], network: Network | undefined, options: ConvertOptions): readonly string[] {
  const last = network === undefined || options.numClasses === undefined ? undefined : fcLayers(network).at(-1)?.name;
  const made = moves
    .flatMap((move) => (move instanceof CarriedMove ? [] : move.fills))
    .flatMap(({ from, formula, role }) =>
      from.length > 0 || role === undefined || partOf(role) === "bn.factor" ? [] : [{ formula, role }],
    );
  return (["zeros", "ones"] as const).flatMap((formula) => {
    const roles = made.filter((fill) => fill.formula === formula && layerOf(fill.role) !== last).map(({ role }) => role);
    return roles.length === 0 ? [] : [`${formula} stand for what the source does not store: ${list(roles)}`];
  });
}

function whyUnused(role: Role | undefined, options: ConvertOptions, network: Network | undefined): string {
  if (role === undefined) return "its moving average stands in for it";
  if (options.noTop === true && isFc(role)) return "--no-top";
  if (options.numClasses !== undefined && network !== undefined && layerOf(role) === fcLayers(network).at(-1)?.name) return "--num-classes";
  return noPlace;
}

function needsArea(move: Move): boolean {
  const role = move.fills[0]?.role;
  return role !== undefined && isFc(role) && move.toShape.length === 4 && move.toAxes?.alone("h") === true;
}
