import { isCheckpointError } from "../../errors.ts";
import type { Context } from "../../io/context.ts";
import type { Network } from "../../model/network/network.ts";
import { partOf } from "../../model/role.ts";
import type { Expected } from "../compare/expected.ts";
import { difference } from "../compare/measure.ts";
import { secondsSince } from "../compare/passes.ts";
import type { Engine, Weights } from "../engines/engine.ts";
import type { InputBatch } from "../input/batch.ts";
import type { ToleranceRecord } from "../record.ts";
import type { Change } from "../weights.ts";
import { type Trial, trialsOf } from "./trials.ts";

export interface Unexpected {
  readonly engine: Engine;
  /** featureShape filled in for the input. */
  readonly network: Network;
  /** The network's weights, read in another way. */
  readonly weights: (change?: Change) => Weights;
  readonly input: InputBatch;
  readonly expected: Expected;
  readonly tolerance: ToleranceRecord;
}

/** After so many seconds no further explanation is tried: each one loads and runs the network once more. */
const PATIENCE = 60;

/**
 * Why a network does not give what is expected of it: there is no second network to compare weights with, so the usual
 * mistakes are undone one by one, and the network is run on the first picture. One sentence, or none where nothing fits.
 */
export async function diagnoseExpected(unexpected: Unexpected, ctx: Context): Promise<readonly string[]> {
  const started = performance.now();
  const trials = trialsOf(unexpected.network, unexpected.input.shape, ctx);
  for (const [index, trial] of trials.entries()) {
    if (await fits(trial, unexpected, ctx)) return [trial.sentence];
    if (secondsSince(started) > PATIENCE && index + 1 < trials.length) {
      return [`none of the first ${index + 1} of ${trials.length} usual mistakes explains it`];
    }
  }
  return [];
}

/** A change under which the network cannot be run at all explains nothing. */
async function fits(trial: Trial, unexpected: Unexpected, ctx: Context): Promise<boolean> {
  try {
    return await givesExpected(trial, unexpected, ctx);
  } catch (error) {
    if (isCheckpointError(error, "mismatch", "malformed")) return false;
    throw error;
  }
}

async function givesExpected(trial: Trial, { engine, input, expected, tolerance, weights }: Unexpected, ctx: Context): Promise<boolean> {
  const batch = await input.read(0, 1);
  const pictures = input.shape[0] ?? 1;
  const session = await engine.open(trial.network, changed(weights(trial.change), trial.variance), { shape: batch.shape, once: true }, ctx);
  let agrees = true;
  try {
    await session.run(batch, async ({ layer, shape, values }) => {
      if (!agrees || !expected.layers.includes(layer)) return;
      const wanted = await expected.values(layer, [pictures, ...shape.slice(1)]);
      const measured = difference();
      measured.add(values, wanted.subarray(0, values.length));
      agrees = measured.result(tolerance).pass;
    });
  } finally {
    await session.close();
  }
  return agrees;
}

/** The weights with another value for each variance of batch norm. */
function changed(weights: Weights, variance: Trial["variance"]): Weights {
  if (variance === undefined) return weights;
  return async (role, axes) => (partOf(role) === "bn.var" ? (await weights(role, axes)).map(variance) : weights(role, axes));
}
