import { Command } from "commander";
import { doctor } from "../../index.ts";
import { toJson } from "../../report/json.ts";
import { type CommonOptions, outputFor } from "../output.ts";

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("what this machine has for verify: engines, devices, decoders, and what to type for what is missing")
    .addHelpText("before", "Examples:\n  vggtool doctor\n  vggtool doctor --json\n")
    .action(async (options: CommonOptions) => {
      const output = await outputFor(options);
      const record = await doctor();
      output.data(output.json ? toJson(record) : (await import("../../report/doctor.ts")).doctorText(record, output.style));
    });
}
