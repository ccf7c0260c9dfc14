import { CheckpointError } from "../../errors.ts";
import type { Context } from "../../io/context.ts";
import type { OutputFile } from "../../io/source/source.ts";
import { numericTensor, storedView } from "../../model/role-values.ts";
import { type Axes, type AxisSizes, axesOf, axisSizes, jointSizes, plainAxes } from "../../tensor/axes.ts";
import { type DenseRun, denseRun } from "../../tensor/dense-run.ts";
import { itemsize } from "../../tensor/dtype.ts";
import { castValues, type Loss, noLoss } from "../../tensor/move/cast.ts";
import { type ElementMap, type MoveTarget, move as moveValues } from "../../tensor/move/move.ts";
import { byteLength } from "../../tensor/shape.ts";
import type { NumericTensor, TensorMap } from "../../tensor/tensor.ts";
import { flip, stridesFor, type View, view } from "../../tensor/view.ts";
import type { TensorSupply } from "../../writers/execute.ts";
import { CarriedMove } from "../plan/carried-move.ts";
import type { Fill, Move, Plan } from "../plan/plan-types.ts";
import { isInit, isPlain } from "../plan/summary.ts";
import { channelValues, foldScale } from "./channel-values.ts";
import { filledTensor, held, normal } from "./made.ts";

/** What rounding to another type cost, by target key. */
export type Losses = Map<string, Loss>;

export interface PlanRun extends TensorSupply {
  readonly losses: Losses;
  readonly warnings: readonly string[];
  /** Where each tensor of more than `placedFrom` bytes was written last, by target key. */
  readonly places: ReadonlyMap<string, WrittenPlace>;
  /** The source's values that a target tensor takes as they are, along elementary axes; undefined where they are computed or rounded. */
  exact(move: Move, ctx: Context): Promise<View | undefined>;
  /** The source's bytes of a small tensor that takes them in their order; undefined for all others. */
  bytesOf(move: Move, ctx: Context): Promise<Uint8Array | undefined>;
}

/** Bytes of a tensor up to which nobody needs to know where it was written: its values are compared in any case. */
export const placedFrom = 1 << 20;

/** Bytes of a tensor that is read, turned into its type and written in one step where its elements stay in their order. */
const oneStep = 1 << 16;

export interface WrittenPlace {
  readonly file: OutputFile;
  readonly at: number;
  readonly order: "row" | "column";
}

/** Values for an executor, made as the plan says: streamed wherever a tensor only changes order and type. */
export function runPlan(plan: Plan, tensors: TensorMap): PlanRun {
  const moveOf = finder(plan.moves);
  const losses: Losses = new Map();
  const warnings: string[] = [];
  const places = new Map<string, WrittenPlace>();
  const warn = (message: string): void => {
    if (!warnings.includes(message)) warnings.push(message);
  };
  return {
    losses,
    warnings,
    places,
    async exact(move, ctx) {
      const source = await sourceOf(move, tensors, ctx, warn);
      return source.exact && source.scale === undefined && source.view.dtype === move.toDtype ? source.view : undefined;
    },
    async bytesOf(move, ctx) {
      const found = await inOneRun(move, tensors);
      if (found === undefined || found.tensor.dtype !== move.toDtype) return undefined;
      return found.run.source.read(found.run.offset, found.size, ctx.scratch(0, found.size));
    },
    async fill(key, file, at, order, ctx) {
      const move = moveOf(key);
      if (move === undefined) throw new Error(`the writer asks for ${key}, which is not in the plan`);
      if (byteLength(move.toShape, move.toDtype) > placedFrom) places.set(key, { file, at, order });
      else if (order === "row" && (await fillAtOnce(move, tensors, { file, at, order, ctx }, losses))) return;
      await fillMove(move, tensors, { file, at, order, ctx }, losses, warn);
    },
  };
}

/** Finds moves by their target: mostly they are asked for in order, and a table of a hundred thousand is made only where they are not. */
function finder(moves: readonly Move[]): (key: string) => Move | undefined {
  let next = 0;
  let table: ReadonlyMap<string, Move> | undefined;
  return (key) => {
    const expected = moves[next % moves.length];
    next += 1;
    if (expected?.to === key) return expected;
    table ??= new Map(moves.map((move) => [move.to, move]));
    return table.get(key);
  };
}

interface OneRun {
  readonly tensor: NumericTensor;
  readonly run: DenseRun;
  /** Bytes of the stored elements. */
  readonly size: number;
}

/** The source of a small tensor whose elements are in one run, in the order that its target keeps. */
async function inOneRun(move: Move, tensors: TensorMap): Promise<OneRun | undefined> {
  if (!(move instanceof CarriedMove)) return undefined;
  const tensor = numericTensor(tensors, move.to);
  const size = byteLength(tensor.shape, tensor.dtype);
  const run = size > 0 && size <= oneStep ? await denseRun(tensor) : undefined;
  return run === undefined ? undefined : { tensor, run, size };
}

/** What `fillMove` does, without planning tiles: many tensors are smaller than the plan of a tile. */
async function fillAtOnce(move: Move, tensors: TensorMap, place: Place, losses: Losses): Promise<boolean> {
  const found = await inOneRun(move, tensors);
  if (found === undefined) return false;
  const { tensor, run, size } = found;
  const { file, at, ctx } = place;
  try {
    const raw = await run.source.read(run.offset, size, ctx.scratch(0, size));
    if (tensor.dtype === move.toDtype) await file.write(at, raw);
    else {
      const loss = noLoss();
      const out = ctx.scratch(1, byteLength(move.toShape, move.toDtype));
      castValues({ bytes: raw, dtype: tensor.dtype }, { bytes: out, dtype: move.toDtype }, size / itemsize(tensor.dtype), { loss });
      keepLoss(losses, move, loss);
      await file.write(at, out);
    }
    await ctx.tick(size);
  } catch (error) {
    throw error instanceof CheckpointError ? error.at({ tensor: move.to }) : error;
  }
  return true;
}

function keepLoss(losses: Losses, move: Move, loss: Loss): void {
  if (loss.maxAbs > 0 || loss.overflows > 0) losses.set(move.to, loss);
}

interface Place {
  readonly file: MoveTarget;
  readonly at: number;
  readonly order: "row" | "column";
  readonly ctx: Context;
}

async function fillMove(move: Move, tensors: TensorMap, place: Place, losses: Losses, warn: (message: string) => void): Promise<void> {
  const { view: source, scale, exact } = await sourceOf(move, tensors, place.ctx, warn);
  const changes = scale !== undefined || source.dtype !== move.toDtype;
  // Values that were computed are rounded in any case; only a change of type that was asked for is reported.
  const loss = changes && exact && scale === undefined ? noLoss() : undefined;
  const map: ElementMap | undefined = changes
    ? { to: move.toDtype, ...(scale === undefined ? {} : { scale }), ...(loss === undefined ? {} : { loss }) }
    : undefined;
  const strides = stridesFor(
    source,
    move.toAxes ?? axesOf(source.axes.map((axis) => axis.split(" "))),
    place.order,
    itemsize(move.toDtype),
  );
  try {
    await moveValues(source, strides, place, place.ctx, map);
  } catch (error) {
    throw error instanceof CheckpointError ? error.at({ tensor: move.fills[0]?.from[0]?.key ?? move.to }) : error;
  }
  if (loss !== undefined) keepLoss(losses, move, loss);
}

/** The values of a move along elementary axes, before they are laid out and rounded. */
export interface MoveSource {
  readonly view: View;
  readonly scale?: NonNullable<ElementMap["scale"]>;
  /** Stored values, not computed ones. */
  readonly exact: boolean;
}

async function sourceOf(move: Move, tensors: TensorMap, ctx: Context, warn: (message: string) => void): Promise<MoveSource> {
  const [fill] = move.fills;
  if (fill === undefined) throw new CheckpointError("usage", "the plan says nothing of what fills it", { tensor: move.to });
  if (move.fills.length === 1 && isInit(fill)) return { view: await made(move, fill), exact: false };
  if (move.fills.length === 1 && isPlain(fill)) return streamed(move, fill, tensors, ctx, warn);
  return { view: await packed(move, tensors, ctx, warn), exact: false };
}

async function streamed(move: Move, fill: Fill, tensors: TensorMap, ctx: Context, warn: (message: string) => void): Promise<MoveSource> {
  const [operand] = fill.from;
  if (operand === undefined) throw new Error("a value without a source");
  const { shape } = numericTensor(tensors, operand.key);
  // Of a sub-sampled operand the target's shape tells nothing of the source's axes; the plan does.
  const sizes =
    operand.every === undefined
      ? sizesOf(move, operand.axes, shape)
      : jointSizes([{ axes: operand.axes, shape }], new Map(move.sizes ?? []));
  const source = flip(await storedView(tensors, operand, sizes), fill.put?.flip ?? []);
  const times = (operand.times ?? 1) / (fill.put?.times ?? 1);
  if (fill.formula === "value" && times === 1) return { view: source, exact: true };
  const axis = source.axes.includes("o") ? "o" : (source.axes[0] ?? "o");
  const channels = source.shape[source.axes.indexOf(axis)] ?? 1;
  const by =
    fill.formula === "fold-weight"
      ? (await foldScale(fill, { tensors, ctx, warn })).map((value) => value * times)
      : new Float64Array(channels).fill(times);
  if (by.length !== channels) {
    throw new CheckpointError("mismatch", `${by.length} batch norm channels for ${channels} outputs`, { tensor: operand.key });
  }
  return { view: source, scale: { axis, by }, exact: true };
}

/** Axis sizes from the source's shape, the target's, and what the plan adds. */
function sizesOf(move: Move, axes: Axes, shape: readonly number[]): AxisSizes {
  const source = { axes, shape };
  const known = new Map(move.sizes ?? []);
  if (move.toAxes === undefined) return jointSizes([source], known);
  return jointSizes([source, { axes: move.toAxes, shape: move.toShape }], known);
}

async function made(move: Move, fill: Fill): Promise<View> {
  const axes = move.toAxes ?? plainAxes(move.toShape.length);
  const sizes = axisSizes(axes, move.toShape, new Map(move.sizes ?? []));
  // Values are numbered in one order whatever the layout, so that the same seed gives the same weights in every format.
  const names = [...sizes.keys()].toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  const shape = names.map((name) => sizes.get(name) ?? 1);
  return view(madeTensor(move.to, fill, shape, names), axesOf(names.map((name) => name.split(" "))), sizes);
}

function rank(axis: string): number {
  const at = ["o", "i", "h", "w"].indexOf(axis.split(" ")[0] ?? "");
  return at < 0 ? 4 : at;
}

function madeTensor(name: string, fill: Fill, shape: readonly number[], axes: readonly string[]) {
  if (fill.formula !== "normal") return filledTensor(name, shape, fill.formula === "ones" ? 1 : 0);
  const inputs = shape.reduce((product, n, k) => (axes[k] === "o" ? product : product * n), 1);
  // He et al. (2015): weights in front of a ReLU keep the variance with √(2 ÷ inputs).
  return normal(name, shape, Math.sqrt(2 / Math.max(inputs, 1)), fill.seed ?? 0);
}

/** What one role gives to a packed tensor. */
interface Column {
  readonly index: number;
  readonly values: Float64Array;
}

function indexOf(fill: Fill): number {
  return fill.put?.take?.[1] ?? 0;
}

function constantColumn(fill: Fill, channels: number): Column {
  return { index: indexOf(fill), values: new Float64Array(channels).fill(fill.formula === "ones" ? 1 : 0) };
}

/** One value a channel, from one role or from several that the target packs into one tensor. */
async function packed(move: Move, tensors: TensorMap, ctx: Context, warn: (message: string) => void): Promise<View> {
  const columns: Column[] = [];
  for (const fill of move.fills.filter((one) => !isInit(one))) {
    columns.push({ index: indexOf(fill), values: await channelValues(fill, move.to, { tensors, ctx, warn }) });
  }
  const channels = columns[0]?.values.length ?? 0;
  const all = [...columns, ...move.fills.filter(isInit).map((fill) => constantColumn(fill, channels))];
  const axis = move.fills[0]?.put?.take?.[0];
  const only = all[0];
  if (axis === undefined && only !== undefined) return view(held(move.to, [channels], only.values), "o");
  const width = Math.max(...all.map(({ index }) => index)) + 1;
  const values = new Float64Array(channels * width);
  for (const column of all) for (let k = 0; k < channels; k++) values[k * width + column.index] = column.values[k] ?? 0;
  return view(held(move.to, [channels, width], values), axesOf([["o"], [axis ?? "s"]]));
}
