import { CheckpointError } from "../errors.ts";
import type { Context } from "../io/context.ts";
import { kindOf } from "../model/kinds.ts";
import type { Role } from "../model/role.ts";
import { compare, type Difference } from "../tensor/compare.ts";
import { align, type Pair } from "./diff/align.ts";
import { explain, type Measured } from "./diff/explain.ts";
import type { Side } from "./diff/side.ts";

/** Two tensors that mean the same; field names are part of the command-line contract. */
export interface DiffTensor {
  readonly role: Role | null;
  /** Keys; null where a convention implies a constant that is not stored. */
  readonly a: string | null;
  readonly b: string | null;
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
}

export interface DiffRecord {
  readonly schema: "vggtool/diff/1";
  readonly equal: boolean;
  readonly tensors: readonly DiffTensor[];
  readonly onlyA: readonly string[];
  readonly onlyB: readonly string[];
  readonly explanations: readonly string[];
}

/** Variances computed from a stored deviation agree to 2e-7 (one rounding of each side). */
const COMPUTED_TOLERANCE = 1e-6;

/**
 * Compares the values of two checkpoints through their layouts, by role where both are recognised, else by name, without
 * running them and without copying either. Explains what differs. Throws `mismatch` where they share no tensor.
 */
export async function diff(a: Side, b: Side, ctx: Context): Promise<DiffRecord> {
  const { pairs, onlyA, onlyB } = await align(a, b, ctx);
  if (pairs.length === 0 && a.checkpoint.tensors.size + b.checkpoint.tensors.size > 0) {
    throw new CheckpointError("mismatch", "no tensor of one has a counterpart in the other, by role or by name");
  }
  const measured: Measured[] = [];
  for (const pair of pairs) {
    const difference = await measure(pair, ctx);
    measured.push(difference === undefined ? { pair } : { pair, difference });
  }
  const tensors = measured.map(({ pair, difference }) => tensorRecord(pair, difference));
  const explanations = await explain(measured, a, b, ctx);
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

/** A constant beside the network (an image's mean) does not make two networks differ. */
function missesValues({ checkpoint }: Side, only: readonly string[]): boolean {
  return only.some((key) => {
    const tensor = checkpoint.tensors.get(key);
    return tensor !== undefined && kindOf(tensor) !== "constant";
  });
}

async function measure({ values }: Pair, ctx: Context): Promise<Difference | undefined> {
  if (values === undefined) return undefined;
  const { a, b } = values;
  const factor = a.times / b.times;
  const outputs = a.view.shape[a.view.axes.indexOf("o")] ?? 0;
  const scale = factor === 1 ? {} : { scale: { axis: "o", by: new Float64Array(outputs).fill(factor) } };
  const difference = await compare(a.view, b.view, ctx, scale);
  const computed = a.computed || b.computed;
  return computed && difference.maxRel <= COMPUTED_TOLERANCE ? { ...difference, equal: true } : difference;
}

function tensorRecord(pair: Pair, difference: Difference | undefined): DiffTensor {
  return {
    role: pair.role ?? null,
    a: pair.a ?? null,
    b: pair.b ?? null,
    move: pair.move,
    maxAbs: difference?.maxAbs ?? null,
    maxRel: difference?.maxRel ?? null,
    meanAbs: difference?.meanAbs ?? null,
    cosine: difference?.cosine ?? null,
    differing: difference?.differing ?? null,
    equal: difference?.equal ?? false,
  };
}
