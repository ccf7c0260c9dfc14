import { isCheckpointError } from "../errors.ts";
import type { Context } from "../io/context.ts";
import { align } from "../model/align/align.ts";
import type { HandPair } from "../model/align/by-hand.ts";
import type { Alignment, AlignSide, RolePair, TensorPair } from "../model/align/pairs.ts";
import { layerOf as layerOfRole, partOf, type Role, type RolePart } from "../model/role.ts";
import { isComputed, numericTensor, type RoleValues, roleValues } from "../model/role-values.ts";
import { isStored, type Slot, type StoredSlot } from "../model/scheme.ts";
import { type Axes, type AxisSizes, jointSizes, type Laid } from "../tensor/axes.ts";
import { compare, type Difference } from "../tensor/compare.ts";
import { elementCount } from "../tensor/shape.ts";
import { type Statistics, StatisticsBuilder } from "../tensor/statistics/statistics.ts";
import { plainView, view } from "../tensor/view.ts";
import { type Compared, epsilonOf, type Side } from "./side.ts";

/** Two tensors, or slices of tensors, that mean the same. */
export interface Pair {
  /** Undefined where they only share a name, or a place. */
  readonly role?: Role;
  /** Keys; undefined where a convention implies a constant instead. */
  readonly a: string | undefined;
  readonly b: string | undefined;
  /** What says that they do. */
  readonly by: RolePair["by"] | TensorPair["by"];
  /** What brings A's form to B's. */
  readonly move: "copy" | "reshape" | "transpose" | "cast" | "flip" | "compute";
  /** Both sides along the same axes; undefined where their sizes differ. */
  readonly values?: { readonly a: RoleValues; readonly b: RoleValues };
  readonly shapeA: readonly number[];
  readonly shapeB: readonly number[];
}

/** A pair and what was measured; without a difference the sizes do not fit. */
export interface Measured {
  readonly pair: Pair;
  readonly difference?: Difference;
  /** a − b of every value, where that was asked for and the two differ. */
  readonly differences?: Statistics;
}

/** conv3_2, fc6; the key where no role is known. */
export function layerName({ role, a, b }: Pair): string {
  return role === undefined ? (a ?? b ?? "") : layerOfRole(role);
}

export function partName({ role }: Pair): RolePart | undefined {
  return role === undefined ? undefined : partOf(role);
}

/** conv3_2.bias, fc6.weight; the key where no role is known. */
export function tensorName({ role, a, b }: Pair): string {
  return role ?? a ?? b ?? "";
}

export function isWeight(pair: Pair): boolean {
  return partName(pair) === "weight";
}

/** A side as the alignment knows it. */
export function aligned(a: Side, b: Side, byHand: readonly HandPair[] = []): Alignment {
  const side = ({ checkpoint, identity }: Side): AlignSide => ({
    format: checkpoint.format,
    conventions: checkpoint.conventions,
    tensors: checkpoint.tensors,
    identity,
  });
  return align(side(a), side(b), byHand);
}

/** The values of aligned tensors. Stored ones are views, and nothing is read of them. */
export async function pairsOf(
  { roles, tensors }: Pick<Alignment, "roles" | "tensors">,
  { a, b }: Compared,
  ctx: Context,
): Promise<readonly Pair[]> {
  const pairs: Pair[] = [];
  for (const pair of roles) pairs.push(await pairByRole(pair, a, b, ctx));
  for (const pair of tensors) pairs.push(await pairByName(pair, a, b));
  return pairs;
}

async function pairByName({ by, a, b, move, sizes: said }: TensorPair, sideA: Side, sideB: Side): Promise<Pair> {
  const straight = a.shape.join() === b.shape.join();
  const stored = a.dtype === b.dtype ? "copy" : "cast";
  const kind = move === undefined || move.kind === "copy" ? stored : move.kind;
  const base = { by, a: a.name, b: b.name, shapeA: a.shape, shapeB: b.shape, move: kind } as const;
  if (move === undefined && !straight) return base;
  const sides =
    move === undefined
      ? []
      : [
          { axes: move.from, shape: a.shape },
          { axes: move.to, shape: b.shape },
        ];
  const sizes = sizesOf(sides, [said ?? new Map()]);
  if (sizes === undefined) return base;
  const values = async (side: Side, key: string, axes: Axes | undefined): Promise<RoleValues> => {
    const tensor = numericTensor(side.checkpoint.tensors, key);
    return { view: axes === undefined ? await plainView(tensor) : await view(tensor, axes, sizes), times: 1, computed: false };
  };
  return { ...base, values: { a: await values(sideA, a.name, move?.from), b: await values(sideB, b.name, move?.to) } };
}

async function pairByRole({ role, a: slotA, b: slotB }: RolePair, a: Side, b: Side, ctx: Context): Promise<Pair> {
  const [shapeA, shapeB] = [storedShape(a, slotA), storedShape(b, slotB)];
  const base = {
    role,
    by: "role" as const,
    a: isStored(slotA) ? slotA.key : undefined,
    b: isStored(slotB) ? slotB.key : undefined,
    shapeA: shapeA ?? shapeB ?? [],
    shapeB: shapeB ?? shapeA ?? [],
  };
  const move = moveBetween(a, slotA, b, slotB);
  const sizes = commonSizes(role, [a, slotA], [b, slotB]);
  if (sizes === undefined) return { ...base, move };
  const left = await roleValues(a.checkpoint.tensors, slotA, { sizes, epsilon: epsilonOf(a) }, ctx);
  const right = await roleValues(b.checkpoint.tensors, slotB, { sizes, epsilon: epsilonOf(b) }, ctx);
  return { ...base, move, values: { a: left, b: right } };
}

function storedShape(side: Side, slot: Slot): readonly number[] | undefined {
  return isStored(slot) ? numericTensor(side.checkpoint.tensors, slot.key).shape : undefined;
}

/** The sizes of all axes, from both shapes and what the networks say of fc6; undefined where the two contradict each other. */
function commonSizes(role: Role, ...places: readonly (readonly [Side, Slot])[]): AxisSizes | undefined {
  const laid = places.flatMap(([side, slot]) => {
    const shape = storedShape(side, slot);
    return isStored(slot) && shape !== undefined ? [{ axes: slot.axes, shape }] : [];
  });
  const [a, b] = places.map(([side]) => side);
  // A dense layer's h and w may be a guess of one side that the other's shape refutes: then less is taken as known.
  return sizesOf(laid, [featureSizes(a, role, 3), featureSizes(b, role, 3), featureSizes(a, role, 1), new Map()]);
}

/** Sizes that all shapes agree with, with the first of these taken as known that they agree with; undefined where there are none. */
function sizesOf(laid: readonly Laid[], known: readonly AxisSizes[]): AxisSizes | undefined {
  for (const sizes of known) {
    try {
      return jointSizes(laid, sizes);
    } catch (error) {
      if (!isCheckpointError(error, "mismatch")) throw error;
    }
  }
  return undefined;
}

/** What a network says of the inputs of its first dense layer: the sizes of the first `count` of i, h, w. */
function featureSizes(side: Side | undefined, role: Role, count: number): AxisSizes {
  const network = side?.identity?.network;
  const first = network?.layers.find((layer) => layer.kind === "fc");
  if (role !== `${first?.name}.weight`) return new Map();
  return new Map(
    ["i", "h", "w"].slice(0, count).flatMap((axis, k) => {
      const size = network?.featureShape?.[k];
      return size === undefined ? [] : [[axis, size] as const];
    }),
  );
}

function moveBetween(a: Side, slotA: Slot, b: Side, slotB: Slot): Pair["move"] {
  if (!isStored(slotA) || !isStored(slotB)) return "compute";
  if ([slotA, slotB].some((slot) => isComputed(slot) || slot.times !== undefined)) return "compute";
  if ((slotA.flip ?? []).join() !== (slotB.flip ?? []).join()) return "flip";
  const flat = (slot: StoredSlot): string => slot.axes.names.filter((name) => name !== slot.take?.[0]).join(" ");
  const [shapeA, shapeB] = [storedShape(a, slotA) ?? [], storedShape(b, slotB) ?? []];
  const ones = (shape: readonly number[]): string => shape.filter((size) => size !== 1).join();
  if (flat(slotA) !== flat(slotB) && ones(shapeA).includes(",")) return "transpose";
  if (numericTensor(a.checkpoint.tensors, slotA.key).dtype !== numericTensor(b.checkpoint.tensors, slotB.key).dtype) return "cast";
  return shapeA.join() === shapeB.join() ? "copy" : "reshape";
}

/** Variances computed from a stored deviation agree to 2e-7 (one rounding of each side). */
const COMPUTED_TOLERANCE = 1e-6;

/** How far a pair's values are apart: equal where they are the same, or no further apart than was asked for. */
export async function measure(pair: Pair, { rtol }: Compared, ctx: Context, collects = false): Promise<Measured> {
  if (pair.values === undefined) return { pair };
  const { a, b } = pair.values;
  const builder = collects ? new StatisticsBuilder("float64", elementCount(a.view.shape)) : undefined;
  const factor = a.times / b.times;
  const outputs = a.view.shape[a.view.axes.indexOf("o")] ?? 0;
  const scale = factor === 1 ? {} : { scale: { axis: "o", by: new Float64Array(outputs).fill(factor) } };
  const difference = await compare(a.view, b.view, ctx, { ...scale, ...(builder === undefined ? {} : { differences: builder }) });
  if (difference.equal) return { pair, difference };
  const seen = builder === undefined ? {} : { differences: builder.finish() };
  const within = Math.max(rtol, a.computed || b.computed ? COMPUTED_TOLERANCE : 0);
  if (within === 0 || difference.maxAbs === Number.POSITIVE_INFINITY) return { pair, difference, ...seen };
  if (difference.maxRel <= within) return { pair, difference: { ...difference, equal: true }, ...seen };
  const beyond = (within * difference.maxAbs) / difference.maxRel;
  return { pair, difference: await compare(a.view, b.view, ctx, { ...scale, beyond }), ...seen };
}
