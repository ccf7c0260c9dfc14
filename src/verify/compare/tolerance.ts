import { isWeighted } from "../../model/geometry/shapes.ts";
import type { Network } from "../../model/network/network.ts";
import type { Slot } from "../../model/scheme.ts";
import type { TensorMap } from "../../tensor/tensor.ts";
import type { ToleranceRecord } from "../record.ts";
import { roundingOf } from "./rounding.ts";

/**
 * Relative tolerances by stored type, coarsest first. float32: the error of a VGG grows from 2e-7 at conv1_1 to about 4e-6 of the
 * largest value in conv5, so 1e-4 leaves room for any engine. Half precision carries 2^-11 and 2^-8 in every weight; TensorFlow.js'
 * integers carry a 500th and a 130,000th of a tensor's whole range (5e-2 was seen at conv5 with 8 bits).
 */
const COARSE = { uint8: 1e-1, bfloat16: 3e-2, float16: 5e-3, uint16: 5e-3 } as const;
const FLOAT32 = 1e-4;

const ASKED = "as asked for";

type Coarse = keyof typeof COARSE;
const coarseTypes: readonly Coarse[] = ["uint8", "bfloat16", "float16", "uint16"];

export interface StoredSubject {
  readonly checkpoint: { readonly tensors: TensorMap };
  readonly identity: { readonly roles: ReadonlyMap<string, Slot> };
}

/** The tolerance for a comparison of these checkpoints: the coarsest stored type among their weights decides. */
export function toleranceFor(
  subjects: readonly StoredSubject[],
  options: { readonly rtol?: number; readonly atol?: number },
): ToleranceRecord {
  const atol = options.atol ?? 0;
  if (options.rtol !== undefined) return { rtol: options.rtol, atol, reason: ASKED };
  const types = new Set(subjects.flatMap(storedTypes));
  const coarsest = coarseTypes.find((type) => types.has(type));
  if (coarsest === undefined) return { rtol: FLOAT32, atol, reason: "rounding errors of float32 stay far below it" };
  return { rtol: COARSE[coarsest], atol, reason: `weights are stored as ${coarsest}, so it is wider than float32's ${FLOAT32}` };
}

/**
 * The tolerance of each layer, where nothing but float32's rounding is between two runs: what the sums of all layers up to it may leave,
 * added up. Coarser types and a tolerance that was asked for stay as they are.
 */
export function perLayer(tolerance: ToleranceRecord, network: Network): ToleranceRecord {
  if (tolerance.rtol !== FLOAT32 || tolerance.reason === ASKED) return tolerance;
  const layers: Record<string, number> = {};
  let grown = 0;
  for (const layer of network.layers) {
    if (isWeighted(layer)) grown += roundingOf(layer.kind === "fc" ? layer.inputs : layer.inputs * layer.kernel[0] * layer.kernel[1]);
    layers[layer.name] = grown;
  }
  const reason = "of each layer what float32 leaves: 2^-24 · (16 + 4 √products), added up over the layers before it";
  return { ...tolerance, rtol: grown, reason, layers };
}

/** What a tensor's values went through: its dtype, and a type that they were rounded to. In MAT's narrower types nothing is lost. */
function storedTypes({ checkpoint, identity }: StoredSubject): readonly string[] {
  return [...identity.roles.values()].flatMap((slot) => {
    const tensor = "constant" in slot ? undefined : checkpoint.tensors.get(slot.key);
    const stored = tensor?.stored;
    const rounded = stored?.kind === "rounded" || stored?.kind === "quantised" || stored?.kind === "scaled" ? [stored.dtype] : [];
    return tensor === undefined ? [] : [tensor.dtype, ...rounded];
  });
}
