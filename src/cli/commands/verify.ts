import { Command, InvalidArgumentError, Option } from "commander";
import { CheckpointError, checkDevices, type VerifyRunOptions, verify } from "../../index.ts";
import { toJson } from "../../report/json.ts";
import { exitCodes } from "../exit-codes.ts";
import { reportFailure } from "../failure.ts";
import { interruptSignal } from "../interrupt.ts";
import { type ManyOptions, oneOrMany, runMany } from "../many/run-many.ts";
import { outputFor, setExitCode, withoutCommon } from "../output.ts";
import { progress } from "../progress.ts";
import { amplifiedHelp, fromOne, inputSize, jobsHelp, parseWholeNumber, positive } from "./parse.ts";
import { withReadingOptions } from "./reading-options.ts";

const engines = ["wasm", "tensorflow", "onnxruntime", "webgpu", "onnxruntime-webgpu"] as const;

interface Options extends ManyOptions, Omit<VerifyRunOptions, "inputSize" | "seeds" | "other" | "pair" | "offline" | "download" | "cache"> {
  readonly inputSize?: ReturnType<typeof inputSize>;
  readonly seed?: readonly number[];
  readonly checkDevice?: boolean;
  readonly pair?: readonly string[];
}

export function verifyCommand(): Command {
  const command = new Command("verify")
    .description("run the network; compare with another checkpoint or with expected outputs")
    .argument("[file]", "a checkpoint of a VGG network; or a folder, a pattern or an @list of them")
    .argument("[other]", "another one: both run in their own layouts, every layer's output is compared")
    .addHelpText(
      "before",
      "Examples:\n  vggtool verify vgg_face.mat vgg_face.safetensors\n  vggtool verify model.ckpt --input batch.npy --expect logits.npy\n",
    )
    .optionsGroup("Where it runs:")
    .addOption(new Option("--device <device>", "where to run").choices(["cpu", "cuda", "gpu", "auto"]))
    .option("--engine <engine>", `what runs it: ${engines.join(", ")}, auto; several with commas between them are compared`, engineList)
    .option("--no-self-test", "believe the engine without computing the network's layers with it first")
    .option("--check-device", "say what each engine would use, and stop")
    .option("--batch <n>", "pictures that are run at once", parseWholeNumber)
    .optionsGroup("What goes in:")
    .option(
      "--input <file>",
      "a batch as .npy (N C H W or N H W C, in the range that the network expects), a picture, or a folder of pictures",
    )
    .addOption(new Option("--input-layout <layout>", "axes of the batch, where both fit").choices(["nchw", "nhwc"]))
    .option("--input-size <HxWxC>", "size of generated pictures", inputSize)
    .option("--seed <n>", "seed of a generated picture (repeatable)", (text: string, before: readonly number[] | undefined) => [
      ...(before ?? []),
      parseWholeNumber(text),
    ])
    .option("--pair <pictures...>", "two pictures: how far their descriptors are apart (fc7, or --descriptor)")
    .option("--preprocess <how>", "how pictures are prepared: a preset's name or a JSON file; without it the checkpoint's own way")
    .optionsGroup("What it is compared with:")
    .option("--expect <file>", "logits as .npy, outputs by layer as .npz, or a folder of what a framework dumped")
    .option("--rtol <r>", "tolerance, relative to each layer's largest value", positive)
    .option("--atol <a>", "tolerance, absolute", positive)
    .optionsGroup("What comes out:")
    .option("--labels <file>", "class names: one a line, JSON, or a checkpoint that has them; without it the checkpoint's own")
    .option("--top <n>", "classes to show of each picture", parseWholeNumber)
    .option("--until <layer>", "stop behind this layer: conv4_3 gives its feature maps")
    .option("--descriptor <layer>", "put this layer's outputs into the record")
    .option("-o, --output <file>", "save the descriptor, or the logits, as .npy")
    .option("--html <page.html>", "write a page that shows the run: activations and errors by layer, the classes")
    .option("--force", "replace what is there already");
  return withReadingOptions(
    command.optionsGroup("How the file is read:").option("--from <format>", "read FILE as this format, whatever the content looks like"),
  )
    .option("--other-bn-epsilon <e>", "the same for OTHER, where it is another one", positive)
    .option("--amplified", amplifiedHelp)
    .option("--jobs <n>", jobsHelp, fromOne)
    .action(run);
}

async function run(file: string | undefined, other: string | undefined, given: Options): Promise<void> {
  const output = await outputFor(given);
  const { inputSize: image, seed, checkDevice, pair, jobs: _jobs, ...rest } = withoutCommon(given);
  const bar = progress(file ?? "", undefined, given.quiet === true);
  try {
    if (checkDevice === true) {
      const devices = await checkDevices(given.device ?? "auto");
      output.data(
        output.json
          ? toJson({ schema: "vggtool/devices/1", engines: devices })
          : (await import("../../report/devices.ts")).devicesText(devices, output.style),
      );
      return;
    }
    const options: VerifyRunOptions = {
      ...rest,
      ...(other === undefined ? {} : { other }),
      ...(image === undefined ? {} : { inputSize: [image[0], image[1]] }),
      ...(seed === undefined ? {} : { seeds: seed }),
      ...(pair === undefined ? {} : { pair: two(pair) }),
    };
    const signal = interruptSignal();
    const found = file === undefined ? undefined : await oneOrMany([file], given, signal);
    if (typeof found === "object") {
      if (given.output !== undefined || given.html !== undefined) {
        const option = given.output === undefined ? "--html" : "--output";
        throw new CheckpointError("usage", `${option} names one file, and ${found.checkpoints.length} checkpoints would be written to it`, {
          hint: `leave out ${option}, or name one checkpoint`,
        });
      }
      const tasks = found.checkpoints.map(({ source }) => ({ verb: "verify" as const, source, options }));
      await runMany({ tasks, found, given, output, whole: false, signal });
      return;
    }
    const record = await verify(found, { ...options, signal, onProgress: bar.add, onPhase: bar.begin });
    bar.done();
    output.data(output.json ? toJson(record) : (await import("../../report/verify.ts")).verifyText(record, output.style));
    setExitCode(record.pass ? exitCodes.done : exitCodes.no);
  } catch (error) {
    bar.done();
    setExitCode(reportFailure(error, output.json, file));
  }
}

function engineList(text: string): VerifyRunOptions["engine"] {
  if (text === "auto") return text;
  const found = text.split(",").map((name) => engines.find((id) => id === name.trim()));
  const known = found.flatMap((id) => id ?? []);
  if (known.length < found.length)
    throw new InvalidArgumentError(`Allowed are ${engines.join(", ")}, auto, and several of them with commas between.`);
  return known.length === 1 ? known[0] : known;
}

function two(pictures: readonly string[]): readonly [string, string] {
  const [a, b, ...more] = pictures;
  if (a === undefined || b === undefined || more.length > 0) {
    throw new CheckpointError("usage", `--pair was given ${pictures.length} pictures, needed two`, {
      hint: "name the checkpoint before --pair",
    });
  }
  return [a, b];
}
