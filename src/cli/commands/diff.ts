import { Command } from "commander";
import { type DiffRunOptions, diff } from "../../index.ts";
import { toJson } from "../../report/json.ts";
import { exitCodes } from "../exit-codes.ts";
import { reportFailure } from "../failure.ts";
import { interruptSignal } from "../interrupt.ts";
import { type CommonOptions, outputFor, setExitCode, withoutCommon } from "../output.ts";
import { progress } from "../progress.ts";
import { amplifiedHelp, collect, inputSize, positive } from "./parse.ts";

export function diffCommand(): Command {
  return new Command("diff")
    .description("compare two checkpoints' values through their layouts, without running them")
    .argument("<a>", "a checkpoint")
    .argument("<b>", "another, of any format")
    .addHelpText(
      "before",
      "Examples:\n  vggtool diff vgg16.pth vgg16.safetensors\n  vggtool diff before.ckpt after.pdparams --filter 'fc*' --rtol 1e-6 --json\n",
    )
    .optionsGroup("What is compared:")
    .option("--filter <glob>", "compare only tensors whose name or role matches (repeatable)", collect)
    .option("--map <file>", "JSON that says which tensor of A is which of B, and along which axes")
    .option("--rtol <r>", "how far two values may be apart, over the largest of the tensor, to count as equal", positive)
    .optionsGroup("How the files are read:")
    .option("--from <format>", "read A as this format, whatever the content looks like")
    .option("--other-from <format>", "read B as this format")
    .option("--input-size <HxW>", "size of the pictures of both networks, where a file does not say", inputSize)
    .option("--amplified", amplifiedHelp)
    .action(run);
}

interface Options extends CommonOptions, Omit<DiffRunOptions, "inputSize" | "map"> {
  readonly inputSize?: ReturnType<typeof inputSize>;
  readonly map?: string;
}

async function run(a: string, b: string, given: Options): Promise<void> {
  const output = await outputFor(given);
  const { inputSize: image, map: mapFile, ...rest } = withoutCommon(given);
  const bar = progress(`${a} against ${b}`, undefined, given.quiet === true);
  try {
    const record = await diff(a, b, {
      ...rest,
      ...(image === undefined ? {} : { inputSize: [image[0], image[1]] }),
      ...(mapFile === undefined ? {} : { mapFile }),
      signal: interruptSignal(),
      onProgress: bar.add,
    });
    bar.done();
    output.data(output.json ? toJson(record) : (await import("../../report/diff.ts")).diffText(record, output.style));
    setExitCode(record.equal ? exitCodes.done : exitCodes.no);
  } catch (error) {
    bar.done();
    setExitCode(reportFailure(error, output.json, a));
  }
}
