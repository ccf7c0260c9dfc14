import { CheckpointError, locate } from "../errors.ts";
import type { Context } from "../io/context.ts";
import type { Identity } from "../model/identity.ts";
import type { Network } from "../model/network.ts";
import type { Checkpoint } from "../tensor/checkpoint.ts";
import { absentLayers } from "./absent.ts";
import type { InputBatch } from "./batch.ts";
import { type Compared, diagnose, type Pair } from "./diagnose.ts";
import type { Activation, Engine, Session } from "./engine.ts";
import type { Expected } from "./expected.ts";
import { resolveFeatures, shapeText } from "./geometry.ts";
import type { LayerResult, LayerValues, ToleranceRecord, VerifyRecord } from "./record.ts";
import { createSpool, type Spool } from "./spool.ts";
import { resultOf, type Tally, tally } from "./tally.ts";
import { toleranceFor } from "./tolerance.ts";
import { type Scores, topClasses } from "./top.ts";
import { firstWeightDivergence } from "./weight-check.ts";
import { weightsOf } from "./weights.ts";

/** A checkpoint that is recognised: what can be run. */
export interface Subject {
  /** As the person named it. */
  readonly name: string;
  readonly checkpoint: Checkpoint;
  readonly identity: Identity;
}

export interface RunOptions {
  readonly engine: Engine;
  /** What is run, in the range that the network expects. */
  readonly input: InputBatch;
  /** At most one of `other` and `expected`. */
  readonly other?: Subject;
  readonly expected?: Expected;
  /** Pictures that are run at once; 8. */
  readonly batch?: number;
  readonly rtol?: number;
  readonly atol?: number;
  /** Classes shown of each picture; 5. */
  readonly top?: number;
  readonly labels?: readonly string[];
  /** A layer whose outputs are kept for the record. */
  readonly descriptor?: string;
  readonly notes?: readonly string[];
}

/** conv1_1 of one 224×224 picture takes 13 MB: four stay far below the weights. */
const BATCH = 4;
const TOP = 5;
/** Values of one layer that a record holds: 40 MB of JSON. */
const MOST_VALUES = 2 ** 21;

/**
 * Runs one checkpoint, or two in their own layouts on the same input, and compares layer by layer. What cannot be run throws
 * (`unsupported`, `mismatch`, `not-found`, naming the file); what runs and differs is `pass: false`.
 */
export async function runVerify(subject: Subject, options: RunOptions, ctx: Context): Promise<VerifyRecord> {
  const started = performance.now();
  const { input, other, expected } = options;
  const pictures = input.shape[0] ?? 0;
  if (options.descriptor !== undefined) requireLayer(options.descriptor, subject.identity.network);
  const tolerance = toleranceFor(other === undefined ? [subject] : [subject, other], options);
  const batches = rangesOf(pictures, options.batch ?? BATCH);
  const tallies = new Map<string, Tally>();

  const spool = other === undefined ? undefined : await createSpool(ctx);
  const own = await runSubject(subject, options, ctx, async (session, network) => {
    const first = await timed(() => firstRun(session, network, batches, tallies, { ...options, spool }));
    if (other !== undefined || expected !== undefined) return { device: session.device, first };
    const warm = await timed(async () => {
      for (const { from, count } of batches) await session.run(await input.read(from, count), async () => {});
    });
    return { device: session.device, first, warm };
  });
  const theirs = other === undefined || spool === undefined ? undefined : await runOther(other, options, ctx, batches, tallies, spool);

  const absent =
    other === undefined || theirs === undefined ? undefined : absentLayers(own.network, theirs.network, subject.name, other.name);
  const outputs = [...[...tallies].map(([role, found]) => resultOf(role, found, pictures, tolerance)), ...(absent?.results ?? [])];
  const last = own.network.layers.at(-1)?.name ?? "";
  const scores = keptOf(last, tallies, pictures);
  const pair =
    other === undefined || theirs === undefined ? undefined : pairOf(subject, own.network, other, theirs.network, tolerance, ctx);
  const checked = pair === undefined ? outputs : await withWeights(outputs, pair);
  const firstDivergence = checked.find((layer) => !layer.pass)?.role ?? null;
  return {
    schema: "vggtool/verify/1",
    pass: firstDivergence === null,
    file: subject.name,
    other: other?.name ?? expected?.name ?? null,
    engine: { name: options.engine.id, version: own.device.version, device: own.device.device, deviceName: own.device.deviceName },
    input: { shape: input.shape, source: input.source, ...(input.names === undefined ? {} : { pictures: input.names }) },
    tolerance: other === undefined && expected === undefined ? null : tolerance,
    layers: checked,
    firstDivergence,
    diagnosis: firstDivergence === null || pair === undefined ? [] : await diagnose(firstDivergence, pair),
    logits: valuesOf(last, scores),
    top: topClasses(scores, own.network, options.top ?? TOP, options.labels),
    ...(options.descriptor === undefined
      ? {}
      : { descriptor: valuesOf(options.descriptor, keptOf(options.descriptor, tallies, pictures)) }),
    seconds: {
      load: own.load,
      first: own.first,
      ...(own.warm === undefined ? {} : { warm: own.warm }),
      ...(theirs === undefined ? {} : { other: theirs.load + theirs.run }),
      total: secondsSince(started),
    },
    peakMemory: process.resourceUsage().maxRSS * 1024,
    notes: [
      ...new Set([
        ...(options.notes ?? []),
        ...input.notes,
        ...subject.identity.assumed,
        ...(other?.identity.assumed ?? []),
        ...(absent?.notes ?? []),
        ...(scores.values.length > MOST_VALUES
          ? [`${scores.values.length} outputs are left out of the record, which holds ${MOST_VALUES}`]
          : []),
      ]),
    ],
  };
}

interface Ran {
  /** featureShape filled in for the input. */
  readonly network: Network;
  /** Seconds. */
  readonly load: number;
}

async function runSubject<T>(
  subject: Subject,
  options: RunOptions,
  ctx: Context,
  work: (session: Session, network: Network) => Promise<T>,
): Promise<T & Ran> {
  return locate({ file: subject.name }, async () => {
    const started = performance.now();
    const network = resolveFeatures(subject.identity.network, options.input.shape);
    const weights = weightsOf(subject.checkpoint, subject.identity.roles, network, ctx);
    const session = await options.engine.open(network, weights, options.input, ctx);
    try {
      const load = secondsSince(started);
      return { ...(await work(session, network)), network, load };
    } finally {
      await session.close();
    }
  });
}

async function firstRun(
  session: Session,
  network: Network,
  batches: readonly Range[],
  tallies: Map<string, Tally>,
  options: RunOptions & { readonly spool: Spool | undefined },
): Promise<void> {
  const { input, expected, spool } = options;
  const kept = [network.layers.at(-1)?.name, options.descriptor];
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

function runOther(other: Subject, options: RunOptions, ctx: Context, batches: readonly Range[], tallies: Map<string, Tally>, spool: Spool) {
  return runSubject(other, options, ctx, async (session) => {
    const run = await timed(async () => {
      for (const { from, count } of batches) {
        await session.run(await options.input.read(from, count), (theirs) => compareSpooled(theirs, from, tallies, spool));
      }
    });
    return { run };
  });
}

async function compareSpooled(theirs: Activation, batch: number, tallies: Map<string, Tally>, spool: Spool): Promise<void> {
  const found = tallies.get(theirs.layer);
  const ours = await spool.get(batch, theirs.layer);
  if (found === undefined || ours === undefined) return;
  if (shapeText(ours.shape) !== shapeText(theirs.shape)) {
    found.problem = `${shapeText(ours.shape)} against ${shapeText(theirs.shape)}`;
    return;
  }
  found.difference.add(ours.values, theirs.values);
  found.compared = true;
}

function requireLayer(layer: string, network: Network): void {
  const names = network.layers.map(({ name }) => name);
  if (!names.includes(layer)) throw new CheckpointError("usage", `${layer} is no layer of the network; these are: ${names.join(", ")}`);
}

/** The kept values of a layer for all pictures. */
function keptOf(layer: string, tallies: ReadonlyMap<string, Tally>, pictures: number): Scores {
  const found = tallies.get(layer);
  if (found === undefined) throw new TypeError(`the engine gave no ${layer}`);
  const values = new Float32Array(found.kept.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of found.kept) {
    values.set(part, at);
    at += part.length;
  }
  return { shape: [pictures, ...found.shape], values };
}

function valuesOf(layer: string, { shape, values }: Scores): LayerValues {
  return { layer, shape, values: values.length > MOST_VALUES ? [] : [...values] };
}

function pairOf(a: Subject, networkA: Network, b: Subject, networkB: Network, { rtol }: ToleranceRecord, ctx: Context): Pair {
  const [nameA, nameB] = shortNames(a.name, b.name);
  const side = (name: string, { checkpoint, identity: { roles } }: Subject, network: Network): Compared => {
    return { name, network, roles, weights: weightsOf(checkpoint, roles, network, ctx) };
  };
  return { a: side(nameA, a, networkA), b: side(nameB, b, networkB), rtol };
}

/** The two paths without the folders that both share: what sentences about two files need. */
function shortNames(a: string, b: string): readonly [string, string] {
  const [partsA, partsB] = [a.split("/"), b.split("/")];
  let shared = 0;
  while (shared < Math.min(partsA.length, partsB.length) - 1 && partsA[shared] === partsB[shared]) shared += 1;
  return [partsA.slice(shared).join("/"), partsB.slice(shared).join("/")];
}

/** Where all outputs agree, weights have to agree as well. */
async function withWeights(layers: readonly LayerResult[], pair: Pair): Promise<readonly LayerResult[]> {
  if (layers.some((layer) => !layer.pass)) return layers;
  const differs = await firstWeightDivergence(pair);
  const problem = "its weights differ, though its outputs agree for this input";
  return layers.map((layer) => (layer.role === differs ? { ...layer, pass: false, problem } : layer));
}

interface Range {
  readonly from: number;
  readonly count: number;
}

/** The pictures in runs of at most `size`. */
function rangesOf(pictures: number, size: number): readonly Range[] {
  return Array.from({ length: Math.ceil(pictures / size) }, (_, k) => ({ from: k * size, count: Math.min(size, pictures - k * size) }));
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return secondsSince(started);
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}
