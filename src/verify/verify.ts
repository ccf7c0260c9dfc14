import { CheckpointError, isCheckpointError, locate } from "../errors.ts";
import type { Context } from "../io/context.ts";
import { defaultSize, resolveFeatures } from "../model/geometry/shapes.ts";
import { identify } from "../model/identify.ts";
import type { Identity } from "../model/identity.ts";
import { labelsOf } from "../model/labels.ts";
import type { Network } from "../model/network/network.ts";
import type { Readings } from "../model/readings.ts";
import { open } from "../open.ts";
import type { Checkpoint } from "../tensor/checkpoint.ts";
import { type CheckpointInput, nameOfInput } from "../tensor/checkpoint-input.ts";
import { withRealNumbers } from "../tensor/dequantised.ts";
import { refuseIgnored } from "../text/ignored.ts";
import type { Expected } from "./compare/expected.ts";
import type { Scores } from "./compare/top.ts";
import type { Engine } from "./engines/engine.ts";
import { chooseEngines, type EnginesChoice } from "./engines/engines.ts";
import { type SelfTest, selfTest } from "./engines/self-test/self-test.ts";
import { verificationOptions } from "./ignored.ts";
import { heldBatch, type InputBatch, madeBatch } from "./input/batch.ts";
import { type InputLayout, inputFrom } from "./input/input.ts";
import { ASSUMED_LABELS, assumedLabels, readLabels } from "./input/labels.ts";
import { photos } from "./input/photo.ts";
import { contractFor, pairOf } from "./input/picture-options.ts";
import { findPictures, pictureBatch } from "./input/pictures.ts";
import { type Watch, watched } from "./input/watched.ts";
import type { VerifyRecord } from "./record.ts";
import { type ForwardOptions, runVerify } from "./run.ts";
import { runnable } from "./runnable.ts";
import { saveValues } from "./save.ts";
import type { Subject } from "./subject.ts";
import { withExpected } from "./with-expected.ts";

export interface VerifyOptions extends EnginesChoice, Readings {
  /** false: the engine's numbers are believed without computing the network's layers with it first. */
  readonly selfTest?: boolean;
  /** Read the checkpoint as this format. */
  readonly from?: string;
  /** Values of which the files hold a tiny part are read all the same. */
  readonly amplified?: boolean;
  /** Another checkpoint of the same network, run in its own layout. */
  readonly other?: CheckpointInput;
  /** Expected values: .npy with logits, .npz or safetensors with outputs by layer, or a folder of them. Not together with `other`. */
  readonly expect?: string;
  /** An .npy with a batch, a picture, or a folder of pictures; without it photo-like pictures are generated. */
  readonly input?: string;
  readonly inputLayout?: InputLayout;
  /** Height, width of generated pictures. */
  readonly inputSize?: readonly [height: number, width: number];
  /** One generated picture each; [0]. */
  readonly seeds?: readonly number[];
  /** Epsilon of batch norm, for a file that does not say its own. */
  readonly bnEpsilon?: number;
  /** The same for `other`, where it is not that of the first. */
  readonly otherBnEpsilon?: number;
  readonly rtol?: number;
  readonly atol?: number;
  /** Pictures that are run at once. */
  readonly batch?: number;
  readonly top?: number;
  /** A file with class names; without it the checkpoint's own. */
  readonly labels?: string;
  /** How pictures are prepared: a preset's name or a JSON file; without it the checkpoint's own. */
  readonly preprocess?: string;
  /** The last layer to run: `conv4_3`; without it the whole network. */
  readonly until?: string;
  /** A layer whose outputs go into the record. */
  readonly descriptor?: string;
  /** Where the descriptor (or the logits, where none is asked for) of all pictures is saved: an .npy, N first. */
  readonly output?: string;
  /** Replace `output` where it exists. */
  readonly force?: boolean;
  /** Two pictures whose descriptors (fc7 unless `descriptor` names another layer) are compared. */
  readonly pair?: readonly [string, string];
  /** Sees each picture as the network is given it. */
  readonly onPictures?: Watch;
}

const NO_INPUT = "no --input was given: the expected values are compared with outputs for generated pictures";

/**
 * Opens, recognises and runs a checkpoint; compares it where there is something to compare with. Throws CheckpointError for
 * what cannot be run; a comparison that fails is `pass: false`.
 */
export async function verifyCheckpoint(input: CheckpointInput, options: VerifyOptions, ctx: Context): Promise<VerifyRecord> {
  const { other, expect } = options;
  if (other !== undefined && expect !== undefined) {
    throw new CheckpointError("usage", "a second checkpoint and --expect were given; one thing can be compared with at a time");
  }
  if (Array.isArray(options.engine) && options.engine.length > 1 && expect !== undefined) {
    throw new CheckpointError("usage", "several engines and --expect were given; the expected values are compared with one engine's", {
      hint: `--engine ${String(options.engine[0])}`,
    });
  }
  if (options.batch !== undefined && options.batch < 1)
    throw new CheckpointError("usage", `--batch ${options.batch} was given, needed 1 or more`);
  if (options.pair !== undefined && options.input !== undefined) {
    throw new CheckpointError("usage", "--pair and --input were given; the two pictures of --pair are the input");
  }
  if (options.otherBnEpsilon !== undefined && other === undefined) {
    throw new CheckpointError("usage", "--other-bn-epsilon was given, needed a second checkpoint");
  }
  return withSubject(input, options, ctx, (subject) => {
    const { from: _, otherBnEpsilon, ...rest } = options;
    // How the first file is to be read says nothing of the other.
    const { kernels: _kernels, moments: _moments, flatten: _flatten, dropoutFactor: _factor, ...shared } = rest;
    const theirs = otherBnEpsilon === undefined ? shared : { ...shared, bnEpsilon: otherBnEpsilon };
    if (other !== undefined) return withSubject(other, theirs, ctx, (second) => run(subject, options, ctx, { other: second }));
    if (expect === undefined) return run(subject, options, ctx, {});
    return withExpected(expect, subject.identity, options, ctx, (expected) => run(subject, options, ctx, { expected }));
  });
}

async function run(
  subject: Subject,
  options: VerifyOptions,
  ctx: Context,
  against: { readonly other?: Subject; readonly expected?: Expected },
): Promise<VerifyRecord> {
  const { network } = subject.identity;
  const input = watched(await inputOf(subject, options, ctx), options.onPictures, subject.identity.preprocessing?.channels);
  const tested = (engine: Engine): Promise<SelfTest> => selfTest(engine, resolveFeatures(network, input.shape), input.shape, ctx);
  const chosen = await chooseEngines(options, options.selfTest === false ? undefined : tested);
  const { engine, selfTest: passed } = chosen.first;
  const carried = labelsOf(subject.checkpoint) ?? (against.other === undefined ? undefined : labelsOf(against.other.checkpoint));
  const labels = options.labels === undefined ? carried : await readLabels(options.labels, network.classes, ctx);
  const assumed = labels === undefined ? await assumedLabels(network) : undefined;
  const descriptor = options.descriptor ?? (options.pair === undefined ? undefined : descriptorLayer(network));
  const { batch, rtol, atol, top, pair, output } = options;
  const said = [
    ...chosen.notes,
    ...(assumed === undefined ? [] : [ASSUMED_LABELS]),
    ...(against.expected === undefined || options.input !== undefined || pair !== undefined ? [] : [NO_INPUT]),
  ];
  const unchanged = (): void => {
    for (const each of [subject, against.other]) each?.checkpoint.opened?.refuseChanged("the outputs would be those of a mixture");
  };
  const record = await runVerify(
    subject,
    {
      engine,
      input,
      notes: said,
      ...(passed === undefined ? {} : { selfTest: passed }),
      ...(chosen.more.length === 0 ? {} : { moreEngines: chosen.more }),
      ...against,
      ...(output === undefined
        ? {}
        : {
            save: async (values: Scores) => {
              unchanged();
              await saveValues(output, values, options.force === true);
            },
          }),
      ...defined({ batch, rtol, atol, top, labels: labels ?? assumed, descriptor }),
    },
    ctx,
  );
  unchanged();
  return pair === undefined ? record : { ...record, pair: pairOf(record, pair) };
}

type Wishes = Pick<ForwardOptions, "batch" | "rtol" | "atol" | "top" | "labels" | "descriptor">;

/** Only what is there: an option that is absent and one that is undefined are not the same. */
function defined({ batch, rtol, atol, top, labels, descriptor }: { readonly [K in keyof Wishes]: Wishes[K] | undefined }): Wishes {
  return {
    ...(batch === undefined ? {} : { batch }),
    ...(rtol === undefined ? {} : { rtol }),
    ...(atol === undefined ? {} : { atol }),
    ...(top === undefined ? {} : { top }),
    ...(labels === undefined ? {} : { labels }),
    ...(descriptor === undefined ? {} : { descriptor }),
  };
}

/** The layer that faces are compared by: the last but one fully connected one, fc7; the last of a network without. */
function descriptorLayer({ layers }: Network): string {
  const fc = layers.filter((layer) => layer.kind === "fc");
  return (fc.at(-2) ?? layers.at(-1))?.name ?? "";
}

async function inputOf(subject: Subject, options: VerifyOptions, ctx: Context): Promise<InputBatch> {
  const { network } = subject.identity;
  const { input, pair } = options;
  const found = input === undefined ? undefined : await findPictures(input);
  const kind = pair !== undefined || found?.pictures === true ? "pictures" : input === undefined ? "generated" : "batch";
  refuseIgnored(verificationOptions, { options, network, input: kind });
  if (pair !== undefined) return pictures(pair, pair.join(" and "), subject, options, ctx);
  if (input === undefined || found === undefined) return generated(subject, options);
  if (found.pictures) return pictures(found.paths, input, subject, options, ctx);
  return heldBatch(await withInput(input, options, ctx, (file) => inputFrom(file, input, network, options.inputLayout, ctx)), input);
}

async function pictures(
  paths: readonly string[],
  source: string,
  subject: Subject,
  options: VerifyOptions,
  ctx: Context,
): Promise<InputBatch> {
  const contract = await contractFor(subject.identity, options.preprocess, subject.name);
  const sized = options.inputSize === undefined ? contract : { ...contract, size: options.inputSize };
  return pictureBatch(paths, source, subject.identity.network, sized, ctx);
}

function generated({ identity }: Subject, options: VerifyOptions): InputBatch {
  const { network } = identity;
  const { height, width, assumed } = options.inputSize === undefined ? defaultSize(network) : sized(options.inputSize);
  const seeds = options.seeds ?? [0];
  const source = `generated, ${seeds.length === 1 ? "seed" : "seeds"} ${seeds.join(", ")}`;
  const picture = [network.inputChannels, height, width] as const;
  return madeBatch(
    [seeds.length, ...picture],
    () => photos(seeds, picture, identity.preprocessing).values,
    source,
    assumed === undefined ? [] : [assumed],
  );
}

function sized([height, width]: readonly [number, number]): ReturnType<typeof defaultSize> {
  return { height, width };
}

/** Opens and recognises a checkpoint, lends it, closes it. Throws `unsupported` where it is no network that can be run. */
async function withSubject<T>(
  input: CheckpointInput,
  options: VerifyOptions,
  ctx: Context,
  work: (subject: Subject) => Promise<T>,
): Promise<T> {
  const { from, amplified } = options;
  const path = nameOfInput(input);
  const checkpoint = withRealNumbers(await open(input, ctx, { from, amplified }));
  try {
    const { identity, unused } = identified(checkpoint, options);
    const hint = `vggtool inspect ${path}`;
    if (identity === undefined) {
      throw new CheckpointError("unsupported", "no VGG network was recognised in it, and only those can be run", { file: path, hint });
    }
    const { network, note } = await locate({ file: path, hint }, async () => runnable(identity.network, options.until));
    const notes = [unused, note].flatMap((sentence) => sentence ?? []);
    return await work({ name: path, checkpoint, identity: { ...identity, network }, notes });
  } finally {
    await checkpoint.close();
  }
}

/** `--bn-epsilon` is for the file that does not say its own: of two files it may be only one. */
function identified(
  checkpoint: Checkpoint,
  { inputSize, bnEpsilon, kernels, moments, flatten, dropoutFactor }: VerifyOptions,
): { readonly identity: Identity | undefined; readonly unused?: string } {
  const known = {
    ...(inputSize === undefined ? {} : { inputSize }),
    ...(kernels === undefined ? {} : { kernels }),
    ...(moments === undefined ? {} : { moments }),
    ...(flatten === undefined ? {} : { flatten }),
    ...(dropoutFactor === undefined ? {} : { dropoutFactor }),
  };
  const identity = identify(checkpoint, known);
  if (bnEpsilon === undefined || identity?.epsilon === undefined) return { identity };
  const { value, source } = identity.epsilon;
  if (source !== "read") return { identity: identify(checkpoint, { ...known, bnEpsilon }) };
  if (value === bnEpsilon) return { identity };
  return { identity, unused: `--bn-epsilon ${bnEpsilon} is not used for ${checkpoint.files[0]}, which says ${value} itself` };
}

/** Opens an input; what is neither numbers nor a picture in the words that fit. */
async function withInput<T>(path: string, options: VerifyOptions, ctx: Context, work: (file: Checkpoint) => Promise<T>): Promise<T> {
  let file: Checkpoint;
  try {
    file = await open(path, ctx, { amplified: options.amplified });
  } catch (error) {
    if (!isCheckpointError(error, "unsupported")) throw error;
    throw new CheckpointError("unsupported", `neither numbers (.npy, .npz) nor a picture (JPEG, PNG, WebP): ${error.message}`, {
      file: path,
      cause: error,
    });
  }
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}
