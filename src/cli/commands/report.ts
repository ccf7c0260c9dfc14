import { Command } from "commander";
import { type ReportOptions, report } from "../../index.ts";
import { jsonPieces } from "../../report/json.ts";
import { reportFailure } from "../failure.ts";
import { interruptSignal } from "../interrupt.ts";
import { type CommonOptions, outputFor, setExitCode, withoutCommon } from "../output.ts";
import { progress } from "../progress.ts";
import { amplifiedHelp, inputSize } from "./parse.ts";

interface Options extends CommonOptions, Omit<ReportOptions, "inputSize" | "other"> {
  readonly inputSize?: ReturnType<typeof inputSize>;
}

export function reportCommand(): Command {
  return new Command("report")
    .description("one page to look at: what the file is, every tensor's histogram, its filters, and how far another is from it")
    .argument("<file>", "a checkpoint")
    .argument("[other]", "another one, which it is compared with")
    .addHelpText(
      "before",
      "Examples:\n  vggtool report vgg16.pth -o vgg16.html\n  vggtool report before.ckpt after.pdparams -o compared.html\n",
    )
    .option("-o, --output <page.html>", "where the page is written; without it the page goes to stdout")
    .option("--force", "replace what is there already")
    .option("--to <format>", "show what a conversion to this format would do; nothing is converted")
    .option("--input-size <HxW>", "size of the pictures of both networks, where a file does not say", inputSize)
    .option("--from <format>", "read FILE as this format, whatever the content looks like")
    .option("--other-from <format>", "read OTHER as this format")
    .option("--amplified", amplifiedHelp)
    .action(run);
}

async function run(file: string, other: string | undefined, given: Options): Promise<void> {
  const output = await outputFor(given);
  const { inputSize: image, ...rest } = withoutCommon(given);
  const bar = progress(file, undefined, given.quiet === true);
  try {
    const record = await report(file, {
      ...rest,
      ...(other === undefined ? {} : { other }),
      ...(image === undefined ? {} : { inputSize: [image[0], image[1]] }),
      signal: interruptSignal(),
      onProgress: bar.add,
      onPhase: bar.begin,
    });
    bar.done();
    if (output.json) output.pieces(jsonPieces(record));
    else if (given.output === undefined) output.data((await import("../../report/page/page.ts")).reportPage(record));
    else output.data(`wrote ${(await import("../../report/style.ts")).visible(given.output)}`);
  } catch (error) {
    bar.done();
    setExitCode(reportFailure(error, output.json, file));
  }
}
