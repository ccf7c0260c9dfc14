import { CheckpointError } from "../errors.ts";
import { type CheckpointInput, nameOfInput } from "../tensor/checkpoint-input.ts";
import type { VerifyRecord } from "../verify/record.ts";
import type { VerifyOptions } from "../verify/verify.ts";
import {
  type Checks,
  checkInput,
  checkOptions,
  checkpoint,
  countingNumber,
  flag,
  notNegative,
  oneOf,
  oneOrSeveral,
  pairOfTexts,
  pictureSize,
  readingChecks,
  text,
  wholeNumber,
  wholeNumbers,
} from "./checks.ts";
import { deviceChoices } from "./devices.ts";
import { jsonable } from "./jsonable.ts";
import { type RunOptions, runChecks } from "./run-options.ts";
import { spoken, withContext } from "./with-context.ts";

/** What `verify` takes beside what every verb takes: the engine, the input, what to compare with, and how closely. */
export interface VerifyRunOptions extends RunOptions, Omit<VerifyOptions, "onPictures"> {
  /** Path of a page that shows the run; `force` replaces what is there. */
  readonly html?: string;
}

const verifyChecks: Checks<VerifyRunOptions> = {
  ...runChecks,
  ...readingChecks,
  engine: oneOrSeveral(["wasm", "tensorflow", "onnxruntime", "webgpu", "onnxruntime-webgpu", "auto"]),
  selfTest: flag,
  device: oneOf(deviceChoices),
  other: checkpoint,
  expect: text,
  input: text,
  inputLayout: oneOf(["nchw", "nhwc"]),
  inputSize: pictureSize,
  seeds: wholeNumbers,
  bnEpsilon: notNegative,
  otherBnEpsilon: notNegative,
  rtol: notNegative,
  atol: notNegative,
  batch: countingNumber,
  top: wholeNumber,
  labels: text,
  preprocess: text,
  until: text,
  descriptor: text,
  output: text,
  force: flag,
  pair: pairOfTexts,
  html: text,
};

/**
 * Runs a network on an engine; compares it layer by layer with another checkpoint (`other`), or with expected values (`expect`).
 * What cannot be run throws; a comparison that fails is `pass: false`. Tolerances are relative (`rtol`) and absolute (`atol`).
 *
 * @param input A path, an address, bytes, or an open checkpoint of a VGG network.
 * @throws CheckpointError `unsupported`, `not-found`, `usage` and the others of docs/errors.md.
 * @example
 * const record = await verify("vgg16.pth", { other: "vgg16.safetensors" });
 * console.log(record.pass, record.engine);
 */
export async function verify(input: CheckpointInput | undefined, options: VerifyRunOptions = {}): Promise<VerifyRecord> {
  const given = await spoken(undefined, async () => {
    if (input === undefined)
      throw new CheckpointError("usage", "verify needs a checkpoint", { hint: "vggtool verify --help shows examples" });
    checkInput("verify", input);
    checkOptions("verify", options, verifyChecks);
    return input;
  });
  return withContext(nameOfInput(given), options, { values: true }, async (ctx) => {
    const { verifyCheckpoint: run } = await import("../verify/verify.ts");
    const { html, ...rest } = options;
    if (html === undefined) return jsonable(await run(given, rest, ctx));
    const [{ verifyPage }, { SeenPictures }, { writeWhole }] = await Promise.all([
      import("../report/page/page.ts"),
      import("../report/page/seen.ts"),
      import("../io/output/write-whole.ts"),
    ]);
    const seen = new SeenPictures();
    const record = await run(given, { ...rest, onPictures: (pictures, part) => seen.add(pictures, part) }, ctx);
    await writeWhole(html, [new TextEncoder().encode(verifyPage(record, seen))], options.force === true);
    return jsonable(record);
  });
}
