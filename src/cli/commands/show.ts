import { Command } from "commander";
import { CheckpointError, type ShowOptions, show } from "../../index.ts";
import { toJson } from "../../report/json.ts";
import { reportFailure } from "../failure.ts";
import { interruptSignal } from "../interrupt.ts";
import { type CommonOptions, outputFor, setExitCode, withoutCommon } from "../output.ts";
import { progress } from "../progress.ts";
import { terminalWidth } from "../streams.ts";
import { wantsColor } from "../terminal.ts";
import { amplifiedHelp } from "./parse.ts";

export function showCommand(): Command {
  return new Command("show")
    .description("a picture of filters, of values, or of what a layer makes of a picture: in the terminal, or as PNG or SVG")
    .argument("<file>", "a checkpoint")
    .addHelpText("before", "Examples:\n  vggtool show vgg16.pth --filters conv1_1\n  vggtool show vgg16.pth --histogram fc6 -o fc6.svg\n")
    .option("--filters <layer>", "the filters of this layer: in colours where it sees the picture, else where in their kernels they look")
    .option("--histogram <tensor>", "the values of a tensor: a key, a role, or a layer, whose weights are then shown")
    .option("--activations <picture>", "what a layer makes of this picture")
    .option("--layer <layer>", "the layer of --activations (conv3_1)")
    .option("-o, --output <file>", "write a .png or an .svg; without it the picture goes to the terminal")
    .option("--force", "replace what is there already")
    .option("--amplified", amplifiedHelp)
    .option("--from <format>", "read as this format, whatever the content looks like")
    .action(run);
}

async function run(file: string, given: CommonOptions & ShowOptions): Promise<void> {
  const output = await outputFor(given);
  const bar = progress(file, undefined, given.quiet === true);
  try {
    const columns = terminalWidth(1);
    const screen = given.output === undefined && !output.json;
    if (screen && !wantsColor(given.color ?? "auto", columns !== undefined)) {
      throw new CheckpointError("usage", "a picture needs a terminal with colours, or a file to be written to", { hint: "-o picture.png" });
    }
    const record = await show(file, { ...withoutCommon(given), signal: interruptSignal(), onProgress: bar.add });
    bar.done();
    const { visible } = await import("../../report/style.ts");
    if (output.json) output.data(toJson(record));
    else if (given.output !== undefined) output.data(`wrote ${visible(given.output)}: ${visible(record.about)}`);
    else {
      const { screenOf, screenText } = await import("../../report/picture/terminal.ts");
      output.data(await screenText(record.picture, columns === undefined ? "blocks" : screenOf(process.env), columns ?? 80));
      output.note(visible(record.about));
    }
  } catch (error) {
    bar.done();
    setExitCode(reportFailure(error, output.json, file));
  }
}
