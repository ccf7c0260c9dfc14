import { CheckpointError, locate } from "../errors.ts";
import type { Context } from "../io/context.ts";
import { identify } from "../model/identify.ts";
import type { Network } from "../model/network.ts";
import { open } from "../open.ts";
import type { Checkpoint } from "../tensor/checkpoint.ts";
import type { Activation } from "./engine.ts";
import { chooseEngine, type EngineChoice } from "./engines.ts";
import { type Expected, expectedFrom } from "./expected.ts";
import { defaultSize, requireComplete } from "./geometry.ts";
import { type InputLayout, inputFrom } from "./input.ts";
import { photos } from "./photo.ts";
import type { VerifyRecord } from "./record.ts";
import { runVerify, type Subject } from "./run.ts";

export interface VerifyOptions extends EngineChoice {
  /** Read the checkpoint as this format. */
  readonly from?: string;
  /** Another checkpoint of the same network, run in its own layout. */
  readonly other?: string;
  /** Expected values: .npy with logits, or .npz with outputs by layer. Not together with `other`. */
  readonly expect?: string;
  /** An .npy with a batch; without it photo-like pictures are generated. */
  readonly input?: string;
  readonly inputLayout?: InputLayout;
  /** Height, width of generated pictures. */
  readonly inputSize?: readonly [height: number, width: number];
  /** One generated picture each; [0]. */
  readonly seeds?: readonly number[];
  readonly bnEpsilon?: number;
  readonly rtol?: number;
  readonly atol?: number;
  /** Pictures that are run at once. */
  readonly batch?: number;
  readonly top?: number;
}

/**
 * Opens, recognises and runs a checkpoint; compares it where there is something to compare with. Throws CheckpointError for
 * what cannot be run; a comparison that fails is `pass: false`.
 */
export async function verify(path: string, options: VerifyOptions, ctx: Context): Promise<VerifyRecord> {
  const { other, expect } = options;
  if (other !== undefined && expect !== undefined) {
    throw new CheckpointError("usage", "a second checkpoint and --expect were given; one thing can be compared with at a time");
  }
  return withSubject(path, options, ctx, (subject) => {
    if (other !== undefined)
      return withSubject(other, withoutFormat(options), ctx, (second) => run(subject, options, ctx, { other: second }));
    if (expect === undefined) return run(subject, options, ctx, {});
    return withFile(expect, ctx, (file) =>
      run(subject, options, ctx, { expected: expectedFrom(file, expect, subject.identity.network, ctx) }),
    );
  });
}

async function run(
  subject: Subject,
  options: VerifyOptions,
  ctx: Context,
  against: { readonly other?: Subject; readonly expected?: Expected },
): Promise<VerifyRecord> {
  const { engine, notes } = await chooseEngine(options);
  const { batch, source, notes: assumed } = await inputOf(subject, options, ctx);
  const { batch: pictures, rtol, atol, top } = options;
  return runVerify(
    subject,
    {
      engine,
      input: batch,
      inputSource: source,
      notes: [...notes, ...assumed],
      ...against,
      ...(pictures === undefined ? {} : { batch: pictures }),
      ...(rtol === undefined ? {} : { rtol }),
      ...(atol === undefined ? {} : { atol }),
      ...(top === undefined ? {} : { top }),
    },
    ctx,
  );
}

interface Input {
  readonly batch: Activation;
  readonly source: string;
  readonly notes: readonly string[];
}

async function inputOf(subject: Subject, options: VerifyOptions, ctx: Context): Promise<Input> {
  const { network } = subject.identity;
  const { input } = options;
  if (input !== undefined) {
    const batch = await withFile(input, ctx, (file) => inputFrom(file, input, network, options.inputLayout, ctx));
    return { batch, source: input, notes: [] };
  }
  return generated(network, subject, options);
}

function generated(network: Network, { identity }: Subject, options: VerifyOptions): Input {
  const { height, width, assumed } = options.inputSize === undefined ? defaultSize(network) : sized(options.inputSize);
  const seeds = options.seeds ?? [0];
  return {
    batch: photos(seeds, [network.inputChannels, height, width], identity.preprocessing),
    source: `generated, ${seeds.length === 1 ? "seed" : "seeds"} ${seeds.join(", ")}`,
    notes: assumed === undefined ? [] : [assumed],
  };
}

function sized([height, width]: readonly [number, number]): ReturnType<typeof defaultSize> {
  return { height, width };
}

/** Opens and recognises a checkpoint, lends it, closes it. Throws `unsupported` where it is no network that can be run. */
async function withSubject<T>(path: string, options: VerifyOptions, ctx: Context, work: (subject: Subject) => Promise<T>): Promise<T> {
  const checkpoint = await open(path, ctx, options.from === undefined ? {} : { from: options.from });
  try {
    const identity = identify(checkpoint, {
      ...(options.inputSize === undefined ? {} : { inputSize: options.inputSize }),
      ...(options.bnEpsilon === undefined ? {} : { bnEpsilon: options.bnEpsilon }),
    });
    if (identity === undefined) {
      throw new CheckpointError("unsupported", "no VGG network was recognised in it, and only those can be run", {
        file: path,
        hint: `vggtool inspect ${path}`,
      });
    }
    await locate({ file: path, hint: `vggtool inspect ${path}` }, async () => requireComplete(identity.network));
    return await work({ name: path, checkpoint, identity });
  } finally {
    await checkpoint.close();
  }
}

async function withFile<T>(path: string, ctx: Context, work: (file: Checkpoint) => Promise<T>): Promise<T> {
  const file = await open(path, ctx);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

function withoutFormat({ from: _, ...options }: VerifyOptions): VerifyOptions {
  return options;
}
