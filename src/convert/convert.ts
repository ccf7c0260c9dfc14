import { locate } from "../errors.ts";
import type { Context } from "../io/context.ts";
import { outputSet } from "../io/output/output.ts";
import { readBack } from "../io/output/read-back.ts";
import { join } from "../io/path.ts";
import type { FileSet } from "../io/source/source.ts";
import { window } from "../io/source/window.ts";
import { openSet } from "../open.ts";
import { itemsize } from "../tensor/dtype.ts";
import { elementCount } from "../tensor/shape.ts";
import { refuseIgnored } from "../text/ignored.ts";
import { execute } from "../writers/execute.ts";
import type { NamedOutput } from "../writers/sharded.ts";
import { type Decided, decide } from "./decide.ts";
import { conversionOptions } from "./ignored.ts";
import type { ConvertOptions } from "./options.ts";
import { partOfCheckpoint } from "./part.ts";
import { type Ledger, makeLedger } from "./plan/ledger.ts";
import type { Plan } from "./plan/plan-types.ts";
import { checkOutput } from "./run/check.ts";
import { layoutsFor } from "./run/layouts.ts";
import { olderOutput, openedBy, refuseFullDisk, refuseInputs, refuseOlder } from "./run/older.ts";
import { runPlan } from "./run/run.ts";
import type { Input } from "./target/conversion-target.ts";
import { withImageMean } from "./target/image-mean.ts";
import { type OutputPlace, outputPlace } from "./target/output-name.ts";
import type { ConvertRequest } from "./target/request.ts";
import { findTarget } from "./target/targets.ts";

export interface ConvertResult {
  readonly plan: Plan;
  readonly ledger: Ledger;
  /** Sentences for people. */
  readonly warnings: readonly string[];
  /** Paths, the entry last; empty for a dry run. */
  readonly files: readonly string[];
  /** What a person would open next. */
  readonly output: string;
  /** Of all files. */
  readonly bytes: number;
  readonly checked: boolean;
  readonly seconds: number;
}

/** Where a conversion would write; its folder is the place for temporary files. Throws `usage` for an unknown target. */
export function convertPlace(options: ConvertOptions, input: string | undefined, like: boolean): OutputPlace {
  return outputPlace(findTarget(options.to, options.out, like || options.naming !== undefined), options.out, input);
}

/**
 * Converts a checkpoint that was opened with `ctx.values`. The output appears whole or not at all, and only after every tensor was
 * read back and compared (unless `options.check` is false). Throws CheckpointError: `usage`, `unsupported`, `mismatch`, `io` …
 */
export async function convertCheckpoint(request: ConvertRequest, given: ConvertOptions, ctx: Context): Promise<ConvertResult> {
  const started = performance.now();
  const { checkpoint, input } = request;
  const { options, known, decided, place } = await prepare(request, given, ctx);
  const { plan, target } = decided;
  const run = runPlan(plan, target.own.size === 0 ? checkpoint.tensors : new Map([...checkpoint.tensors, ...target.own]));
  const finish = (files: readonly string[], output: string, bytes: number, checked: boolean): ConvertResult => ({
    plan,
    ledger: makeLedger(plan, checkpoint.tensors, run.losses, decided.layers),
    warnings: [...decided.warnings, ...run.warnings],
    files,
    output,
    bytes,
    checked,
    seconds: (performance.now() - started) / 1000,
  });
  // Without shards the name is known before the files are laid out, which a dry run leaves to the next run.
  if (options.dryRun === true && options.maxShardSize === undefined) return finish([], place.path, 0, false);
  const { layouts, close } = await layoutsFor(decided, known, options, place, ctx);
  const opened = openedBy(place, layouts, target.row);
  if (options.dryRun === true) {
    await close();
    return finish([], opened, 0, false);
  }
  const force = options.force === true;
  const reads: readonly Input[] = [input === undefined ? { checkpoint } : { checkpoint, path: input }, ...target.reads];
  const older = olderOutput(place, layouts, target.row);
  const set = outputSet(place.folder, { force, durable: options.durable === true, output: place.path, replaces: older });
  try {
    const paths = layouts.map(({ name }) => join(place.folder, name));
    for (const read of reads) refuseInputs(paths, older, read);
    refuseOlder(older, force);
    refuseFullDisk(layouts, place);
    const checks = options.check !== false;
    ctx.begin?.("converting", bytesOf(plan));
    await ctx.recruit?.(bytesOf(plan));
    const outputs = await execute(layouts, run, checks ? readBack(set, ctx) : set, ctx);
    const entry = outputs.at(-1);
    if (entry === undefined) throw new Error("a writer without files");
    const bytes = outputs.reduce((sum, { file }) => sum + file.size, 0);
    const checked = checks && target.format.read !== undefined;
    if (checked) await check(decided, outputs, entry.name, run, ctx);
    for (const read of reads) read.checkpoint.opened?.refuseChanged("nothing was written");
    await set.commit(entry.name);
    return finish(
      outputs.map(({ name }) => join(place.folder, name)),
      opened,
      bytes,
      checked,
    );
  } catch (error) {
    await set.abort();
    throw error;
  } finally {
    await close();
  }
}

/** Plans a conversion and lays its files out, and writes nothing: throws what the conversion would before its first byte. */
export async function rehearse(request: ConvertRequest, given: ConvertOptions, ctx: Context): Promise<void> {
  const { options, known, decided, place } = await prepare(request, given, ctx);
  const { close } = await layoutsFor(decided, known, options, place, ctx);
  await close();
}

interface Prepared {
  readonly options: ConvertOptions;
  /** The request, of the part that is taken. */
  readonly known: ConvertRequest;
  readonly decided: Decided;
  readonly place: OutputPlace;
}

async function prepare(request: ConvertRequest, given: ConvertOptions, ctx: Context): Promise<Prepared> {
  const { checkpoint, input } = request;
  const part = given.part === undefined ? undefined : partOfCheckpoint(given.part, checkpoint, request.identity);
  const options: ConvertOptions = part === undefined ? given : { ...given, only: part.keys };
  const identity = await withImageMean(part === undefined ? request.identity : part.identity, checkpoint, ctx);
  const known = { ...request, identity };
  const decided = await decide(known, options);
  const facts = { options, target: decided.target, network: request.identity?.network, like: request.like !== undefined };
  refuseIgnored(conversionOptions, facts);
  return { options, known, decided, place: outputPlace(decided.target.row, options.out, input) };
}

/** Of what is written, without the format's own. */
function bytesOf({ moves }: Plan): number {
  return moves.reduce((sum, { toShape, toDtype }) => sum + elementCount(toShape) * itemsize(toDtype), 0);
}

async function check(
  { target, plan }: Decided,
  outputs: readonly NamedOutput[],
  entry: string,
  run: ReturnType<typeof runPlan>,
  ctx: Context,
): Promise<void> {
  await locate({ file: entry }, async () => {
    const written = await openSet(writtenSet(outputs), entry, ctx, { from: target.format.id, amplified: true });
    try {
      await checkOutput(written, plan, run, ctx);
    } finally {
      await written.close();
    }
  });
}

/** The files that are written and not there yet, as a set to open. */
function writtenSet(outputs: readonly NamedOutput[]): FileSet {
  const files = new Map(outputs.map(({ name, file }) => [name, file]));
  return {
    name: "output",
    open: async (name) => {
      const file = files.get(name);
      return file === undefined ? undefined : window(file, 0, file.size, file.name);
    },
    list: async () => [...files.keys()].sort(),
  };
}
