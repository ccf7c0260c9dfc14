import { CheckpointError } from "../../errors.ts";
import { alignTensors } from "../../model/align/align.ts";
import type { DerivedMove } from "../../model/align/derived-move.ts";
import type { Ambiguity, NumericInfo, TensorPair } from "../../model/align/pairs.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import type { ConvertOptions } from "../options.ts";
import type { Left, Move } from "../plan/plan-types.ts";
import { select } from "../plan/select.ts";
import { targetDtype } from "../target/dtype-rule.ts";
import type { Planned } from "../target/plan-target.ts";

/**
 * The plan where one of two checkpoints is no network that is known: model/align says what means what; what was moved by hand takes no part.
 * Throws `mismatch`, naming all candidates, where several tensors could be meant.
 */
export function planByStructure(
  source: Checkpoint,
  like: Checkpoint,
  format: string,
  holds: (dtype: NumericDType) => boolean,
  options: ConvertOptions,
  byHand: readonly Move[],
): Planned {
  const chosen = select(source.tensors, () => undefined, options);
  const wanted = select(like.tensors, () => undefined, {});
  const moved = new Set(byHand.flatMap(({ fills }) => fills.flatMap((fill) => fill.from.map(({ key }) => key))));
  const filled = new Set(byHand.map((move) => move.to));
  const from = numeric(source, chosen.kept).filter(({ name }) => !moved.has(name));
  const to = numeric(like, wanted.kept).filter(({ name }) => !filled.has(name));
  const found = alignTensors(from, to, source, like);
  const [doubt] = found.ambiguous;
  if (doubt !== undefined) throw ambiguous(doubt);
  const pairs = new Map(found.tensors.map((pair) => [pair.b.name, pair]));
  const used = new Set(found.tensors.flatMap(({ a, move }) => (move === undefined ? [] : [a.name])));
  const moves = to.flatMap(({ name }): Move[] => {
    const pair = pairs.get(name);
    return pair?.move === undefined ? [] : [moveOf(pair.a, pair.b, pair.move, { format, holds, options })];
  });
  const unused: Left[] = [
    ...chosen.left,
    ...from.filter(({ name }) => !used.has(name)).map(({ name }) => ({ key: name, reason: "the other checkpoint has no place for it" })),
  ];
  const missing = to
    .filter(({ name }) => pairs.get(name)?.move === undefined)
    .map(({ name }): Left => ({ key: name, reason: whyMissing(pairs.get(name)) }));
  return {
    plan: { schema: "vggtool/plan/1", format, scheme: "like", moves: [...moves, ...byHand], unused, missing },
    area: {},
    warnings: [],
  };
}

function numeric(checkpoint: Checkpoint, kept: ReadonlySet<string>): readonly NumericInfo[] {
  return [...checkpoint.tensors.values()].flatMap((tensor): NumericInfo[] =>
    tensor.dtype === "string" || !kept.has(tensor.name) ? [] : [{ ...tensor, dtype: tensor.dtype }],
  );
}

function whyMissing(pair: TensorPair | undefined): string {
  if (pair === undefined) return "the source has nothing for it";
  return `${pair.a.name} is [${pair.a.shape.join(", ")}] in the source, and [${pair.b.shape.join(", ")}] here`;
}

function ambiguous({ a, b }: Ambiguity): CheckpointError {
  const [to = ""] = b;
  const what =
    a.length > 1
      ? `several tensors of the source could fill it: ${a.join(", ")}`
      : `${a.join()} of the source could fill it, and as well ${b.slice(1).join(", ")}`;
  return new CheckpointError("mismatch", what, {
    tensor: to,
    hint: "say which with --map FILE.json; --dry-run --json prints a plan to begin with",
  });
}

interface Place {
  readonly format: string;
  readonly holds: (dtype: NumericDType) => boolean;
  readonly options: ConvertOptions;
}

function moveOf(from: NumericInfo, to: NumericInfo, move: DerivedMove, { format, holds, options }: Place): Move {
  return {
    to: to.name,
    toShape: to.shape,
    toAxes: move.to,
    toDtype: targetDtype(from, holds, options.dtype ?? to.dtype, format),
    move: move.kind === "copy" && from.dtype !== to.dtype ? "cast" : move.kind,
    fills: [{ formula: "value", from: [{ key: from.name, axes: move.from, shape: from.shape }] }],
  };
}
