import { Argument, Command } from "commander";
import { listFormats } from "../../index.ts";
import { type CommonOptions, outputFor } from "../output.ts";

const shells = ["bash", "zsh", "fish"] as const;

export function completionCommand(): Command {
  return new Command("completion")
    .description("print the lines that let a shell complete commands, options and their values")
    .addArgument(new Argument("<shell>", "which shell").choices(shells))
    .addHelpText(
      "before",
      "Examples:\n  source <(vggtool completion bash)\n  vggtool completion fish > ~/.config/fish/completions/vggtool.fish\n",
    )
    .action(run);
}

async function run(shell: (typeof shells)[number], options: CommonOptions): Promise<void> {
  const output = await outputFor(options);
  const [{ makeProgram }, { describeProgram, wordsOf }] = await Promise.all([import("../program.ts"), import("../manual/describe.ts")]);
  const described = describeProgram(makeProgram(), wordsOf(await listFormats()));
  const { completions } = await import("../manual/completion.ts");
  output.data(completions[shell](described));
}
