import type { Compared } from "../compare/side.ts";
import { CheckpointError } from "../errors.ts";
import type { Context } from "../io/context.ts";
import { assumptionText } from "../model/assumption.ts";
import type { Network } from "../model/network/network.ts";
import type { Expected } from "./compare/expected.ts";
import { firstRun, type Pass, type Ran, rangesOf, runOther, runSubject, secondsSince } from "./compare/passes.ts";
import { resultOf, type Tally } from "./compare/tally.ts";
import { perLayer, toleranceFor } from "./compare/tolerance.ts";
import { type Scores, topClasses } from "./compare/top.ts";
import { absentLayers } from "./engines/absent.ts";
import type { Engine, Weights } from "./engines/engine.ts";
import type { SelfTest } from "./engines/self-test/self-test.ts";
import { createSpool } from "./engines/spool.ts";
import { diagnose, firstWeightDivergence } from "./explain/diagnose.ts";
import { diagnoseExpected } from "./explain/diagnose-expected.ts";
import { enginesApart, lowPrecision } from "./explain/engines-apart.ts";
import type { InputBatch } from "./input/batch.ts";
import type { LayerResult, LayerValues, RunRecord, ToleranceRecord, VerifyRecord } from "./record.ts";
import { engineRecord, runRecord, type TestedEngine } from "./run-record.ts";
import type { Subject } from "./subject.ts";
import { type Change, weightsOf } from "./weights.ts";

export interface ForwardOptions {
  readonly engine: Engine;
  /** What the engine computed of the network's layers before; absent where it was not asked to. */
  readonly selfTest?: SelfTest;
  /** What is run, in the range that the network expects. */
  readonly input: InputBatch;
  /** Engines that run the same, to be compared with the first. */
  readonly moreEngines?: readonly TestedEngine[];
  /** At most one of `other` and `expected`. */
  readonly other?: Subject;
  readonly expected?: Expected;
  /** Pictures that are run at once; 4. */
  readonly batch?: number;
  readonly rtol?: number;
  readonly atol?: number;
  /** Classes shown of each picture; 5. */
  readonly top?: number;
  readonly labels?: readonly string[];
  /** A layer whose outputs are kept for the record. */
  readonly descriptor?: string;
  /** Gets the descriptor, or the logits where none is asked for, of all pictures. */
  readonly save?: (values: Scores) => Promise<void>;
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
export async function runVerify(subject: Subject, options: ForwardOptions, ctx: Context): Promise<VerifyRecord> {
  const started = performance.now();
  const { input, other, expected } = options;
  const pictures = input.shape[0] ?? 0;
  if (options.descriptor !== undefined) requireLayer(options.descriptor, subject.identity.network);
  const common = toleranceFor(other === undefined ? [subject] : [subject, other], options);
  const tolerance = expected?.perLayer === true ? perLayer(common, subject.identity.network) : common;
  const tallies = new Map<string, Tally>();
  const pass: Pass = { engine: options.engine, input, batches: rangesOf(pictures, options.batch ?? BATCH), tallies };

  const { moreEngines = [] } = options;
  const first: TestedEngine = { engine: options.engine, selfTest: options.selfTest };
  const spool = other === undefined && moreEngines.length === 0 ? undefined : await createSpool(ctx);
  const own = await runSubject(subject, pass, ctx, async (session, network, run) => {
    const kept = [network.layers.at(-1)?.name, options.descriptor];
    const firstSeconds = await run(() => firstRun(session, pass, { kept, expected, spool }));
    // A folder of pictures is not gone through twice for a timing, and weights are not read twice.
    const isTimed = spool === undefined && expected === undefined && pass.batches.length === 1 && session.readsInTurn !== true;
    if (!isTimed) return { device: session.device, first: firstSeconds };
    const warm = await run(async () => {
      for (const { from, count } of pass.batches) await session.run(await input.read(from, count), async () => {});
    });
    return { device: session.device, first: firstSeconds, warm };
  });
  const theirs = other === undefined || spool === undefined ? undefined : await runOther(other, pass, spool, ctx);
  const runs: RunRecord[] = [];
  if (other !== undefined && theirs !== undefined && moreEngines.length > 0) {
    runs.push(runRecord(other.name, first, theirs, tolerance));
  }
  for (const tested of moreEngines) {
    if (spool === undefined) break;
    for (const each of other === undefined ? [subject] : [subject, other]) {
      const ran = await runOther(each, { ...pass, engine: tested.engine }, spool, ctx);
      runs.push(runRecord(each.name, tested, ran, tolerance));
    }
  }

  const absent =
    other === undefined || theirs === undefined ? undefined : absentLayers(own.network, theirs.network, subject.name, other.name);
  const outputs = [...[...tallies].map(([role, found]) => resultOf(role, found, pictures, tolerance)), ...(absent?.results ?? [])];
  const last = own.network.layers.at(-1)?.name ?? "";
  const scores = keptOf(last, tallies, pictures);
  const descriptor = options.descriptor === undefined ? undefined : keptOf(options.descriptor, tallies, pictures);
  await options.save?.(descriptor ?? scores);
  const pair = other === undefined || theirs === undefined ? undefined : pairOf({ ...subject, ...own }, { ...other, ...theirs }, tolerance);
  const checked = pair === undefined ? outputs : await withWeights(outputs, pair, ctx);
  const firstDivergence = checked.find((layer) => !layer.pass)?.role ?? null;
  const explained = async (): Promise<readonly string[]> => {
    if (firstDivergence === null) return [];
    const engines = enginesApart(firstDivergence, subject.name, runs);
    if (engines.length > 0) return [...engines, ...lowPrecision(checked, firstDivergence)];
    if (pair !== undefined) return diagnose(firstDivergence, pair, ctx);
    const { checkpoint, identity } = subject;
    const weights = (change?: Change): Weights => weightsOf(checkpoint, identity.roles, own.network, ctx, change);
    if (expected === undefined) return [];
    const found = await diagnoseExpected({ ...own, weights, engine: options.engine, input, expected, tolerance }, ctx);
    return found.length > 0 ? found : lowPrecision(checked, firstDivergence);
  };
  return {
    schema: "vggtool/verify/1",
    pass: firstDivergence === null,
    file: subject.name,
    other: other?.name ?? expected?.name ?? null,
    engine: engineRecord(first, own.device),
    input: { shape: input.shape, source: input.source, ...(input.names === undefined ? {} : { pictures: input.names }) },
    tolerance: spool === undefined && expected === undefined ? null : tolerance,
    ...(runs.length === 0 ? {} : { runs }),
    layers: checked,
    firstDivergence,
    diagnosis: await explained(),
    logits: valuesOf(last, scores),
    top: topClasses(scores, own.network, options.top ?? TOP, options.labels),
    ...(options.descriptor === undefined || descriptor === undefined ? {} : { descriptor: valuesOf(options.descriptor, descriptor) }),
    seconds: {
      ...(options.selfTest === undefined ? {} : { selfTest: options.selfTest.seconds }),
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
        ...[subject, ...(other === undefined ? [] : [other])].flatMap(({ identity, notes = [] }) => [
          ...identity.assumed.map(assumptionText),
          ...notes,
        ]),
        ...(absent?.notes ?? []),
        ...(expected?.notes ?? []),
        ...(scores.values.length > MOST_VALUES
          ? [`${scores.values.length} outputs are left out of the record, which holds ${MOST_VALUES}`]
          : []),
      ]),
    ],
  };
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

type Side = Subject & Ran;

function pairOf(a: Side, b: Side, { rtol }: ToleranceRecord): Compared {
  const [nameA, nameB] = shortNames(a.name, b.name);
  const side = (name: string, { checkpoint, identity, network }: Side): Compared["a"] => ({
    name,
    checkpoint,
    // Of several networks in a file the first is run, and no other is compared.
    identity: { ...identity, network, bodies: [identity] },
  });
  return { a: side(nameA, a), b: side(nameB, b), rtol };
}

/** The two paths without the folders that both share: what sentences about two files need. */
function shortNames(a: string, b: string): readonly [string, string] {
  const [partsA, partsB] = [a.split("/"), b.split("/")];
  let shared = 0;
  while (shared < Math.min(partsA.length, partsB.length) - 1 && partsA[shared] === partsB[shared]) shared += 1;
  // Two paths that share no more than the root stay as they are.
  return shared === 1 && partsA[0] === "" ? [a, b] : [partsA.slice(shared).join("/"), partsB.slice(shared).join("/")];
}

/** Where all outputs agree, weights have to agree as well. */
async function withWeights(layers: readonly LayerResult[], pair: Compared, ctx: Context): Promise<readonly LayerResult[]> {
  if (layers.some((layer) => !layer.pass)) return layers;
  const differs = await firstWeightDivergence(pair, ctx);
  const problem = "its weights differ, though its outputs agree for this input";
  return layers.map((layer) => (layer.role === differs ? { ...layer, pass: false, problem } : layer));
}
