import type { InspectCheckpointOptions, InspectRecord } from "../inspect/inspect.ts";
import { type CheckpointInput, nameOfInput } from "../tensor/checkpoint-input.ts";
import { type Checks, checkInput, checkOptions, flag, oneOf, pictureSize, textOrTexts, texts } from "./checks.ts";
import { jsonable } from "./jsonable.ts";
import { type RunOptions, runChecks } from "./run-options.ts";
import { spoken, withContext } from "./with-context.ts";

/** What `inspect` takes beside what every verb takes: what to add to the record, and what of it to list. */
export interface InspectOptions extends RunOptions, InspectCheckpointOptions {}

const inspectChecks: Checks<InspectOptions> = {
  ...runChecks,
  hash: flag,
  stats: flag,
  layers: flag,
  filter: texts,
  sort: oneOf(["name", "size", "file"]),
  source: textOrTexts,
  inputSize: pictureSize,
};

/**
 * Lists the tensors of a checkpoint, says which network it is and what is wrong with it. Headers are read, and values only with `hash`
 * or `stats`; sizes are in bytes.
 *
 * @param input A path, an address, bytes, or an open checkpoint, which stays open.
 * @throws CheckpointError `not-found`, `malformed`, `unsupported` and the others of docs/errors.md.
 * @example
 * const record = await inspect("vgg16.pth");
 * console.log(record.architecture?.name, record.totals.parameters);
 */
export async function inspect(input: CheckpointInput, options: InspectOptions = {}): Promise<InspectRecord> {
  await spoken(undefined, async () => {
    checkInput("inspect", input);
    checkOptions("inspect", options, inspectChecks);
  });
  const values = options.hash === true || options.stats === true;
  return withContext(nameOfInput(input), options, { values }, async (ctx) => {
    const [{ open }, { inspectCheckpoint }] = await Promise.all([import("../open.ts"), import("../inspect/inspect.ts")]);
    const checkpoint = await open(input, ctx, options);
    try {
      return jsonable(await inspectCheckpoint(nameOfInput(input), checkpoint, ctx, options));
    } finally {
      await checkpoint.close();
    }
  });
}
