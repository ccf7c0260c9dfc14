import { isWhole } from "../../model/scheme.ts";
import { type Axes, type AxisSizes, elementary, withOnes } from "../../tensor/axes.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import { isQuantised, type StoredAs } from "../../tensor/stored.ts";
import type { Fill, Move } from "./plan-types.ts";

/** Whether a fill takes the stored elements as they are, but for order and type: such a one streams. */
export function isPlain(fill: Fill): boolean {
  const [operand] = fill.from;
  if (operand === undefined || !isWhole(operand)) return false;
  return fill.formula === "fold-weight" || (fill.formula === "value" && isWhole(fill.put ?? {}) && sameEpsilon(fill));
}

/** Whether batch norm adds the same on both sides, or the fill is no variance. */
export function sameEpsilon(fill: Fill): boolean {
  return fill.epsilon === undefined || fill.epsilon[0] === fill.epsilon[1];
}

export function isInit(fill: Fill): boolean {
  return fill.formula === "zeros" || fill.formula === "ones" || fill.formula === "normal";
}

/** The word for people: the weightiest of what happens to the values. */
export function summarise(
  move: Omit<Move, "move">,
  source: { readonly dtype: NumericDType; readonly stored?: StoredAs } | undefined,
  sizes: AxisSizes,
): Move["move"] {
  if (move.fills.every(isInit)) return "init";
  const [fill] = move.fills;
  const [operand] = fill?.from ?? [];
  if (fill === undefined || operand === undefined || move.fills.length > 1 || !isPlain(fill) || fill.formula !== "value") return "compute";
  if ((operand.times ?? 1) !== (fill.put?.times ?? 1)) return "compute";
  if (operand.every !== undefined) return "subsample";
  if (isQuantised(source?.stored)) return "dequantise";
  if (differs(operand.flip, fill.put?.flip)) return "flip";
  if (!sameOrder(operand.axes, move.toAxes ?? operand.axes, sizes)) return "transpose";
  if (source !== undefined && source.dtype !== move.toDtype) return "cast";
  return operand.shape.join() === move.toShape.join() ? "copy" : "reshape";
}

function differs(a: readonly string[] = [], b: readonly string[] = []): boolean {
  return a.toSorted().join() !== b.toSorted().join();
}

/** Whether two patterns put the elements in the same order; axes of size 1 do not count. */
function sameOrder(from: Axes, to: Axes, sizes: AxisSizes): boolean {
  const order = (axes: Axes): string =>
    elementary(axes, withOnes(axes, sizes))
      .flat()
      .filter(({ size }) => size !== 1)
      .map(({ name }) => name)
      .join(" ");
  return order(from) === order(to);
}
