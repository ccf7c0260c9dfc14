import { explain } from "../compare/explain.ts";
import { aligned, type Measured, measure, type Pair, pairsOf } from "../compare/pairs.ts";
import { differingSettings } from "../compare/settings.ts";
import type { Side } from "../compare/side.ts";
import { CheckpointError } from "../errors.ts";
import type { Context } from "../io/context.ts";
import { handPairs } from "../model/align/by-hand.ts";
import type { Ambiguity } from "../model/align/pairs.ts";
import { knownAs } from "../model/identify/known-as.ts";
import { kindOf } from "../model/kinds.ts";
import type { Role } from "../model/role.ts";
import type { Statistics } from "../tensor/statistics/statistics.ts";
import { few } from "../text/few.ts";
import { glob, matchAll, type Named } from "../text/glob.ts";
/** Two tensors that mean the same; field names are part of the command-line contract. */
export interface DiffTensor {
  readonly role: Role | null;
  /** Keys; null where a convention implies a constant that is not stored. */
  readonly a: string | null;
  readonly b: string | null;
  /** What says that the two mean the same. */
  readonly by: Pair["by"];
  /** What brings A's form to B's. */
  readonly move: Pair["move"];
  /** null where the sizes differ: there is nothing to compare. */
  readonly maxAbs: number | null;
  readonly maxRel: number | null;
  readonly meanAbs: number | null;
  readonly cosine: number | null;
  /** Elements that differ. */
  readonly differing: number | null;
  /** Same values; within 1e-6 of the largest where one side had to be computed. */
  readonly equal: boolean;
  /** How many of the values of A − B are where, with `histograms`; absent where all are the same. */
  readonly histogram?: Statistics["histogram"];
}

export interface DiffRecord {
  readonly schema: "vggtool/diff/1";
  readonly equal: boolean;
  readonly tensors: readonly DiffTensor[];
  readonly onlyA: readonly string[];
  readonly onlyB: readonly string[];
  readonly explanations: readonly string[];
}

/** What is compared: a checkpoint and what it was recognised as. */
export type DiffSide = Omit<Side, "name">;

/** What of the two is compared, and how. */
export interface DiffOptions {
  /** Patterns: only tensors are compared of which either side's key or role matches one. */
  readonly filter?: readonly string[];
  /** How far two values may be apart, over the largest of B, to count as equal; 0 where absent. */
  readonly rtol?: number;
  /** Tensors that are to be compared, as a value of JSON: `{ "key in B": { "from": "key in A", "axes": "h w i o -> o i h w" } }`. */
  readonly map?: unknown;
  /** Adds a histogram of the differences to each tensor. */
  readonly histograms?: boolean;
}

/**
 * Compares the values of two checkpoints through their layouts, without running them and without copying either: by role where both are
 * recognised, else by name and place. Explains what differs. Throws `mismatch` where they share no tensor, `usage` for a pattern that takes
 * none and a map that names none.
 */
export async function diffCheckpoints(sideA: DiffSide, sideB: DiffSide, ctx: Context, options: DiffOptions = {}): Promise<DiffRecord> {
  const compared = { a: { ...sideA, name: "A" }, b: { ...sideB, name: "B" }, rtol: options.rtol ?? 0 };
  const { a, b } = compared;
  const alignment = aligned(a, b, options.map === undefined ? [] : handPairs(options.map, a.checkpoint.tensors));
  const takes = filterOf(options.filter ?? [], a, b);
  await ctx.recruit?.(sideA.checkpoint.bytes + sideB.checkpoint.bytes);
  const pairs = await pairsOf(alignment, compared, ctx);
  const onlyA = ownOf(a, alignment.onlyA).filter((key) => takes(key, undefined));
  const onlyB = ownOf(b, alignment.onlyB).filter((key) => takes(undefined, key));
  if (pairs.length === 0 && a.checkpoint.tensors.size + b.checkpoint.tensors.size > 0) {
    const [unsure] = alignment.ambiguous.map(doubt);
    throw new CheckpointError("mismatch", unsure ?? "no tensor of one has a counterpart in the other, by role, by name or by structure", {
      hint: "say which are the same with --map FILE.json",
    });
  }
  const measured: Measured[] = [];
  for (const pair of pairs) if (takes(pair.a, pair.b)) measured.push(await measure(pair, compared, ctx, options.histograms));
  const tensors = measured.map(tensorRecord);
  const explanations = [
    ...(await explain(measured, pairs, compared, ctx)),
    ...differingSettings(compared),
    ...placed(measured),
    ...alignment.ambiguous.filter((each) => each.a.some((key) => takes(key, undefined))).map(doubt),
  ];
  for (const { checkpoint } of [a, b]) checkpoint.opened?.refuseChanged("a mixture would be compared");
  return {
    schema: "vggtool/diff/1",
    equal: tensors.every(({ equal }) => equal) && !missesValues(a, onlyA) && !missesValues(b, onlyB),
    tensors,
    onlyA,
    onlyB,
    explanations,
  };
}

/** Whether a pair of keys takes part, which it does where a name of either tensor matches. */
function filterOf(patterns: readonly string[], a: Side, b: Side): (keyA: string | undefined, keyB: string | undefined) => boolean {
  if (patterns.length === 0) return () => true;
  const matchedBy = ({ checkpoint, identity }: Side): readonly Named[] => {
    const namesOf = knownAs(identity);
    return Array.from(checkpoint.tensors.values(), (tensor) => ({ key: tensor.name, names: namesOf(tensor) }));
  };
  const [namedA, namedB] = [matchedBy(a), matchedBy(b)];
  const test = patterns.map(glob);
  const matching = (named: readonly Named[]): ReadonlySet<string> =>
    new Set(named.flatMap(({ key, names }) => (names.some((name) => test.some((takes) => takes(name))) ? [key] : [])));
  const [inA, inB] = [matching(namedA), matching(namedB)];
  if (inA.size + inB.size === 0) matchAll("--filter", patterns, [...namedA, ...namedB]);
  return (keyA, keyB) => (keyA !== undefined && inA.has(keyA)) || (keyB !== undefined && inB.has(keyB));
}

/** Where names say nothing, the grounds are said. */
function placed(measured: readonly Measured[]): readonly string[] {
  const names = measured.flatMap(({ pair }) => (pair.by === "structure" ? [`${pair.a} with ${pair.b}`] : []));
  return names.length === 0 ? [] : [`compared for their shapes and their order in one module, as their names differ: ${few(names)}`];
}

function doubt({ a, b }: Ambiguity): string {
  return `not compared, for it could be several: ${a.join(", ")} in A, ${b.join(", ")} in B (--map FILE.json says which)`;
}

/** Optimizer state and counters do not count as missing. */
function ownOf({ checkpoint }: Side, only: readonly string[]): readonly string[] {
  return only.filter((key) => {
    const tensor = checkpoint.tensors.get(key);
    return tensor !== undefined && ["parameter", "buffer", "constant"].includes(kindOf(tensor));
  });
}

/** A constant beside the network (an image's mean) does not make two networks differ. */
function missesValues({ checkpoint }: Side, only: readonly string[]): boolean {
  return only.some((key) => {
    const tensor = checkpoint.tensors.get(key);
    return tensor !== undefined && kindOf(tensor) !== "constant";
  });
}

function tensorRecord({ pair, difference, differences }: Measured): DiffTensor {
  return {
    role: pair.role ?? null,
    a: pair.a ?? null,
    b: pair.b ?? null,
    by: pair.by,
    move: pair.move,
    maxAbs: difference?.maxAbs ?? null,
    maxRel: difference?.maxRel ?? null,
    meanAbs: difference?.meanAbs ?? null,
    cosine: difference?.cosine ?? null,
    differing: difference?.differing ?? null,
    equal: difference?.equal ?? false,
    ...(differences?.histogram === undefined ? {} : { histogram: differences.histogram }),
  };
}
