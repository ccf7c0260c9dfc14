import { Command } from "commander";
import { CheckpointError, type DiffRunOptions, diff, findCheckpoints } from "../../index.ts";
import { toJson } from "../../report/json.ts";
import { exitCodes } from "../exit-codes.ts";
import { reportFailure } from "../failure.ts";
import { interruptSignal } from "../interrupt.ts";
import { finding, type ManyOptions, runMany } from "../many/run-many.ts";
import { outputFor, setExitCode, withoutCommon } from "../output.ts";
import { progress } from "../progress.ts";
import { amplifiedHelp, collect, fromOne, inputSize, jobsHelp, positive, threadsHelp } from "./parse.ts";

export function diffCommand(): Command {
  return new Command("diff")
    .description("compare two checkpoints' values through their layouts, without running them")
    .argument("<checkpoint...>", "A and B, of any formats; with --against any number, folders, patterns and @lists")
    .addHelpText(
      "before",
      "Examples:\n  vggtool diff vgg16.pth vgg16.safetensors\n  vggtool diff before.ckpt after.pdparams --filter 'fc*' --rtol 1e-6 --json\n",
    )
    .optionsGroup("What is compared:")
    .option("--against <base>", "compare each checkpoint that is named with this one, which is A")
    .option("--jobs <n>", jobsHelp, fromOne)
    .option("--threads <n>", threadsHelp, fromOne)
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

interface Options extends ManyOptions, Omit<DiffRunOptions, "inputSize" | "map" | "offline" | "download" | "cache"> {
  readonly inputSize?: ReturnType<typeof inputSize>;
  readonly map?: string;
  readonly against?: string;
}

async function run(named: readonly string[], given: Options): Promise<void> {
  const output = await outputFor(given);
  const { inputSize: image, map: mapFile, against, jobs: _jobs, ...rest } = withoutCommon(given);
  const options: DiffRunOptions = {
    ...rest,
    ...(image === undefined ? {} : { inputSize: [image[0], image[1]] }),
    ...(mapFile === undefined ? {} : { mapFile }),
  };
  const signal = interruptSignal();
  const bar = progress(named.join(" against "), undefined, given.quiet === true || against !== undefined);
  try {
    if (against !== undefined) {
      const found = await findCheckpoints(named, { ...finding(given), signal });
      const tasks = found.checkpoints.map(({ source }) => ({ verb: "diff" as const, source, options, against }));
      await runMany({ tasks, found, given, output, whole: false, signal });
      return;
    }
    if (given.jobs !== undefined)
      throw new CheckpointError("usage", "--jobs changes nothing without several checkpoints that are compared with one", {
        hint: "add --against BASE, or leave --jobs out",
      });
    const [a, b] = two(named);
    const record = await diff(a, b, { ...options, signal, onProgress: bar.add, onPhase: bar.begin });
    bar.done();
    output.data(output.json ? toJson(record) : (await import("../../report/diff.ts")).diffText(record, output.style));
    setExitCode(record.equal ? exitCodes.done : exitCodes.no);
  } catch (error) {
    bar.done();
    setExitCode(reportFailure(error, output.json, named[0]));
  }
}

function two(named: readonly string[]): readonly [string, string] {
  const [a, b, ...more] = named;
  if (a === undefined || b === undefined || more.length > 0) {
    throw new CheckpointError("usage", `diff compares two checkpoints, and was given ${named.length}`, {
      hint: "name A and B, or add --against BASE to compare each of several with one",
    });
  }
  return [a, b];
}
