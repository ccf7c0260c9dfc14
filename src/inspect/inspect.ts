import { CheckpointError } from "../errors.ts";
import type { Context } from "../io/context.ts";
import type { Assumption } from "../model/assumption.ts";
import { identify } from "../model/identify.ts";
import type { Body, ForeignLayer, Identity } from "../model/identity.ts";
import type { Config } from "../model/network/network.ts";
import type { Checkpoint, Inert } from "../tensor/checkpoint.ts";
import { withRealNumbers } from "../tensor/dequantised.ts";
import type { Statistics } from "../tensor/statistics/statistics.ts";
import { audit, worstFirst } from "./audit.ts";
import type { Finding } from "./findings/check.ts";
import type { LayerRow } from "./layers/row.ts";
import type { LayerTotals } from "./layers.ts";
import { type ListOptions, list, type TensorRecord, type Totals } from "./list.ts";

/** What a network was recognised as; field names are part of the command-line contract. */
export interface ArchitectureRecord {
  readonly family: "vgg";
  readonly config: Config;
  readonly name: string;
  readonly batchNorm: boolean;
  readonly classes: number | null;
  /** Height, width, channels of the image; null where the file does not say. */
  readonly input: readonly [number, number, number] | null;
  readonly inputChannels: number;
  readonly widths: readonly number[];
  readonly scheme: string | null;
  /** Every layer is there and read, and no other layers stand where its head would be. */
  readonly complete: boolean;
  /** The last of its layers that is there. */
  readonly through: string;
  readonly missing: readonly { readonly role: string; readonly why: string }[];
  /** What all its keys begin with. */
  readonly prefix: string;
  /** Whether the file itself says how its layers compute. */
  readonly geometry: "stated" | "assumed";
  readonly confidence: "sure" | "likely" | "unknown";
  readonly evidence: readonly string[];
}

export interface InspectRecord {
  readonly schema: "vggtool/inspect/1";
  readonly file: string;
  readonly format: string;
  readonly variant: string;
  readonly bytes: number;
  readonly files: readonly string[];
  readonly tensors: readonly TensorRecord[];
  readonly totals: Totals;
  /** The first and largest of `bodies`. */
  readonly architecture: ArchitectureRecord | null;
  /** Every VGG of the file. */
  readonly bodies: readonly ArchitectureRecord[];
  /** The network that the VGG is a part of, where its keys are known. */
  readonly host: { readonly name: string; readonly key: string } | null;
  /** Layers of the file that are none of a VGG's; empty where no VGG was recognised. */
  readonly foreign: readonly ForeignLayer[];
  readonly findings: readonly Finding[];
  /** What is taken from a convention or a rule and not from the file. */
  readonly assumed: readonly Assumption[];
  /** With `layers`: null where neither the file nor the network says what its layers are. */
  readonly layers?: readonly LayerRow[] | null;
  readonly layerTotals?: LayerTotals;
  readonly metadata: ReadonlyMap<string, Inert>;
}

export interface InspectCheckpointOptions extends ListOptions {
  readonly layers?: boolean;
  /** Paths of the Python files that built the network. */
  readonly source?: string | readonly string[];
  /** Height, width, channels of the picture, where the file does not say. */
  readonly inputSize?: readonly [height: number, width: number, channels?: number | undefined];
}

/** The record of an inspection, and what it was made of. */
export interface Inspected {
  readonly record: InspectRecord;
  /** As it was read: quantised tensors as real numbers where a network was recognised. */
  readonly checkpoint: Checkpoint;
  readonly identity: Identity | undefined;
  /** By tensor name; with `stats`. */
  readonly statistics: ReadonlyMap<string, Statistics> | undefined;
}

/** Lists, identifies and audits an opened checkpoint. Reads headers only, unless the options ask for values. */
export async function inspectCheckpoint(
  file: string,
  opened: Checkpoint,
  ctx: Context,
  options: InspectCheckpointOptions = {},
): Promise<InspectRecord> {
  return (await inspectIdentified(file, opened, ctx, options)).record;
}

/** `heads`: statistics also sum up the weights of each output of fully connected layers. */
export interface IdentifiedOptions extends InspectCheckpointOptions {
  readonly heads?: boolean;
}

/** The same, with what the record was made of, for those who go on from there. */
export async function inspectIdentified(
  file: string,
  opened: Checkpoint,
  ctx: Context,
  options: IdentifiedOptions = {},
): Promise<Inspected> {
  const size: readonly [number, number] | undefined =
    options.inputSize === undefined ? undefined : [options.inputSize[0], options.inputSize[1]];
  const whole = withRealNumbers(opened);
  refuseObjectsAlone(whole);
  const identity = identify(whole, size === undefined ? {} : { inputSize: size });
  // Quantised tensors that belong to no network are named, and not listed.
  const checkpoint = identity === undefined ? opened : whole;
  // What a plain inspection does without is loaded only when it is asked for: starting is most of its time.
  const table =
    options.layers === true
      ? (await import("./layers.ts")).layerTable(checkpoint, identity, size === undefined ? {} : { inputSize: size })
      : undefined;
  if (options.hash === true || options.stats === true) await ctx.recruit?.(checkpoint.bytes);
  if (options.hash === true) ctx.begin?.("hashing", checkpoint.bytes);
  const { tensors, totals } = await list(checkpoint, identity, ctx, options);
  const stats = options.stats === true ? await import("./stats.ts") : undefined;
  if (stats !== undefined) ctx.begin?.("statistics", checkpoint.bytes);
  const found = await stats?.statistics(checkpoint, ctx, { identity, heads: options.heads });
  const source = options.source === undefined ? [] : await sourceFindings(options.source, identity);
  const audited = await audit({
    checkpoint,
    ctx,
    ...(identity === undefined ? {} : { identity }),
    ...(found === undefined ? {} : { statistics: found }),
  });
  // Headers are read in an instant; values take a while, and are meant to be of one state of the file.
  if (ctx.values) checkpoint.opened?.refuseChanged("its values would be a mixture");
  const record: InspectRecord = {
    schema: "vggtool/inspect/1",
    file,
    format: checkpoint.format,
    variant: checkpoint.variant,
    bytes: checkpoint.bytes,
    files: checkpoint.files,
    tensors: stats === undefined || found === undefined ? tensors : withStats(tensors, found, stats.statsRecord),
    totals,
    architecture: identity === undefined ? null : architecture(identity),
    bodies: identity?.bodies.map(architecture) ?? [],
    host: identity?.host ?? null,
    foreign: identity?.foreign ?? [],
    findings: worstFirst(withSource(audited, source)),
    assumed: identity?.assumed ?? [],
    ...(options.layers === true ? { layers: table?.layers ?? null } : {}),
    ...(table === undefined ? {} : { layerTotals: table.totals }),
    metadata: checkpoint.metadata,
  };
  return { record, checkpoint, identity, statistics: found };
}

async function sourceFindings(paths: string | readonly string[], identity: Identity | undefined): Promise<readonly Finding[]> {
  const { readSources } = await import("./source/read-source.ts");
  return (await readSources(typeof paths === "string" ? [paths] : paths, identity)).flatMap(({ findings }) => findings);
}

/** The line in the source that explains missing layers takes the place of the guess at their cause. */
function withSource(audited: readonly Finding[], source: readonly Finding[]): readonly Finding[] {
  const explained = new Set(source.flatMap((finding) => finding.layers));
  const guess = (finding: Finding): boolean =>
    finding.code === "layers-unregistered" && finding.layers.every((layer) => explained.has(layer));
  return [...audited.filter((finding) => !guess(finding)), ...source];
}

function withStats(
  tensors: readonly TensorRecord[],
  found: ReadonlyMap<string, Statistics>,
  statsRecord: typeof import("./stats.ts")["statsRecord"],
): readonly TensorRecord[] {
  return tensors.map((tensor) => {
    const of = found.get(tensor.name);
    return of === undefined ? tensor : { ...tensor, stats: statsRecord(of, tensor.dtype) };
  });
}

/** Unknown objects beside tensors are findings; a file that holds nothing else cannot be read. */
function refuseObjectsAlone({ tensors, notes }: Checkpoint): void {
  const objects = notes.filter((note) => note.code === "unknown-object");
  const first = objects[0];
  if (tensors.size > 0 || first === undefined) return;
  throw new CheckpointError("unsupported", `it holds no tensors, only objects that are not read: ${first.message}`, {
    ...(first.offset === undefined ? {} : { offset: first.offset }),
    ...(first.fix === undefined ? {} : { hint: first.fix }),
  });
}

export function architecture(body: Body): ArchitectureRecord {
  const { network } = body;
  const size = network.inputSize;
  return {
    family: network.family,
    config: network.config,
    name: network.name,
    batchNorm: network.batchNorm,
    classes: network.classes ?? null,
    input: size === undefined ? null : [size[0], size[1], network.inputChannels],
    inputChannels: network.inputChannels,
    widths: network.widths,
    scheme: body.scheme ?? null,
    complete: network.complete,
    through: body.through,
    missing: body.missing.map(({ role, why }) => ({ role, why })),
    prefix: body.prefix,
    geometry: body.geometry,
    confidence: body.confidence,
    evidence: body.evidence,
  };
}
