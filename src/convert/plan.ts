import { CheckpointError } from "../errors.ts";
import type { Described } from "../model/described.ts";
import type { Identity } from "../model/identity.ts";
import type { Network } from "../model/network.ts";
import type { Role, Slot, StoredSlot } from "../model/scheme.ts";
import type { AxisSizes } from "../tensor/axes.ts";
import type { NumericDType } from "../tensor/dtype.ts";
import { targetDtype } from "./dtype-rule.ts";
import { type FeatureArea, featureArea, unknownArea } from "./fc-form.ts";
import { fcLayers } from "./head.ts";
import { checkLike } from "./like-check.ts";
import { type ConvertOptions, defaultSeed } from "./options.ts";
import type { Fill, Left, Move, Plan } from "./plan-types.ts";
import { fillFor, moveFor, type RoleSource } from "./role-moves.ts";
import { isConv, isFc, isStored, keysOf, layerOf, leafOf, neutral } from "./roles.ts";
import { select } from "./select.ts";
import { type Convention, targetSlots } from "./target-axes.ts";

/** Where a conversion leads, as far as a plan needs to know. */
export interface PlanTarget {
  readonly format: string;
  /** Id of the scheme, or "keep". */
  readonly scheme: string;
  /** network: only what belongs to a layer has a place. */
  readonly carries: "tensors" | "network";
  readonly holds: (dtype: NumericDType) => boolean;
  readonly naming: Convention;
  readonly layout: Convention;
  readonly fc?: "dense" | "conv";
  /** Of batch norm, where the convention fixes it; else the source's is kept and recorded. */
  readonly epsilon?: number;
  /** Tensors of the checkpoint that the output has to be like: their types and shapes. */
  readonly like?: ReadonlyMap<string, Described>;
  /** Keys of the source that cannot be read; a pattern may name them. */
  readonly unreadable?: readonly string[];
  /** Height and width of what enters fc6, where the target says them. */
  readonly area?: readonly [height: number, width: number];
  /** Biases and scales that the source leaves out are written as zeros and ones: the networks that load this have them. */
  readonly fillsNeutral: boolean;
}

export interface Planned {
  readonly plan: Plan;
  /** Height and width of what enters fc6, where known or assumed. */
  readonly area: FeatureArea;
  /** Sentences for people. */
  readonly warnings: readonly string[];
}

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
    else if (target.carries === "network" || (target.like !== undefined && !sameTensor(tensor, target.like))) leave(noPlace);
    else if (taken.has(key)) {
      throw new CheckpointError("mismatch", "a tensor of no layer has the name that a layer gets", {
        tensor: key,
        hint: `add --exclude '${key}'`,
      });
    } else {
      taken.add(key);
      moves.push(carried({ ...tensor, dtype: tensor.dtype }, target, options));
    }
  }
  const plan: Plan = { schema: "vggtool/plan/1", format: target.format, scheme: target.scheme, moves, unused, missing };
  return { plan, area, warnings };
}

/** The source's slots without what was left out, averages in the place of what they average. */
function sourceRoles(
  identity: Identity,
  kept: ReadonlySet<string>,
  averages: ReadonlyMap<string, string>,
  options: ConvertOptions,
  network: Network,
): ReadonlyMap<Role, Slot> {
  const last = fcLayers(network).at(-1)?.name;
  const roles = new Map<Role, Slot>();
  for (const [role, slot] of identity.roles) {
    if (options.noTop === true && isFc(role)) continue;
    if (options.numClasses !== undefined && layerOf(role) === last) continue;
    if (isStored(slot)) {
      if (!kept.has(slot.key)) continue;
      roles.set(role, { ...slot, key: averages.get(slot.key) ?? slot.key });
    } else roles.set(role, slot);
  }
  return roles;
}

function areaOf(
  identity: Identity,
  tensors: ReadonlyMap<string, Described>,
  options: ConvertOptions,
  network: Network,
  wanted: PlanTarget["area"],
): FeatureArea {
  const first = fcLayers(identity.network)[0];
  const feature = identity.network.featureShape;
  if (first === undefined) return {};
  const slot = identity.roles.get(`${first.name}.weight`);
  const shape = isStored(slot) ? tensors.get(slot.key)?.shape : undefined;
  const elements = shape?.reduce((product, n) => product * n, 1);
  const channels = feature?.[0];
  const positions = elements === undefined || channels === undefined ? undefined : elements / (first.outputs * channels);
  const { inputSize } = options;
  if (inputSize?.[2] !== undefined && inputSize[2] !== network.inputChannels) {
    throw new CheckpointError("mismatch", `--input-size has ${inputSize[2]} channels, conv1_1 takes ${network.inputChannels}`);
  }
  const known = feature?.[1] === undefined || feature[2] === undefined ? undefined : ([feature[1], feature[2]] as const);
  const fits = wanted !== undefined && wanted[0] * wanted[1] === positions;
  return featureArea(known ?? (fits ? wanted : undefined), positions, inputSize);
}

function roleSource(
  tensors: ReadonlyMap<string, Described>,
  roles: ReadonlyMap<Role, Slot>,
  identity: Identity,
  network: Network,
  target: PlanTarget,
  options: ConvertOptions,
  area: FeatureArea,
  slots: ReadonlyMap<Role, Slot>,
): RoleSource {
  const epsilon = options.bnEpsilon ?? identity.epsilon?.value ?? identity.network.epsilon;
  const last = fcLayers(network).at(-1)?.name;
  const fresh = new Map<Role, { readonly formula: "zeros" | "normal"; readonly seed: number }>();
  if (options.numClasses !== undefined && last !== undefined) {
    const seed = options.seed ?? defaultSeed;
    fresh.set(`${last}.weight`, { formula: options.init === "zeros" ? "zeros" : "normal", seed });
    fresh.set(`${last}.bias`, { formula: "zeros", seed });
  }
  return {
    tensors,
    roles,
    sizes: (role, all) => roleSizes(role, network, area, all),
    dtype: (tensor, key) => targetDtype(tensor, target.holds, options.dtype ?? likeDtype(target, key), target.format),
    epsilon: [epsilon, target.epsilon ?? epsilon],
    fold: options.foldBn === true,
    swapped: (role) => options.swapRgb === true && role === "conv1_1.weight",
    fresh,
    keepsBias: (layer) => isStored(slots.get(`${layer}.bias`)),
  };
}

function likeDtype(target: PlanTarget, key: string): NumericDType | undefined {
  const dtype = target.like?.get(key)?.dtype;
  return dtype === "string" ? undefined : dtype;
}

/** Sizes of a role's axes that its stored shape may not tell; all of them where `all`. */
function roleSizes(role: Role, network: Network, area: FeatureArea, all: boolean): AxisSizes {
  const sizes = new Map<string, number>();
  const set = (name: string, size: number | undefined): void => {
    if (size !== undefined) sizes.set(name, size);
  };
  const layer = network.layers.find(({ name }) => name === layerOf(role));
  if (layer === undefined || (layer.kind !== "conv" && layer.kind !== "fc")) return sizes;
  if (all) set("o", layer.outputs);
  if (leafOf(role) !== "weight") return sizes;
  if (layer.kind === "conv") {
    // A kernel kept as a matrix (Torch7's SpatialConvolutionMM) tells its product alone.
    set("i", layer.inputs);
    set("h", layer.kernel[0]);
    set("w", layer.kernel[1]);
  } else if (fcLayers(network)[0] === layer) {
    set("i", network.featureShape?.[0]);
    set("h", area.height);
    set("w", area.width);
  } else {
    if (all) set("i", layer.inputs);
    set("h", 1);
    set("w", 1);
  }
  return sizes;
}

interface RoleMove {
  readonly move: Move;
  /** Source keys that it uses. */
  readonly keys: readonly string[];
}

function* roleMoves(
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
    const move = located(group[0]?.fill.role ?? "", source, () => moveFor(group, source));
    if (target.like !== undefined) checkLike(move, target.like, source);
    yield { move, keys: move.fills.flatMap(({ from }) => from.flatMap(keysOf)) };
    const factor = group[0]?.slot.over;
    if (factor === undefined || factors.has(factor)) continue;
    factors.add(factor);
    yield factorMove(factor, group[0]?.fill, move, source);
  }
}

function located(role: Role, source: RoleSource, make: () => Move): Move {
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
      throw unknownArea(positions, source.sizes("conv1_1.weight", true).get("i") ?? 3).at({ tensor: slot.key });
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

/** A tensor of no role, under its own name and with its own axes. */
function carried(tensor: Described & { readonly dtype: NumericDType }, target: PlanTarget, options: ConvertOptions): Move {
  const dtype = targetDtype(tensor, target.holds, options.dtype, target.format);
  const axes = tensor.shape.map((_, axis) => `d${axis}`).join(" ");
  const quantised = tensor.stored !== undefined && /^u?int\d/.test(tensor.stored);
  return {
    to: tensor.name,
    toShape: tensor.shape,
    toDtype: dtype,
    move: quantised ? "dequantise" : dtype === tensor.dtype ? "copy" : "cast",
    fills: [{ formula: "value", from: [{ key: tensor.name, axes, shape: tensor.shape }] }],
  };
}

/** The reason that a person has to agree to where the target is a network. */
export const noPlace = "the target has no place for it";

function sameTensor(tensor: Described, like: ReadonlyMap<string, Described>): boolean {
  return like.get(tensor.name)?.shape.join() === tensor.shape.join();
}

function whyUnused(role: Role | undefined, options: ConvertOptions, network: Network | undefined): string {
  if (role === undefined) return "its moving average stands in for it";
  if (options.noTop === true && isFc(role)) return "--no-top";
  if (options.numClasses !== undefined && network !== undefined && layerOf(role) === fcLayers(network).at(-1)?.name) return "--num-classes";
  return noPlace;
}

function needsArea(move: Move): boolean {
  return move.fills[0]?.role?.startsWith("fc") === true && move.toShape.length === 4 && /(^| )h( |$)/.test(move.toAxes ?? "");
}
