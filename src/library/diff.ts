import type { DiffOptions, DiffRecord, DiffSide } from "../inspect/diff.ts";
import type { IdentifyOptions } from "../model/options.ts";
import type { Checkpoint } from "../tensor/checkpoint.ts";
import { type CheckpointInput, nameOfInput } from "../tensor/checkpoint-input.ts";
import { anything, type Checks, checkInput, checkOptions, flag, notNegative, pictureSize, text, texts } from "./checks.ts";
import { identifyOptions } from "./identify-options.ts";
import { jsonable } from "./jsonable.ts";
import { type RunOptions, runChecks } from "./run-options.ts";
import { spoken, withContext } from "./with-context.ts";

/** What `diff` takes beside what every verb takes: what is compared, how closely, and how each side is read. */
export interface DiffRunOptions extends RunOptions, DiffOptions, Pick<IdentifyOptions, "inputSize"> {
  /** Read B as this format; `from` is that of A. */
  readonly otherFrom?: string;
  /** Path of a JSON file for `map`. */
  readonly mapFile?: string;
}

const diffChecks: Checks<DiffRunOptions> = {
  ...runChecks,
  filter: texts,
  rtol: notNegative,
  map: anything,
  mapFile: text,
  inputSize: pictureSize,
  otherFrom: text,
  histograms: flag,
};

/**
 * Compares the values of two checkpoints through their layouts, without running them. `from` is the format of A, `inputSize` counts for both.
 *
 * @throws CheckpointError `mismatch` where they share no tensor, and the others of docs/errors.md.
 * @example
 * const { equal, tensors } = await diff("before.pth", "after.safetensors");
 * console.log(equal, tensors.filter((tensor) => !tensor.equal).map((tensor) => tensor.role));
 */
export async function diff(a: CheckpointInput, b: CheckpointInput, options: DiffRunOptions = {}): Promise<DiffRecord> {
  await spoken(undefined, async () => {
    for (const input of [a, b]) checkInput("diff", input);
    checkOptions("diff", options, diffChecks);
  });
  return withContext(nameOfInput(a), options, { values: true }, async (ctx) => {
    const [{ open }, { diffCheckpoints: run }, { identify }, { withRealNumbers }, { readOwnJson }] = await Promise.all([
      import("../open.ts"),
      import("../inspect/diff.ts"),
      import("../model/identify.ts"),
      import("../tensor/dequantised.ts"),
      import("../encodings/json/own-json.ts"),
    ]);
    const opened: Checkpoint[] = [];
    const side = async (input: CheckpointInput, from: string | undefined): Promise<DiffSide> => {
      const checkpoint = withRealNumbers(await open(input, ctx, { amplified: options.amplified, ...(from === undefined ? {} : { from }) }));
      opened.push(checkpoint);
      const identity = identify(checkpoint, identifyOptions(options));
      return { checkpoint, ...(identity === undefined ? {} : { identity }) };
    };
    try {
      const map = options.mapFile === undefined ? {} : { map: await readOwnJson(options.mapFile) };
      return jsonable(await run(await side(a, options.from), await side(b, options.otherFrom), ctx, { ...options, ...map }));
    } finally {
      for (const checkpoint of opened) await checkpoint.close();
    }
  });
}
