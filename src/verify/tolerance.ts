import type { Slot } from "../model/scheme.ts";
import type { TensorMap } from "../tensor/tensor.ts";
import type { ToleranceRecord } from "./record.ts";

/**
 * Relative tolerances by stored type. float32: the error of a VGG grows from 2e-7 at conv1_1 to about 4e-6 of the largest
 * value in conv5, so 1e-4 leaves room for any engine; half-precision values carry 2^-11 and 2^-8 in every weight.
 */
const RTOL = { float32: 1e-4, float16: 5e-3, bfloat16: 3e-2 } as const;

export interface Stored {
  readonly checkpoint: { readonly tensors: TensorMap };
  readonly identity: { readonly roles: ReadonlyMap<string, Slot> };
}

/** The tolerance for a comparison of these checkpoints: the coarsest stored type among their weights decides. */
export function toleranceFor(subjects: readonly Stored[], options: { readonly rtol?: number; readonly atol?: number }): ToleranceRecord {
  const atol = options.atol ?? 0;
  if (options.rtol !== undefined) return { rtol: options.rtol, atol, reason: "as asked for" };
  const types = new Set(subjects.flatMap(storedTypes));
  const coarsest = (["bfloat16", "float16"] as const).find((type) => types.has(type)) ?? "float32";
  const reason =
    coarsest === "float32"
      ? "rounding errors of float32 stay far below it"
      : `weights are stored as ${coarsest}, so it is wider than float32's ${RTOL.float32}`;
  return { rtol: RTOL[coarsest], atol, reason };
}

function storedTypes({ checkpoint, identity }: Stored): readonly string[] {
  return [...identity.roles.values()].flatMap((slot) => ("constant" in slot ? [] : (checkpoint.tensors.get(slot.key)?.dtype ?? [])));
}
