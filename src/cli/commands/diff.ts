import { Command } from "commander";
import { diff, diffText, toJson } from "../../index.ts";
import { exitCodes } from "../exit-codes.ts";
import { reportFailure } from "../failure.ts";
import { interruptSignal } from "../interrupt.ts";
import { type Common, outputFor, setExitCode } from "../output.ts";
import { progress } from "../progress.ts";

export function diffCommand(): Command {
  return new Command("diff")
    .description("compare two checkpoints' values through their layouts, without running them")
    .argument("<a>", "a checkpoint")
    .argument("<b>", "another, of any format")
    .addHelpText("before", "Examples:\n  vggtool diff vgg16.pth vgg16.safetensors\n  vggtool diff before.ckpt after.pdparams --json\n")
    .action(run);
}

async function run(a: string, b: string, options: Common): Promise<void> {
  const output = await outputFor(options);
  const bar = progress(`${a} against ${b}`, undefined, options.quiet === true);
  try {
    const record = await diff(a, b, { signal: interruptSignal(), onProgress: bar.add });
    bar.done();
    output.data(output.json ? toJson(record) : await diffText(record, output.style));
    setExitCode(record.equal ? exitCodes.done : exitCodes.no);
  } catch (error) {
    bar.done();
    setExitCode(reportFailure(error, output.json, a));
  }
}
