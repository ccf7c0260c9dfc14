import type { ConvertResult } from "../convert/convert.ts";
import type { ConvertOptions } from "../convert/options.ts";
import type { ConvertRequest } from "../convert/target/request.ts";
import { CheckpointError } from "../errors.ts";
import { type CheckpointInput, nameOfInput, pathOfInput } from "../tensor/checkpoint-input.ts";
import { dtypes } from "../tensor/dtype.ts";
import { Refusal } from "../text/refusal.ts";
import {
  anything,
  type Checks,
  checkInput,
  checkOptions,
  checkpoint,
  countingNumber,
  flag,
  notNegative,
  oneOf,
  pictureSize,
  readingChecks,
  text,
  texts,
  wholeNumber,
} from "./checks.ts";
import { identifyOptions } from "./identify-options.ts";
import { jsonable } from "./jsonable.ts";
import { type RunOptions, runChecks } from "./run-options.ts";
import { spoken, withContext } from "./with-context.ts";

/** What `convert` takes beside what every verb takes: the target, its names and axes, what is left out or changed, where it goes. */
export interface ConvertRunOptions extends RunOptions, ConvertOptions {
  /** A checkpoint that the output has to be like: its format, names, axes, types and shapes. */
  readonly like?: CheckpointInput;
  /** Path of a JSON file for `map`. */
  readonly mapFile?: string;
}

const convertChecks: Checks<ConvertRunOptions> = {
  ...runChecks,
  ...readingChecks,
  to: text,
  out: text,
  naming: text,
  layout: text,
  fc: oneOf(["dense", "conv", "reduced"]),
  exclude: texts,
  include: texts,
  noTop: flag,
  part: text,
  only: anything,
  numClasses: countingNumber,
  init: oneOf(["zeros", "normal"]),
  seed: wholeNumber,
  foldBn: flag,
  swapRgb: flag,
  dtype: oneOf(Object.keys(dtypes)),
  maxShardSize: countingNumber,
  inputSize: pictureSize,
  bnEpsilon: notNegative,
  useAverage: flag,
  keepState: flag,
  allowMissing: flag,
  check: flag,
  force: flag,
  durable: flag,
  sidecar: flag,
  dryRun: flag,
  compress: flag,
  map: anything,
  mapFile: text,
  like: checkpoint,
};

/**
 * Converts a checkpoint: reads, plans, writes, reads back and compares. The output appears whole or not at all. With `dryRun` only the
 * plan is made.
 *
 * @param input A path, an address, bytes, or an open checkpoint. `options.out` says where to write; it has to be given where the input has no path.
 * @returns The plan, the ledger of every tensor, the files that were written, their bytes together, and the seconds that it took.
 * @throws CheckpointError `usage`, `unsupported`, `mismatch`, `io` and the others of docs/errors.md.
 * @example
 * const { output, warnings } = await convert("vgg_16.ckpt", { to: "pytorch", out: "vgg16.pth" });
 * console.log(output, warnings);
 */
export async function convert(input: CheckpointInput, options: ConvertRunOptions = {}): Promise<ConvertResult> {
  await spoken(undefined, async () => {
    checkInput("convert", input);
    checkOptions("convert", options, convertChecks);
  });
  return spoken(nameOfInput(input), async () => {
    const [
      { open },
      { convertCheckpoint: run, convertPlace, rehearse },
      { identify },
      { existingFolder },
      { readOwnJson },
      { withRealNumbers },
    ] = await Promise.all([
      import("../open.ts"),
      import("../convert/convert.ts"),
      import("../model/identify.ts"),
      import("../io/output/existing-folder.ts"),
      import("../encodings/json/own-json.ts"),
      import("../tensor/dequantised.ts"),
    ]);
    const path = pathOfInput(input);
    if (path === undefined && options.out === undefined && options.dryRun !== true) {
      throw new CheckpointError("usage", "what is converted has no path, so that the output has none", {
        hint: 'say where to write: { out: "vgg.safetensors" }',
      });
    }
    const { like, mapFile, ...rest } = options;
    const { folder } = convertPlace(options, path, like !== undefined);
    const verb = { values: options.dryRun !== true, temporaryFolder: existingFolder(folder) };
    return withContext(nameOfInput(input), options, verb, async (ctx) => {
      const map = mapFile === undefined ? {} : { map: await readOwnJson(mapFile) };
      const checkpoint = withRealNumbers(await open(input, ctx, options));
      const other = like === undefined ? undefined : await open(like, ctx, { amplified: options.amplified });
      try {
        const target =
          other === undefined || like === undefined
            ? {}
            : { like: { checkpoint: other, identity: identify(other), path: nameOfInput(like) } };
        const requestFor = (asked: ConvertOptions): ConvertRequest => {
          const identity = identify(checkpoint, identifyOptions(asked));
          return { checkpoint, identity, ...(path !== undefined && { input: path }), ...target };
        };
        const asked = { ...rest, ...map };
        try {
          return jsonable(await run(requestFor(asked), asked, ctx));
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          const { advised } = await import("../convert/advise.ts");
          throw await advised(error, asked, (more) => rehearse(requestFor(more), more, ctx));
        }
      } finally {
        await other?.close();
        await checkpoint.close();
      }
    });
  });
}
