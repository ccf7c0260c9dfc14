import { Command } from "commander";
import {
  type CatalogueOptions,
  type CatalogueQueryOptions,
  type CatalogueRecord,
  type CatalogueRow,
  CheckpointError,
  catalogue,
  mergeCatalogues,
  queryCatalogue,
  type SourceDone,
} from "../../index.ts";
import { rowsText } from "../../report/catalogue-rows.ts";
import { toJson } from "../../report/json.ts";
import { count, visible } from "../../report/style.ts";
import { exitCodes } from "../exit-codes.ts";
import { reportFailure } from "../failure.ts";
import { interruptSignal } from "../interrupt.ts";
import { type CommonOptions, type Output, outputFor, setExitCode, withoutCommon } from "../output.ts";
import { type CountProgress, countProgress } from "../progress.ts";
import { tell } from "../streams.ts";
import { amplifiedHelp, shardOf } from "./parse.ts";

interface Options extends CommonOptions, Omit<CatalogueOptions, "out" | "signal" | "onSource"> {
  readonly output?: string;
  readonly recordErrors?: boolean;
}

export function catalogueCommand(): Command {
  return new Command("catalogue")
    .description("list many checkpoints in Parquet files, ask questions of them, join them")
    .argument("[source...]", "checkpoints: files, folders, addresses")
    .addHelpText(
      "before",
      "Examples:\n  vggtool catalogue models/ hf://ORG/REPO -o zoo\n  vggtool catalogue query zoo --where 'classes = 2622'\n  vggtool catalogue merge part-1 part-2 -o zoo\n",
    )
    .optionsGroup("The catalogue:")
    .option("-o, --output <dir>", "folder of the catalogue; what has not changed since the last run is not read again")
    .option(
      "--hash",
      "add the SHA-256 of each tensor's row-major little-endian bytes, and of the file where a checkpoint is one file on disk",
    )
    .option("--stats", "add statistics of every tensor's values")
    .option("--shard <i/n>", "only the i-th of n parts of the sources, by a hash of their names; merge joins the parts", shardOf)
    .option("--reread", "read also what has not changed since the last run")
    .option("--record-errors", "what cannot be read is a row of the catalogue, and no failure of the command")
    .optionsGroup("How the files are read:")
    .option("--from <format>", "read all as this format, whatever the content looks like")
    .option("--amplified", amplifiedHelp)
    .action(run)
    .addCommand(queryCommand())
    .addCommand(mergeCommand());
}

async function run(sources: readonly string[], options: Options): Promise<void> {
  const output = await outputFor(options);
  const { output: out, recordErrors, ...rest } = withoutCommon(options);
  let bar: CountProgress | undefined;
  const onSource = ({ source, error, total }: SourceDone): void => {
    bar ??= countProgress(total, options.quiet === true);
    if (error !== undefined) {
      bar.hide();
      if (options.quiet !== true) tell(`vggtool: ${visible(source)}: ${visible(error.summary)}\n`);
    }
    bar.step();
  };
  try {
    if (out === undefined) throw new CheckpointError("usage", "a catalogue needs a folder", { hint: "say which: -o zoo" });
    const record = await catalogue(sources, { ...rest, out, signal: interruptSignal(), onSource });
    bar?.hide();
    output.data(output.json ? toJson(record) : summary(record));
    // What may go well the next time is to be tried again by whoever runs the command.
    if (recordErrors === true ? record.passing > 0 : record.failed > 0) setExitCode(exitCodes.failed);
  } catch (error) {
    bar?.hide();
    setExitCode(reportFailure(error, output.json));
  }
}

function summary({ output, checkpoints, tensors, read, unchanged, failed }: CatalogueRecord): string {
  const done = [`${count(read)} read`, `${count(unchanged)} unchanged`, ...(failed > 0 ? [`${count(failed)} with an error`] : [])];
  return `${visible(output)}: ${count(checkpoints)} checkpoints, ${count(tensors)} tensors (${done.join(", ")})`;
}

interface QueryOptions extends CommonOptions, Omit<CatalogueQueryOptions, "signal"> {}

function queryCommand(): Command {
  return new Command("query")
    .description("the rows of a catalogue that answer; exit 1 where there is none")
    .argument("<catalogue>", "folder of a catalogue")
    .addHelpText(
      "before",
      "Examples:\n  vggtool catalogue query zoo --where \"complete = true and format in ('torch', 'mat')\"\n  vggtool catalogue query zoo --same-weights-as vgg16.pth\n",
    )
    .optionsGroup("The question:")
    .option("--where <expression>", "comparisons of columns with values: = != < <= > >=, in, like, is null, and, or, not")
    .option("--same-weights-as <file>", "checkpoints with the weights of this one, whatever the order of their axes; needs --hash")
    .option("--tensors", "rows of the tensors, and --where over their columns")
    .optionsGroup("How the file is read:")
    .option("--from <format>", "read the file as this format")
    .option("--amplified", amplifiedHelp)
    .action(async (folder: string, options: QueryOptions) => {
      const output = await outputFor(options);
      try {
        const rows = queryCatalogue(folder, { ...withoutCommon(options), signal: interruptSignal() });
        if ((await show(rows, output, options.tensors === true)) === 0) setExitCode(exitCodes.no);
      } catch (error) {
        setExitCode(reportFailure(error, output.json));
      }
    });
}

/** Rows of a table that is aligned as one. */
const block = 1000;

async function show(rows: AsyncIterable<CatalogueRow>, output: Output, tensors: boolean): Promise<number> {
  let shown = 0;
  let waiting: CatalogueRow[] = [];
  for await (const row of rows) {
    shown += 1;
    if (output.json) output.data(toJson(row));
    else waiting.push(row);
    if (waiting.length < block) continue;
    output.data(rowsText(waiting, tensors, output.style));
    waiting = [];
  }
  if (waiting.length > 0) output.data(rowsText(waiting, tensors, output.style));
  return shown;
}

interface MergeOptions extends CommonOptions {
  readonly output: string;
  readonly force?: boolean;
}

function mergeCommand(): Command {
  return new Command("merge")
    .description("join catalogues, as those of the shards, into one")
    .argument("<catalogue...>", "folders of catalogues")
    .addHelpText("before", "Examples:\n  vggtool catalogue merge part-1 part-2 part-3 -o zoo\n")
    .optionsGroup("The catalogue:")
    .requiredOption("-o, --output <dir>", "folder of the new catalogue")
    .option("--force", "replace the catalogue that is there")
    .action(async (folders: readonly string[], options: MergeOptions) => {
      const output = await outputFor(options);
      try {
        const record = await mergeCatalogues(folders, { out: options.output, ...(options.force === true ? { force: true } : {}) });
        const { checkpoints, tensors } = record;
        output.data(
          output.json ? toJson(record) : `${visible(record.output)}: ${count(checkpoints)} checkpoints, ${count(tensors)} tensors`,
        );
      } catch (error) {
        setExitCode(reportFailure(error, output.json));
      }
    });
}
