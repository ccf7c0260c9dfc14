import { CheckpointError } from "../../errors.ts";
import type { Described } from "../../model/described.ts";
import type { Network } from "../../model/network/network.ts";
import { poolCount } from "../../model/network/sizes.ts";
import { layerOf, normParts, partOf, type Role, type RolePart } from "../../model/role.ts";
import { isStored, isWhole, keptAlike, type Slot, type StoredSlot } from "../../model/scheme.ts";
import { type Axes, type AxisSizes, allKnown, axisSizes, shapeFor, withOnes } from "../../tensor/axes.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import { unknownArea } from "../target/fc-form.ts";
import type { Fill, Move, Operand } from "./plan-types.ts";
import { sameEpsilon, summarise } from "./summary.ts";

/** What the moves of one plan share. */
export interface RoleSource {
  readonly network: Network;
  readonly tensors: ReadonlyMap<string, Described>;
  /** Where the source keeps each role; already without what was left out. */
  readonly roles: ReadonlyMap<Role, Slot>;
  /** Sizes that shapes may not tell: fc6's i, h, w; the h, w of fc7. All of them for a role that is made anew. */
  readonly sizes: (role: Role, all: boolean) => AxisSizes;
  readonly dtype: (tensor: Described & { readonly dtype: NumericDType }, key: string) => NumericDType;
  /** Of batch norm: the source's and the target's. */
  readonly epsilon: readonly [number, number];
  readonly fold: boolean;
  /** Roles that the source's network has and its file lacks: nothing replaces them unasked. */
  readonly lost: ReadonlySet<string>;
  /** conv1_1.weight with its input channels reversed. */
  readonly swapped: (role: Role) => boolean;
  /** Roles that get new values. */
  readonly fresh: ReadonlyMap<Role, { readonly formula: "zeros" | "normal"; readonly seed: number }>;
  /** Whether the target's convolutions keep a bias: else it goes into the batch norm's mean. */
  readonly keepsBias: (layer: string) => boolean;
}

/** What fills a role of the target, undefined where the source has nothing for it. */
export function fillFor(role: Role, slot: StoredSlot, source: RoleSource): Fill | undefined {
  const put = putOf(slot);
  const own = { role, ...(put === undefined ? {} : { put }) };
  const fresh = source.fresh.get(role);
  if (fresh !== undefined) return { ...own, formula: fresh.formula, from: [], ...(fresh.formula === "normal" ? { seed: fresh.seed } : {}) };
  const layer = layerOf(role);
  const operands = (...leaves: readonly RolePart[]): readonly Operand[] =>
    leaves.flatMap((leaf) => {
      const operand = operandFor(`${layer}.${leaf}`, source);
      return operand === undefined ? [] : [operand];
    });
  const leaf = partOf(role);
  const normed = isStored(source.roles.get(`${layer}.bn.var`));
  if (source.lost.has(role) || (source.fold && ["bias", ...normParts].some((each) => source.lost.has(`${layer}.${each}`))))
    return undefined;
  if (source.fold && normed && (leaf === "weight" || leaf === "bias")) {
    const epsilon = [source.epsilon[0], source.epsilon[0]] as const;
    if (leaf === "weight") return { ...own, formula: "fold-weight", from: operands("weight", "bn.weight", "bn.var"), epsilon };
    return { ...own, formula: "fold-bias", from: operands("bias", "bn.weight", "bn.bias", "bn.mean", "bn.var"), epsilon };
  }
  const held = source.roles.get(role);
  if (!isStored(held)) {
    if (held === undefined) return undefined;
    return { ...own, formula: held.constant === 0 ? "zeros" : "ones", from: [] };
  }
  if (leaf === "bn.mean" && !source.keepsBias(layer) && isStored(source.roles.get(`${layer}.bias`))) {
    return { ...own, formula: "shift-mean", from: operands("bn.mean", "bias") };
  }
  const epsilon = leaf === "bn.var" ? { epsilon: source.epsilon } : {};
  return { ...own, formula: "value", from: operands(leaf), ...epsilon };
}

function operandFor(role: Role, source: RoleSource): Operand | undefined {
  const slot = source.roles.get(role);
  if (!isStored(slot)) return undefined;
  const tensor = source.tensors.get(slot.key);
  if (tensor === undefined) throw new CheckpointError("not-found", `${role} should be there, and is not`, { tensor: slot.key });
  const flips = source.swapped(role) ? toggle(slot.flip ?? [], "i") : slot.flip;
  const { flip: _flip, ...rest } = slot;
  return { ...rest, ...(flips === undefined || flips.length === 0 ? {} : { flip: flips }), shape: tensor.shape, role };
}

function toggle(names: readonly string[], name: string): readonly string[] {
  return names.includes(name) ? names.filter((other) => other !== name) : [...names, name];
}

function putOf(slot: StoredSlot): Fill["put"] {
  const { key: _key, axes: _axes, over: _over, every: _every, ...put } = slot;
  return Object.keys(put).length === 0 ? undefined : put;
}

/** A slot of the target, and what fills it. */
export interface Filled {
  readonly role: Role;
  readonly slot: StoredSlot;
  readonly fill: Fill;
}

/** One target tensor from all the roles that it holds. Throws `usage` where it needs the height and width of fc6's input, and nothing says them. */
export function moveFor(slots: readonly [Filled, ...Filled[]], source: RoleSource): Move {
  const [{ role, slot }] = slots;
  const whole = sameAsStored(slots, source);
  const fills = whole === undefined ? slots.map(({ fill }) => fill) : [whole];
  const operand = fills[0]?.from[0];
  const tensor = operand === undefined ? undefined : source.tensors.get(operand.key);
  const sizes = sizesOf(slot, operand, source.sizes(role, operand === undefined), whole === undefined ? slots : []);
  const example = tensor === undefined || tensor.dtype === "string" ? initLike(role, source) : { ...tensor, dtype: tensor.dtype };
  const dtype = source.dtype(example, slot.key);
  // The only sizes that a shape can leave open are fc6's height and width.
  if (!allKnown(slot.axes, sizes)) throw areaUnknown(role, source);
  const kept = sampledSizes(sizes, operand);
  const move: Omit<Move, "move"> = {
    to: slot.key,
    toShape: shapeFor(slot.axes, kept),
    toAxes: slot.axes,
    toDtype: dtype,
    ...openSizes(operand, slot.axes, sizes),
    fills,
  };
  const seen = tensor === undefined || tensor.dtype === "string" ? undefined : { ...tensor, dtype: tensor.dtype };
  return { ...move, move: summarise(move, seen, sizes) };
}

/** Sizes behind the samples that an operand keeps. */
function sampledSizes(sizes: AxisSizes, operand: Operand | undefined): AxisSizes {
  const steps = new Map(operand?.every ?? []);
  return steps.size === 0 ? sizes : new Map([...sizes].map(([axis, size]) => [axis, Math.ceil(size / (steps.get(axis) ?? 1))]));
}

/** A new tensor has the type of its neighbours: that of any weight that the source keeps. */
function initLike(role: Role, source: RoleSource): Described & { readonly dtype: NumericDType } {
  const candidates = [role, ...source.roles.keys()].map((other) => source.roles.get(other));
  for (const slot of candidates) {
    const tensor = isStored(slot) ? source.tensors.get(slot.key) : undefined;
    if (tensor !== undefined && tensor.dtype !== "string") return { ...tensor, dtype: tensor.dtype };
  }
  return { name: role, shape: [], dtype: "float32" };
}

function sizesOf(
  slot: StoredSlot,
  operand: Operand | undefined,
  known: AxisSizes,
  packed: readonly { readonly slot: StoredSlot }[],
): AxisSizes {
  const sizes = new Map(operand === undefined ? known : axisSizes(operand.axes, operand.shape, known));
  for (const { slot: one } of packed) {
    if (one.take === undefined) continue;
    const [axis, index] = one.take;
    sizes.set(axis, Math.max(sizes.get(axis) ?? 0, index + 1));
  }
  // An axis that the source lacks has size 1: the h and w of a dense layer in conv form.
  return withOnes(slot.axes, sizes);
}

/** The sizes that whoever runs the move could not find in its shapes. */
function openSizes(operand: Operand | undefined, axes: Axes, sizes: AxisSizes): Pick<Move, "sizes"> {
  const composite = [...(operand === undefined ? [] : [operand.axes]), axes]
    .flatMap(({ groups }) => groups.filter((names) => names.length > 1))
    .flat();
  const open = [...new Set(composite)].flatMap((name): (readonly [string, number])[] => {
    const size = sizes.get(name);
    return size === undefined ? [] : [[name, size]];
  });
  return open.length === 0 ? {} : { sizes: open };
}

function areaUnknown(role: Role, source: RoleSource): CheckpointError {
  const slot = source.roles.get(role);
  const sizes = source.sizes(role, true);
  const [channels, outputs] = [sizes.get("i"), sizes.get("o")];
  const elements = isStored(slot) ? source.tensors.get(slot.key)?.shape.reduce((a, b) => a * b, 1) : undefined;
  const known = elements !== undefined && channels !== undefined && outputs !== undefined;
  return unknownArea(known ? elements / (channels * outputs) : undefined, source.network.inputChannels, poolCount(source.network));
}

/** All roles of a packed tensor come from the same packed tensor, kept alike: it is copied, bits and all. */
function sameAsStored(slots: readonly Filled[], source: RoleSource): Fill | undefined {
  const [first] = slots;
  const operand = first?.fill.from[0];
  if (first === undefined || operand === undefined || isWhole(operand)) return undefined;
  const alike = slots.every(({ slot, fill }) => {
    const [from] = fill.from;
    return fill.formula === "value" && from?.key === operand.key && keptAlike(from, slot) && sameEpsilon(fill);
  });
  const complete = operand.take === undefined || slots.length === takesOf(operand.key, source);
  if (!alike || !complete) return undefined;
  const { take: _take, over: _over, as: _as, ...rest } = operand;
  return { ...(first.fill.role === undefined ? {} : { role: first.fill.role }), formula: "value", from: [rest] };
}

function takesOf(key: string, source: RoleSource): number {
  return [...source.roles.values()].filter((slot) => isStored(slot) && slot.key === key).length;
}
