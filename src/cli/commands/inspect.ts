import { Command, Option } from "commander";
import { CheckpointError, type Finding, inspect, isCheckpointError, type Sort } from "../../index.ts";
import { inspectBlocks } from "../../report/inspect.ts";
import { jsonPieces } from "../../report/json.ts";
import { exitCodes } from "../exit-codes.ts";
import { reportFailure } from "../failure.ts";
import { interruptSignal } from "../interrupt.ts";
import { type ManyOptions, oneOrMany, runMany } from "../many/run-many.ts";
import { outputFor, setExitCode, withoutCommon } from "../output.ts";
import { progress } from "../progress.ts";
import { runSource, sarifText } from "./inspect-source.ts";
import { amplifiedHelp, collect, fromOne, inputSize, jobsHelp, listed, parseWholeNumber, threadsHelp } from "./parse.ts";

interface Options extends ManyOptions {
  readonly hash?: boolean;
  readonly stats?: boolean;
  readonly layers?: boolean;
  readonly inputSize?: ReturnType<typeof inputSize>;
  readonly filter?: readonly string[];
  readonly sort?: Sort;
  readonly depth?: number;
  readonly summary?: boolean;
  readonly columns?: readonly string[];
  readonly from?: string;
  readonly source?: readonly string[];
  readonly sarif?: boolean;
  readonly amplified?: boolean;
  readonly failOn?: "error" | "warning" | "never";
}

export function inspectCommand(): Command {
  return new Command("inspect")
    .description("list tensors; identify the architecture; report findings")
    .argument("[file...]", "checkpoints: files, any file of a set, TF prefixes, addresses; folders, patterns and @lists of them")
    .addHelpText("before", "Examples:\n  vggtool inspect model.pdparams\n  vggtool inspect vgg_16.ckpt --filter '*fc*' --hash --json\n")
    .optionsGroup("What is added:")
    .option("--hash", "add the SHA-256 of each tensor's row-major little-endian bytes")
    .option("--stats", "add statistics of every tensor's values (of complex numbers: their magnitudes), and the findings that need them")
    .option("--layers", "add the layer table: output shapes, parameters, activations, multiply-adds")
    .option(
      "--source <model.py>",
      "check the Python code or the notebook that built the network for layers that are never registered (repeatable)",
      collect,
    )
    .option("--sarif", "print what --source finds as SARIF 2.1.0, for code scanning")
    .optionsGroup("What is listed:")
    .option("-s, --summary", "print what each file is and how much is in it, and nothing of its parts")
    .option("--columns <titles>", "columns of the list in this order, as in name,shape,role", listed)
    .option("--filter <glob>", "list only tensors whose name or role matches (repeatable)", collect)
    .addOption(new Option("--sort <key>", "order of the list").choices(["name", "size", "file"]).default("file"))
    .option("--depth <n>", "group the list by the first n parts of the names", parseWholeNumber)
    .optionsGroup("How the file is read:")
    .option("--from <format>", "read as this format, whatever the content looks like")
    .option("--input-size <HxWxC>", "size of the picture, where the file does not say", inputSize)
    .option("--amplified", amplifiedHelp)
    .option("--jobs <n>", jobsHelp, fromOne)
    .option("--threads <n>", threadsHelp, fromOne)
    .optionsGroup("What the exit code says:")
    .addOption(
      new Option("--fail-on <severity>", "exit 1 when a finding is at least this severe")
        .choices(["error", "warning", "never"])
        .default("never"),
    )
    .action(run);
}

async function run(given: readonly string[], options: Options): Promise<void> {
  const output = await outputFor(options);
  const signal = interruptSignal();
  const { depth, summary, columns, failOn: _failOn, sarif: _sarif, jobs: _jobs, ...rest } = withoutCommon(options);
  const wrong = misuse(given, options);
  if (wrong !== undefined) {
    setExitCode(reportFailure(wrong, output.json));
    return;
  }
  const shown = {
    ...(depth === undefined ? {} : { depth }),
    ...(summary === undefined ? {} : { summary }),
    ...(columns === undefined ? {} : { columns }),
  };
  let files = given;
  if (files.length > 0 && options.source === undefined && options.sarif !== true) {
    try {
      const found = await oneOrMany(files, options, signal);
      if (typeof found !== "string") {
        const tasks = found.checkpoints.map(({ source }) => ({
          verb: "inspect" as const,
          source,
          options: rest,
          failOn: failing(options),
          shown,
        }));
        const whole = [options.hash, options.stats, options.layers, options.filter, depth, columns].some((asked) => asked !== undefined);
        await runMany({ tasks, found, given: options, output, whole, signal });
        return;
      }
      files = [found];
    } catch (error) {
      setExitCode(reportFailure(error, output.json, files[0]));
      return;
    }
  }
  if (files.length === 0) failOn(await runSource(options.source ?? [], options), options);
  for (const [k, file] of files.entries()) {
    const bar = progress(file, undefined, options.quiet === true);
    try {
      const record = await inspect(file, { ...rest, signal, onProgress: bar.add, onPhase: bar.begin });
      bar.done();
      if (k > 0 && !output.json) output.data("\n");
      if (options.sarif === true) output.data(await sarifText(record.findings));
      else if (output.json) output.pieces(jsonPieces(record));
      else output.pieces(inspectBlocks(record, output.style, options), "\n");
      failOn(record.findings, options);
    } catch (error) {
      bar.done();
      setExitCode(reportFailure(error, output.json, file));
      if (isCheckpointError(error, "interrupted")) return;
    }
  }
}

/** What is missing, or would be ignored. */
function misuse(files: readonly string[], { source, sarif, json, summary, columns, depth }: Options): CheckpointError | undefined {
  const usage = (message: string, hint: string): CheckpointError => new CheckpointError("usage", message, { hint });
  if (source === undefined && files.length === 0)
    return usage("inspect needs a checkpoint, or --source model.py", "vggtool inspect --help shows examples");
  if (source === undefined && sarif === true) return usage("--sarif prints what --source finds", "add --source model.py");
  const shapes = summary === true ? "--summary" : columns !== undefined ? "--columns" : depth !== undefined ? "--depth" : undefined;
  if (json === true && shapes !== undefined) return usage(`${shapes} changes nothing with --json, which prints all`, `leave ${shapes} out`);
  if (columns !== undefined && (summary === true || depth !== undefined))
    return usage(
      "--columns changes nothing without the list of tensors",
      `leave --columns or ${summary === true ? "--summary" : "--depth"} out`,
    );
  return undefined;
}

function failOn(findings: readonly Finding[], options: Options): void {
  const severities = failing(options);
  if (findings.some((finding) => severities.includes(finding.severity))) setExitCode(exitCodes.no);
}

/** Severities that --fail-on names. */
function failing({ failOn }: Options): readonly string[] {
  return failOn === "warning" ? ["error", "warning"] : failOn === "error" ? ["error"] : [];
}
