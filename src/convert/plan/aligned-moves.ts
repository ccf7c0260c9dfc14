import { CheckpointError } from "../../errors.ts";
import { alignTensors } from "../../model/align/align.ts";
import type { Ambiguity, NumericInfo, TensorPair } from "../../model/align/pairs.ts";
import { kindOf } from "../../model/kinds.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import { few } from "../../text/few.ts";
import { Refusal, type Way } from "../../text/refusal.ts";
import type { ConvertOptions } from "../options.ts";
import type { ConversionTarget } from "../target/conversion-target.ts";
import { targetDtype } from "../target/dtype-rule.ts";
import { operandKeys } from "./hand-moves.ts";
import { ownMove } from "./own-moves.ts";
import type { Left, Move } from "./plan-types.ts";

/** What is planned already. */
export interface Begun {
  /** Whether a tensor of the source may still be moved. */
  readonly free: (key: string) => boolean;
  /** The key of the average that replaces a tensor. */
  readonly averages: ReadonlyMap<string, string>;
  readonly moves: readonly Move[];
}

export interface AlignedMoves {
  readonly moves: readonly Move[];
  /** Keys of the source that they take. */
  readonly used: readonly string[];
  readonly missing: readonly Left[];
  /** Sentences for people. */
  readonly warnings: readonly string[];
}

/**
 * Fills the tensors that the output has to have and that no role fills: model/align says what means what. Counters and constants that the
 * source lacks keep the values that they have in the other checkpoint, as whoever restores all of its variables needs them; all others do
 * with --allow-missing. Throws `mismatch`, naming all candidates, where several tensors could be meant.
 */
export function alignedMoves(source: Checkpoint, target: ConversionTarget, options: ConvertOptions, begun: Begun): AlignedMoves {
  const other = target.expected?.checkpoint;
  if (other === undefined) return { moves: [], used: [], missing: [], warnings: [] };
  const filled = new Set(begun.moves.map(({ to }) => to));
  const taken = new Set(begun.moves.flatMap(operandKeys));
  const from = numbers(source).filter(({ name }) => begun.free(name) && !taken.has(name));
  const to = numbers(other).filter((tensor) => !filled.has(tensor.name) && (options.keepState === true || !isState(tensor)));
  const found = alignTensors(from, to, source, other);
  const pairs = new Map(found.tensors.map((pair) => [pair.b.name, pair]));
  const moves: Move[] = [];
  const used: string[] = [];
  const own: NumericInfo[] = [];
  const missing: Left[] = [];
  for (const tensor of to) {
    const pair = pairs.get(tensor.name);
    if (pair?.move !== undefined) {
      moves.push(moveOf(pair, target, options, begun.averages));
      used.push(pair.a.name);
    } else if (!isNeeded(tensor)) {
      if (target.holds(tensor.dtype)) own.push(tensor);
    } else if (pair !== undefined && isUndecided(pair)) throw undecided(pair);
    else missing.push({ key: tensor.name, reason: whyMissing(pair) });
  }
  const open = new Set(missing.map(({ key }) => key));
  const doubts = found.ambiguous.filter(({ b }) => b.some((key) => open.has(key)));
  const [doubt] = doubts;
  if (options.allowMissing !== true) {
    if (doubt !== undefined) throw ambiguous(doubt);
  } else own.push(...to.filter(({ name, dtype }) => open.has(name) && target.holds(dtype)));
  const stays = new Set(own.map(({ name }) => name));
  return {
    moves: [...moves, ...own.map(ownMove)],
    used,
    missing: missing.map(({ key, reason }) => ({ key, reason: stays.has(key) ? `${reason}: ${target.title}'s value stays` : reason })),
    warnings: [
      ...(own.length === 0 ? [] : [`kept as in ${target.title}: ${few([...stays])}`]),
      ...doubts.map((each) => `${few(each.b)}: ${whyAmbiguous(each)}`),
    ],
  };
}

function numbers({ tensors }: Checkpoint): readonly NumericInfo[] {
  return [...tensors.values()].flatMap((tensor): NumericInfo[] => (tensor.dtype === "string" ? [] : [{ ...tensor, dtype: tensor.dtype }]));
}

/** State of a training: no part of what a network is loaded from. */
function isState(tensor: NumericInfo): boolean {
  return ["optimizer", "average"].includes(kindOf(tensor));
}

/** Whether the source has to have it: a counter and a constant of the graph it may lack. */
function isNeeded(tensor: NumericInfo): boolean {
  return !["bookkeeping", "constant", "optimizer", "average"].includes(kindOf(tensor));
}

function whyMissing(pair: TensorPair | undefined): string {
  if (pair === undefined) return "the source has nothing for it";
  return `${pair.a.name} is [${pair.a.shape.join(", ")}] in the source, and [${pair.b.shape.join(", ")}] here`;
}

/** The same sizes, and nothing says in which order: a square matrix of plain arrays. */
function isUndecided({ a, b }: TensorPair): boolean {
  const sorted = ({ shape }: NumericInfo): string => shape.toSorted((x, y) => x - y).join();
  return a.shape.length > 1 && sorted(a) === sorted(b);
}

function undecided({ a, b }: TensorPair): CheckpointError {
  const axes = a.shape.map((_, k) => `a${k}`).join(" ");
  return new CheckpointError(
    "mismatch",
    `${a.name} of the source means it, and nothing says in which order each of the two keeps its axes, [${a.shape.join(", ")}] and [${b.shape.join(", ")}]`,
    { tensor: b.name, hint: `say it with --map FILE.json, which holds {"${b.name}": {"from": "${a.name}", "axes": "${axes} -> ${axes}"}}` },
  );
}

function ambiguous(doubt: Ambiguity): CheckpointError {
  const { a, b } = doubt;
  const byHand = `say which with --map FILE.json, which holds {"${b[0] ?? ""}": {"from": "${a[0] ?? ""}"}, …}`;
  const way: Way = { options: { allowMissing: true }, say: (options) => `${byHand}, or keep what is there: ${options}` };
  return new Refusal("mismatch", whyAmbiguous(doubt), [way], { tensor: b[0] ?? "" });
}

function whyAmbiguous({ a, b }: Ambiguity): string {
  return a.length > 1
    ? `several tensors of the source could fill it: ${a.join(", ")}`
    : `${a.join()} of the source could fill it, and as well ${b.slice(1).join(", ")}`;
}

function moveOf(
  { a, b, move }: TensorPair,
  target: ConversionTarget,
  options: ConvertOptions,
  averages: ReadonlyMap<string, string>,
): Move {
  if (move === undefined) throw new Error(`${a.name} does not fit ${b.name}`);
  return {
    to: b.name,
    toShape: b.shape,
    toAxes: move.to,
    toDtype: targetDtype(a, target.holds, options.dtype ?? b.dtype, target.format.id),
    move: move.kind === "copy" && a.dtype !== b.dtype ? "cast" : move.kind,
    fills: [{ formula: "value", from: [{ key: averages.get(a.name) ?? a.name, axes: move.from, shape: a.shape }] }],
  };
}
