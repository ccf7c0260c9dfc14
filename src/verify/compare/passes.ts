import { locate } from "../../errors.ts";
import type { Context } from "../../io/context.ts";
import { resolveFeatures, shapeText } from "../../model/geometry/shapes.ts";
import type { Network } from "../../model/network/network.ts";
import type { Activation, Device, Engine, Session, Weights } from "../engines/engine.ts";
import type { Spool } from "../engines/spool.ts";
import type { InputBatch } from "../input/batch.ts";
import type { Subject } from "../subject.ts";
import { weightsOf } from "../weights.ts";
import type { Expected } from "./expected.ts";
import { type DifferenceMeter, difference } from "./measure.ts";
import { type Tally, tally } from "./tally.ts";

/** What every pass over the input needs. */
export interface Pass {
  readonly engine: Engine;
  readonly input: InputBatch;
  readonly batches: readonly PictureRange[];
  readonly tallies: Map<string, Tally>;
}

export interface Ran {
  /** featureShape filled in for the input. */
  readonly network: Network;
  /** Seconds. */
  readonly load: number;
}

/**
 * Opens a session with the subject's weights, lends it, closes it; errors name the subject's file. `run` times what is done without the
 * reading of weights, which counts as loading whenever it happens.
 */
export async function runSubject<T>(
  subject: Subject,
  { engine, input, batches }: Pick<Pass, "engine" | "input" | "batches">,
  ctx: Context,
  work: (session: Session, network: Network, run: (work: () => Promise<void>) => Promise<number>) => Promise<T>,
): Promise<T & Ran> {
  return locate({ file: subject.name }, async () => {
    const network = resolveFeatures(subject.identity.network, input.shape);
    const read = weightsOf(subject.checkpoint, subject.identity.roles, network, ctx);
    let reading = 0;
    const weights: Weights = async (role, axes) => {
      const since = performance.now();
      try {
        return await read(role, axes);
      } finally {
        reading += secondsSince(since);
      }
    };
    const started = performance.now();
    const session = await engine.open(network, weights, { shape: input.shape, once: batches.length === 1 }, ctx);
    const opening = secondsSince(started);
    const before = reading;
    try {
      const worked = await work(session, network, async (run) => {
        const since = reading;
        return (await timed(run)) - (reading - since);
      });
      return { ...worked, network, load: opening + (reading - before) };
    } finally {
      await session.close();
    }
  });
}

export interface FirstRun {
  /** Layers whose values are kept. */
  readonly kept: readonly (string | undefined)[];
  readonly expected: Expected | undefined;
  readonly spool: Spool | undefined;
}

/** FILE's first pass: tallies every layer, compares it with what is expected, or puts it aside for the other network. */
export async function firstRun(session: Session, { input, batches, tallies }: Pass, { kept, expected, spool }: FirstRun): Promise<void> {
  const pictures = input.shape[0] ?? 0;
  for (const { from, count } of batches) {
    const batch = await input.read(from, count);
    let since = performance.now();
    await session.run(batch, async (activation) => {
      const spent = secondsSince(since);
      const found = tally(tallies, activation, kept.includes(activation.layer));
      found.seconds += spent;
      await spool?.put(from, activation);
      if (expected?.layers.includes(activation.layer)) {
        const values = await expected.values(activation.layer, [pictures, ...activation.shape.slice(1)]);
        const size = values.length / pictures;
        found.difference.add(activation.values, values.subarray(from * size, (from + count) * size));
        found.compared = true;
      }
      since = performance.now();
    });
  }
}

export interface OtherRun extends Ran {
  readonly run: number;
  readonly device: Device;
  /** How far its layers are from those of the first run. */
  readonly meters: ReadonlyMap<string, DifferenceMeter>;
}

/** Another pass, of another network or on another engine: each layer compared with what `spool` holds of the first. */
export function runOther(other: Subject, pass: Pass, spool: Spool, ctx: Context): Promise<OtherRun> {
  const meters = new Map<string, DifferenceMeter>();
  return runSubject(other, pass, ctx, async (session, _network, timedRun) => {
    const run = await timedRun(async () => {
      for (const { from, count } of pass.batches) {
        await session.run(await pass.input.read(from, count), (theirs) =>
          compareSpooled(theirs, from, { tallies: pass.tallies, meters }, spool),
        );
      }
    });
    return { run, device: session.device, meters };
  });
}

interface Measured {
  readonly tallies: Map<string, Tally>;
  readonly meters: Map<string, DifferenceMeter>;
}

async function compareSpooled(theirs: Activation, batch: number, { tallies, meters }: Measured, spool: Spool): Promise<void> {
  const found = tallies.get(theirs.layer);
  const ours = await spool.get(batch, theirs.layer);
  if (found === undefined || ours === undefined) return;
  if (shapeText(ours.shape) !== shapeText(theirs.shape)) {
    found.problem = `${shapeText(ours.shape)} against ${shapeText(theirs.shape)}`;
    return;
  }
  const meter = meters.get(theirs.layer) ?? difference();
  meters.set(theirs.layer, meter);
  meter.add(ours.values, theirs.values);
  found.difference.add(ours.values, theirs.values);
  found.compared = true;
}

export interface PictureRange {
  readonly from: number;
  readonly count: number;
}

/** The pictures in runs of at most `size`. */
export function rangesOf(pictures: number, size: number): readonly PictureRange[] {
  return Array.from({ length: Math.ceil(pictures / size) }, (_, k) => ({ from: k * size, count: Math.min(size, pictures - k * size) }));
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return secondsSince(started);
}

export function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}
