import { Command, Option } from "commander";
import { CheckpointError, type ConvertOptions, convert, findCheckpoints, namesOthers, outputsBelow } from "../../index.ts";
import { jsonPieces } from "../../report/json.ts";
import { reportFailure } from "../failure.ts";
import { interruptSignal } from "../interrupt.ts";
import { finding, type ManyOptions, oneOrMany, runMany } from "../many/run-many.ts";
import { outputFor, setExitCode, withoutCommon } from "../output.ts";
import { progress } from "../progress.ts";
import { amplifiedHelp, byteCount, collect, fromOne, inputSize, jobsHelp, parseWholeNumber, threadsHelp } from "./parse.ts";
import { withReadingOptions } from "./reading-options.ts";

type InputSize = ReturnType<typeof inputSize>;

interface Options extends ManyOptions, Omit<ConvertOptions, "inputSize" | "top" | "map"> {
  readonly like?: string;
  readonly map?: string;
  readonly output?: string;
  readonly outDir?: string;
  readonly top?: boolean;
  readonly inputSize?: InputSize;
  readonly from?: string;
  readonly amplified?: boolean;
}

export function convertCommand(): Command {
  const command = new Command("convert")
    .description("change format, names and layout, with a ledger of every tensor")
    .argument(
      "<file...>",
      "a checkpoint: a file, a folder, a TF prefix, any file of a set, an address; with --out-dir any number, folders, patterns and @lists",
    )
    .addHelpText(
      "before",
      "Examples:\n  vggtool convert vgg_face.mat\n  vggtool convert vgg_16.ckpt --to tfslim --fc dense -o dense.ckpt\n",
    )
    .optionsGroup("What it becomes:")
    .option(
      "-o, --output <out>",
      "what to write: a file, a prefix (tfslim), a folder (tfjs), or with / at its end the folder that it goes into",
    )
    .option("--out-dir <dir>", "where to write one or many checkpoints: below it as they are below what is named")
    .option("--jobs <n>", jobsHelp, fromOne)
    .option("--threads <n>", threadsHelp, fromOne)
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

async function run(files: readonly string[], given: Options): Promise<void> {
  const output = await outputFor(given);
  const { output: out, outDir, jobs: _jobs, top, inputSize: image, map: mapFile, ...rest } = withoutCommon(given);
  const options = {
    ...rest,
    ...(top === false ? { noTop: true } : {}),
    ...(mapFile === undefined ? {} : { mapFile }),
    ...(image === undefined ? {} : { inputSize: image }),
  };
  const signal = interruptSignal();
  const [first = ""] = files;
  const bar = progress(first, undefined, given.quiet === true || outDir !== undefined);
  try {
    if (outDir !== undefined) {
      if (out !== undefined)
        throw new CheckpointError("usage", "--output names one file, and --out-dir a folder: only one of them can be given");
      const found = await findCheckpoints(files, { ...finding(given), signal });
      const outs = await outputsBelow(outDir, found.checkpoints, { ...finding(given), ...target(given) });
      const tasks = found.checkpoints.map(({ source }, k) => ({
        verb: "convert" as const,
        source,
        options: { ...options, out: outs[k] ?? "" },
      }));
      await runMany({ tasks, found, given, output, whole: true, signal });
      return;
    }
    const source = await onlySource(files, given, signal);
    const result = await convert(source, {
      ...options,
      ...(out === undefined ? {} : { out }),
      signal,
      onProgress: bar.add,
      onPhase: bar.begin,
    });
    bar.done();
    if (output.json) output.pieces(jsonPieces(given.dryRun === true ? result.plan : result));
    else {
      const { convertText, planText } = await import("../../report/convert.ts");
      output.data(given.dryRun === true ? planText(result, output.style) : convertText(result, output.style));
    }
  } catch (error) {
    bar.done();
    setExitCode(reportFailure(error, output.json, first));
  }
}

/** What decides the names of outputs. */
function target({ to, like, force }: Options): Pick<Options, "to" | "like" | "force"> {
  return {
    ...(to === undefined ? {} : { to }),
    ...(like === undefined ? {} : { like }),
    ...(force === undefined ? {} : { force }),
  };
}

/** The checkpoint that files, patterns and lists lead to. Throws `usage` where there are several. */
async function onlySource(files: readonly string[], given: Options, signal: AbortSignal): Promise<string> {
  const [first = "", ...others] = files;
  // Several are refused as they are named: a folder among them may take minutes to walk.
  if (others.length > 0) throw onlyOne(files.length, "sources");
  if (!namesOthers(first)) return first;
  const found = await oneOrMany(files, given, signal);
  if (typeof found === "string") return found;
  throw onlyOne(found.checkpoints.length, "checkpoints");
}

function onlyOne(count: number, what: string): CheckpointError {
  return new CheckpointError("usage", `${count} ${what} cannot be written to one output`, {
    hint: "add --out-dir DIR, below which each has its place",
  });
}
