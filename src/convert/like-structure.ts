import { CheckpointError } from "../errors.ts";
import type { Described } from "../model/described.ts";
import { parseName } from "../model/names.ts";
import type { Checkpoint } from "../tensor/checkpoint.ts";
import type { NumericDType } from "../tensor/dtype.ts";
import { type DerivedMove, derivedMove } from "./derived-move.ts";
import { targetDtype } from "./dtype-rule.ts";
import type { ConvertOptions } from "./options.ts";
import type { Planned } from "./plan-target.ts";
import type { Left, Move } from "./plan-types.ts";
import { select } from "./select.ts";

type Numeric = Described & { readonly dtype: NumericDType };

interface Pair {
  readonly from: Numeric;
  readonly to: Numeric;
  readonly move: DerivedMove;
}

/**
 * Aligns two checkpoints of a network nobody knows: by names, then by shapes that stand alone on both sides, then by order where
 * the shapes follow each other alike; what was moved by hand takes no part. Throws `mismatch`, naming the candidates, where several tensors could be meant.
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
  const fits = (a: Numeric, b: Numeric): DerivedMove | undefined => derivedMove(a, source, b, like);
  const pairs = new Map<string, Pair>();
  const used = new Set<string>();
  const accept = (a: Numeric, b: Numeric, move: DerivedMove): void => {
    pairs.set(b.name, { from: a, to: b, move });
    used.add(a.name);
  };
  for (const name of [(tensor: Numeric) => tensor.name, layerAndLeaf]) {
    const open = (side: readonly Numeric[], done: (key: string) => boolean): readonly Numeric[] =>
      side.filter((tensor) => !done(tensor.name));
    const left = grouped(
      open(from, (key) => used.has(key)),
      name,
    );
    for (const [key, [b, ...more]] of grouped(
      open(to, (key) => pairs.has(key)),
      name,
    )) {
      const [a, ...others] = left.get(key) ?? [];
      const move = a === undefined || b === undefined || more.length + others.length > 0 ? undefined : fits(a, b);
      if (a !== undefined && b !== undefined && move !== undefined) accept(a, b, move);
    }
  }
  const restFrom = from.filter(({ name }) => !used.has(name));
  const restTo = to.filter(({ name }) => !pairs.has(name));
  if (!pairInOrder(restFrom, restTo, fits, accept)) pairAlone(restFrom, restTo, fits, accept);
  const moves = to.flatMap(({ name }): Move[] => {
    const pair = pairs.get(name);
    return pair === undefined ? [] : [moveOf(pair, holds, format, options)];
  });
  const unused: Left[] = [
    ...chosen.left,
    ...from.filter(({ name }) => !used.has(name)).map(({ name }) => ({ key: name, reason: "the other checkpoint has no place for it" })),
  ];
  const missing = to
    .filter(({ name }) => !pairs.has(name))
    .map(({ name }): Left => ({ key: name, reason: "the source has nothing for it" }));
  return {
    plan: { schema: "vggtool/plan/1", format, scheme: "like", moves: [...moves, ...byHand], unused, missing },
    area: {},
    warnings: [],
  };
}

function numeric(checkpoint: Checkpoint, kept: ReadonlySet<string>): readonly Numeric[] {
  return [...checkpoint.tensors.values()].flatMap((tensor): Numeric[] =>
    tensor.dtype === "string" || !kept.has(tensor.name) ? [] : [{ ...tensor, dtype: tensor.dtype }],
  );
}

/** Layer and part in words that all frameworks share; scopes in front are dropped. */
function layerAndLeaf(tensor: Numeric): string {
  const { layer, leaf } = parseName(tensor.name);
  return `${layer.slice(Math.max(layer.lastIndexOf("/"), layer.lastIndexOf(".")) + 1).toLowerCase()} ${leaf ?? ""}`;
}

function grouped(tensors: readonly Numeric[], name: (tensor: Numeric) => string): ReadonlyMap<string, readonly Numeric[]> {
  const groups = new Map<string, Numeric[]>();
  for (const tensor of tensors) {
    const group = groups.get(name(tensor));
    if (group === undefined) groups.set(name(tensor), [tensor]);
    else group.push(tensor);
  }
  return groups;
}

type Fits = (a: Numeric, b: Numeric) => DerivedMove | undefined;
type Accept = (a: Numeric, b: Numeric, move: DerivedMove) => void;

/** The whole rest in file order, where every pair fits: the same layers one behind the other. */
function pairInOrder(from: readonly Numeric[], to: readonly Numeric[], fits: Fits, accept: Accept): boolean {
  if (from.length !== to.length || from.length === 0) return from.length === to.length;
  const moves = from.map((a, k) => {
    const b = to[k];
    return b === undefined || parseName(a.name).leaf !== parseName(b.name).leaf ? undefined : fits(a, b);
  });
  if (moves.includes(undefined)) return false;
  from.forEach((a, k) => {
    const [b, move] = [to[k], moves[k]];
    if (b !== undefined && move !== undefined) accept(a, b, move);
  });
  return true;
}

/** Tensors that fit one of the other side and are fitted by no other. */
function pairAlone(from: readonly Numeric[], to: readonly Numeric[], fits: Fits, accept: Accept): void {
  for (const b of to) {
    const candidates = from.flatMap((a) => {
      const move = fits(a, b);
      return move === undefined ? [] : [{ a, move }];
    });
    const [only] = candidates;
    if (only === undefined) continue;
    const rivals = to.filter((other) => other !== b && fits(only.a, other) !== undefined);
    if (candidates.length === 1 && rivals.length === 0) accept(only.a, b, only.move);
    else
      throw ambiguous(
        b,
        candidates.map(({ a }) => a.name),
      );
  }
}

function ambiguous(to: Numeric, candidates: readonly string[]): CheckpointError {
  const shown = candidates.length > 6 ? `${candidates.slice(0, 6).join(", ")} and ${candidates.length - 6} more` : candidates.join(", ");
  return new CheckpointError("mismatch", `several tensors of the source could fill it: ${shown}`, {
    tensor: to.name,
    hint: "say which with --map FILE.json; --dry-run --json prints a plan to begin with",
  });
}

function moveOf({ from, to, move }: Pair, holds: (dtype: NumericDType) => boolean, format: string, options: ConvertOptions): Move {
  return {
    to: to.name,
    toShape: to.shape,
    toAxes: move.to,
    toDtype: targetDtype(from, holds, options.dtype ?? to.dtype, format),
    move: move.kind === "copy" && from.dtype !== to.dtype ? "cast" : move.kind,
    fills: [{ formula: "value", from: [{ key: from.name, axes: move.from, shape: from.shape }] }],
  };
}
