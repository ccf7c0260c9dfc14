import { CheckpointError } from "../../errors.ts";
import type { Described } from "../../model/described.ts";
import { keysOf } from "../../model/scheme.ts";
import { type Axes, type AxisSizes, axisSizes, parseAxes, plainAxes, shapeFor, withOnes } from "../../tensor/axes.ts";
import { dtypes, type NumericDType } from "../../tensor/dtype.ts";
import { globStars } from "../../text/glob.ts";
import { nearest } from "../../text/nearest.ts";
import type { ConvertOptions } from "../options.ts";
import type { Move, Plan } from "../plan/plan-types.ts";
import { summarise } from "../plan/summary.ts";
import type { ConversionTarget } from "./conversion-target.ts";
import { targetDtype } from "./dtype-rule.ts";
import { Field, parsePlan } from "./plan-parse.ts";

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
      for (const key of keysOf(operand)) sourceTensor(key, tensors);
      const { shape } = sourceTensor(operand.key, tensors);
      if (shape.join() !== operand.shape.join()) {
        throw new CheckpointError("mismatch", `--map: the plan says [${operand.shape.join(", ")}], the source has [${shape.join(", ")}]`, {
          tensor: operand.key,
        });
      }
    }
  }
  return plan;
}

/**
 * Moves by hand: `{ "target key": { "from": "source key", "axes": "h w i o -> o (i h w)", "sizes"?: { "h": 7 } } }`. A `*` in both keys
 * stands for the same characters.
 */
export function handMoves(value: unknown, tensors: Tensors, target: ConversionTarget, options: ConvertOptions): readonly Move[] {
  const byHand = new Field(value, "map")
    .entries()
    .flatMap(([key, field]) => expand(key, field, tensors))
    .map((entry) => handMove(entry, tensors, target, options));
  const filled = new Set<string>();
  for (const { to } of byHand) {
    if (filled.has(to)) throw new CheckpointError("usage", "--map fills it twice", { tensor: to });
    filled.add(to);
  }
  return byHand;
}

interface Entry {
  readonly to: string;
  readonly from: string;
  readonly field: Field;
}

/** One entry for every source key that a pattern matches. */
function expand(to: string, field: Field, tensors: Tensors): readonly Entry[] {
  const from = field.get("from").text();
  if (!to.includes("*") || !from.includes("*")) return [{ to, from, field }];
  const stars = globStars(from);
  const entries = [...tensors.keys()].flatMap((key): Entry[] => {
    const found = stars(key);
    if (found === undefined) return [];
    let k = 0;
    return [{ to: to.replace(/\*/g, () => found[k++] ?? ""), from: key, field }];
  });
  if (entries.length === 0) throw new CheckpointError("usage", `--map: ${from} matches no tensor of the source`);
  return entries;
}

function handMove({ to, from, field }: Entry, tensors: Tensors, target: ConversionTarget, options: ConvertOptions): Move {
  const tensor = sourceTensor(from, tensors);
  if (tensor.dtype === "string") throw new CheckpointError("unsupported", "--map: text cannot be moved", { tensor: from });
  const plain = plainAxes(tensor.shape.length);
  const axes = field.get("axes");
  const said = axes.value === undefined ? [] : axes.text().split("->");
  if (axes.value !== undefined && said.length !== 2) throw axes.fail('a pattern as in "h w i o -> o (i h w)"');
  const [fromAxes = plain, toAxes = plain] = said.map((side) => parseAxes(side.trim()));
  const given = field.get("sizes");
  const known = new Map(given.value === undefined ? [] : given.entries().map(([axis, size]) => [axis, size.count()] as const));
  const sizes = sizesFor(tensor, fromAxes, toAxes, known);
  const wanted = options.dtype ?? (dtypes[tensor.dtype].kind === "float" ? expectedType(to, target) : undefined);
  const move: Omit<Move, "move"> = {
    to,
    toShape: shapeFor(toAxes, sizes),
    toAxes,
    toDtype: targetDtype({ ...tensor, dtype: tensor.dtype }, target.holds, wanted, target.format.id),
    ...(known.size === 0 ? {} : { sizes: [...known] }),
    fills: [{ formula: "value", from: [{ key: from, axes: fromAxes, shape: tensor.shape }] }],
  };
  return { ...move, move: summarise(move, { ...tensor, dtype: tensor.dtype }, sizes) };
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

function sourceTensor(key: string, tensors: Tensors): Described {
  const tensor = tensors.get(key);
  if (tensor !== undefined) return tensor;
  const close = nearest(key, [...tensors.keys()]);
  throw new CheckpointError("usage", `--map: the source has no ${key}`, close === undefined ? {} : { hint: `did you mean ${close}?` });
}
