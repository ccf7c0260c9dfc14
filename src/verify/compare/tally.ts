import type { Activation } from "../engines/engine.ts";
import type { LayerResult, ToleranceRecord } from "../record.ts";
import { type DifferenceMeter, difference, type RangeMeter, range } from "./measure.ts";

/** What is known of one layer while the batches go through. */
export interface Tally {
  /** Without the batch. */
  readonly shape: readonly number[];
  readonly range: RangeMeter;
  readonly difference: DifferenceMeter;
  /** Something was added to `difference`. */
  compared: boolean;
  /** Time of the first run spent in the layer. */
  seconds: number;
  /** Why the layer cannot pass, where it is no matter of size. */
  problem?: string;
  /** The values of each batch, where they are kept. */
  readonly kept: Float32Array[];
}

export const uncompared = { maxAbs: null, maxRel: null, meanAbs: null, cosine: null } as const;

/** The layer's tally, made when it is met first, with the range of these values taken in. */
export function tally(tallies: Map<string, Tally>, { layer, shape, values }: Activation, keep: boolean): Tally {
  const found = tallies.get(layer) ?? {
    shape: shape.slice(1),
    range: range(),
    difference: difference(),
    compared: false,
    seconds: 0,
    kept: [],
  };
  tallies.set(layer, found);
  found.range.add(values);
  if (keep) found.kept.push(values);
  return found;
}

export function resultOf(role: string, found: Tally, pictures: number, tolerance: ToleranceRecord): LayerResult {
  const rtol = tolerance.layers?.[role] ?? tolerance.rtol;
  const { min, max, notFinite } = found.range.result();
  const problem = found.problem ?? (notFinite === 0 ? undefined : `${notFinite} values are not finite`);
  const measured = found.compared ? found.difference.result({ ...tolerance, rtol }) : { ...uncompared, pass: true };
  return {
    role,
    shape: [pictures, ...found.shape],
    ...measured,
    min,
    max,
    notFinite,
    ...(found.compared && tolerance.layers !== undefined ? { tolerance: rtol } : {}),
    pass: measured.pass && problem === undefined,
    ...(problem === undefined ? {} : { problem }),
    seconds: found.seconds,
  };
}
