import { Command } from "commander";
import { toJson } from "../../report/json.ts";
import { reportFailure } from "../failure.ts";
import { type CommonOptions, outputFor, setExitCode } from "../output.ts";

export function explainCommand(): Command {
  return new Command("explain")
    .description("what the code of a finding or of an error means, and what to do about it")
    .argument("<code>", "as it is printed: layers-missing, malformed")
    .addHelpText("before", "Examples:\n  vggtool explain layers-missing\n  vggtool explain truncated\n")
    .action(async (code: string, options: CommonOptions) => {
      const output = await outputFor(options);
      try {
        const { explainCode, explanationText } = await import("../../report/explain.ts");
        const record = explainCode(code);
        output.data(output.json ? toJson(record) : explanationText(record, output.style));
      } catch (error) {
        setExitCode(reportFailure(error, output.json));
      }
    });
}
