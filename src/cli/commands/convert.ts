import { Command, Option } from "commander";
import { type ConvertOptions, convert } from "../../index.ts";
import { jsonPieces } from "../../report/json.ts";
import { reportFailure } from "../failure.ts";
import { interruptSignal } from "../interrupt.ts";
import { type CommonOptions, outputFor, setExitCode, withoutCommon } from "../output.ts";
import { progress } from "../progress.ts";
import { amplifiedHelp, byteCount, collect, inputSize, parseWholeNumber } from "./parse.ts";
import { withReadingOptions } from "./reading-options.ts";

type InputSize = ReturnType<typeof inputSize>;

interface Options extends CommonOptions, Omit<ConvertOptions, "inputSize" | "top" | "map"> {
  readonly like?: string;
  readonly map?: string;
  readonly output?: string;
  readonly top?: boolean;
  readonly inputSize?: InputSize;
  readonly from?: string;
  readonly amplified?: boolean;
}

export function convertCommand(): Command {
  const command = new Command("convert")
    .description("change format, names and layout, with a ledger of every tensor")
    .argument("<file>", "a checkpoint: a file, a folder, a TF prefix, or any file of a set")
    .addHelpText(
      "before",
      "Examples:\n  vggtool convert vgg_face.mat\n  vggtool convert vgg_16.ckpt --to tfslim --fc dense -o dense.ckpt\n",
    )
    .optionsGroup("What it becomes:")
    .option(
      "-o, --output <out>",
      "what to write: a file, a prefix (tfslim), a folder (tfjs), or with / at its end the folder that it goes into",
    )
    .option("--to <target>", "format with that framework's usual names and axes ('vggtool formats' lists them)")
    .option("--naming <scheme>", "other names; keep: the source's")
    .option("--layout <scheme>", "other axes; keep: the source's")
    .addOption(
      new Option("--fc <form>", "form of fully connected layers: [in,out], [h,w,in,out], or SSD's sub-sampled fc6 and fc7").choices([
        "dense",
        "conv",
        "reduced",
      ]),
    )
    .option("--like <other>", "format, names, axes, types and shapes of another checkpoint, such as your own freshly saved model")
    .option("--map <file.json>", "moves by hand, or a plan that --dry-run --json printed")
    .optionsGroup("What takes part:")
    .option("--include <glob>", "take only these, by key or role (repeatable)", collect)
    .option("--exclude <glob>", "leave out tensors, by key or role (repeatable)", collect)
    .option("--part <part>", "body: the tensors that have a role; rest: all others; or the prefix of one of several networks")
    .option("--no-top", "leave out fc6, fc7 and fc8")
    .option("--use-average", "convert moving averages in place of the weights")
    .option("--keep-state", "take optimizer state, counters and averages along where the target can")
    .option("--allow-missing", "write what is there, though the target needs more")
    .option("--num-classes <n>", "a new last layer with this many outputs", parseWholeNumber)
    .addOption(new Option("--init <values>", "values of the new layer (normal unless said)").choices(["zeros", "normal"]))
    .option("--seed <n>", "seed of new values", parseWholeNumber)
    .optionsGroup("What is changed on the way:")
    .option("--fold-bn", "put batch norm into the convolutions")
    .option("--swap-rgb", "turn RGB input into BGR, or back")
    .addOption(new Option("--dtype <type>", "round floating values to this type").choices(["float16", "bfloat16", "float32", "float64"]))
    .optionsGroup("How it is written:")
    .option("--max-shard-size <size>", "cut safetensors into files of at most this size, as in 2GB", byteCount)
    .option("--compress", "deflate what the format can deflate")
    .option("--no-sidecar", "leave out OUT.vggtool.json, which says what the format has no room for: preprocessing, class names")
    .option("--no-check", "do not compare the written file with the source")
    .option("--force", "replace what is there already")
    .option("--durable", "wait until the output is on the disk, as is done anyway where it replaces something")
    .option("--dry-run", "print the plan and write nothing");
  return withReadingOptions(
    command
      .optionsGroup("How the file is read:")
      .option("--from <format>", "read as this format, whatever the content looks like")
      .option("--input-size <HxWxC>", "size of the image, where the file does not say and conv form needs it", inputSize),
  )
    .option("--amplified", amplifiedHelp)
    .action(run);
}

async function run(file: string, given: Options): Promise<void> {
  const output = await outputFor(given);
  const bar = progress(file, undefined, given.quiet === true);
  const { output: out, top, inputSize: image, map: mapFile, ...rest } = withoutCommon(given);
  try {
    const result = await convert(file, {
      ...rest,
      ...(out === undefined ? {} : { out }),
      ...(top === false ? { noTop: true } : {}),
      ...(mapFile === undefined ? {} : { mapFile }),
      ...(image === undefined ? {} : { inputSize: image }),
      signal: interruptSignal(),
      onProgress: bar.add,
    });
    bar.done();
    if (output.json) output.pieces(jsonPieces(given.dryRun === true ? result.plan : result));
    else {
      const { convertText, planText } = await import("../../report/convert.ts");
      output.data(given.dryRun === true ? planText(result, output.style) : convertText(result, output.style));
    }
  } catch (error) {
    bar.done();
    setExitCode(reportFailure(error, output.json, file));
  }
}
