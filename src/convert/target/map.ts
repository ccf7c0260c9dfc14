import { CheckpointError } from "../../errors.ts";
import { type HandPair, handPairs, namedTensor } from "../../model/align/by-hand.ts";
import type { Described } from "../../model/described.ts";
import { keysOf } from "../../model/scheme.ts";
import { type Axes, type AxisSizes, axisSizes, shapeFor, withOnes } from "../../tensor/axes.ts";
import { dtypes, type NumericDType } from "../../tensor/dtype.ts";
import type { ConvertOptions } from "../options.ts";
import type { Move, Plan } from "../plan/plan-types.ts";
import { summarise } from "../plan/summary.ts";
import type { ConversionTarget } from "./conversion-target.ts";
import { targetDtype } from "./dtype-rule.ts";
import { parsePlan } from "./plan-parse.ts";

type Tensors = ReadonlyMap<string, Described>;

/** A plan from a file, its operands checked against the source. Throws `usage` and `mismatch`. */
export function planFromFile(value: unknown, tensors: Tensors, holds: (dtype: NumericDType) => boolean): Plan {
  const plan = parsePlan(value);
  const seen = new Set<string>();
  for (const move of plan.moves) {
    if (seen.has(move.to)) throw new CheckpointError("usage", "--map: the plan fills it twice", { tensor: move.to });
    seen.add(move.to);
    if (!holds(move.toDtype)) throw new CheckpointError("usage", `--map: ${plan.format} cannot hold ${move.toDtype}`, { tensor: move.to });
    for (const operand of move.fills.flatMap(({ from }) => from)) {
      for (const key of keysOf(operand)) namedTensor(key, tensors);
      const { shape } = namedTensor(operand.key, tensors);
      if (shape.join() !== operand.shape.join()) {
        throw new CheckpointError("mismatch", `--map: the plan says [${operand.shape.join(", ")}], the source has [${shape.join(", ")}]`, {
          tensor: operand.key,
        });
      }
    }
  }
  return plan;
}

/** The moves by hand of --map. */
export function handMoves(value: unknown, tensors: Tensors, target: ConversionTarget, options: ConvertOptions): readonly Move[] {
  return handPairs(value, tensors).map((pair) => handMove(pair, target, options));
}

function handMove({ from, to, fromAxes, toAxes, sizes: known }: HandPair, target: ConversionTarget, options: ConvertOptions): Move {
  const sizes = sizesFor(from, fromAxes, toAxes, known);
  const wanted = options.dtype ?? (dtypes[from.dtype].kind === "float" ? expectedType(to, target) : undefined);
  const move: Omit<Move, "move"> = {
    to,
    toShape: shapeFor(toAxes, sizes),
    toAxes,
    toDtype: targetDtype(from, target.holds, wanted, target.format.id),
    ...(known.size === 0 ? {} : { sizes: [...known] }),
    fills: [{ formula: "value", from: [{ key: from.name, axes: fromAxes, shape: from.shape }] }],
  };
  return { ...move, move: summarise(move, from, sizes) };
}

function expectedType(to: string, target: ConversionTarget): NumericDType | undefined {
  const dtype = target.expected?.checkpoint.tensors.get(to)?.dtype;
  return dtype === "string" ? undefined : dtype;
}

function sizesFor(tensor: Described, from: Axes, to: Axes, known: AxisSizes): AxisSizes {
  try {
    return withOnes(to, axisSizes(from, tensor.shape, known));
  } catch (error) {
    throw error instanceof CheckpointError ? error.at({ tensor: tensor.name }) : error;
  }
}
