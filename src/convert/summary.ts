import { type Axes, type AxisSizes, elementary, withOnes } from "../tensor/axes.ts";
import type { NumericDType } from "../tensor/dtype.ts";
import type { Fill, Move, Operand } from "./plan-types.ts";

/** Whether a fill takes the stored elements as they are, but for order and type: such a one streams. */
export function isPlain(fill: Fill): boolean {
  const [operand] = fill.from;
  if (fill.formula === "fold-weight") return operand !== undefined && unpacked(operand);
  return fill.formula === "value" && operand !== undefined && unpacked(operand) && unpacked(fill.put ?? {}) && sameEpsilon(fill);
}

function unpacked(slot: Pick<Operand, "take" | "over" | "as">): boolean {
  return slot.take === undefined && slot.over === undefined && slot.as === undefined;
}

function sameEpsilon(fill: Fill): boolean {
  return fill.epsilon === undefined || fill.epsilon[0] === fill.epsilon[1];
}

export function isInit(fill: Fill): boolean {
  return fill.formula === "zeros" || fill.formula === "ones" || fill.formula === "normal";
}

/** The word for people: the weightiest of what happens to the values. */
export function summarise(
  move: Omit<Move, "move">,
  source: { readonly dtype: NumericDType; readonly stored?: string } | undefined,
  sizes: AxisSizes,
): Move["move"] {
  if (move.fills.every(isInit)) return "init";
  const [fill] = move.fills;
  const [operand] = fill?.from ?? [];
  if (fill === undefined || operand === undefined || move.fills.length > 1 || !isPlain(fill) || fill.formula !== "value") return "compute";
  if ((operand.times ?? 1) !== (fill.put?.times ?? 1)) return "compute";
  // "uint8 · 0.0032 − 0.41": quantised in the file, the reader gives the numbers; "latin-1 text" is no arithmetic.
  if (source?.stored !== undefined && /^u?int\d/.test(source.stored)) return "dequantise";
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
