import { Command } from "commander";
import { listFormats } from "../../index.ts";
import { type CommonOptions, outputFor } from "../output.ts";

export function manCommand(): Command {
  return new Command("man")
    .description("print the manual page, for man and groff")
    .addHelpText("before", "Examples:\n  vggtool man | man -l -\n  vggtool man > vggtool.1\n")
    .action(async (options: CommonOptions) => {
      const output = await outputFor(options);
      const [{ makeProgram }, { describeProgram, wordsOf }] = await Promise.all([import("../program.ts"), import("../manual/describe.ts")]);
      const { manualPage } = await import("../manual/man.ts");
      output.data(manualPage(describeProgram(makeProgram(), wordsOf(await listFormats()))));
    });
}
