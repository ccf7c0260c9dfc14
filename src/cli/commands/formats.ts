import { Command } from "commander";
import { listFormats } from "../../index.ts";
import { toJson } from "../../report/json.ts";
import { type CommonOptions, outputFor } from "../output.ts";

export function formatsCommand(): Command {
  return new Command("formats")
    .description("what can be read and written, and the naming schemes")
    .addHelpText("before", "Examples:\n  vggtool formats\n  vggtool formats --json\n")
    .action(async (options: CommonOptions) => {
      const output = await outputFor(options);
      const record = await listFormats();
      output.data(output.json ? toJson(record) : (await import("../../report/formats.ts")).formatsText(record, output.style));
    });
}
