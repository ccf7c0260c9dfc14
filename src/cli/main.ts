import { readFileSync } from "node:fs";
import { Command, CommanderError, Option } from "commander";
import { visible } from "../index.ts";
import { convertCommand } from "./commands/convert.ts";
import { diffCommand } from "./commands/diff.ts";
import { formatsCommand } from "./commands/formats.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { verifyCommand } from "./commands/verify.ts";
import { exitCodes } from "./exit-codes.ts";
import { reportFailure } from "./failure.ts";

const commands = [inspectCommand, convertCommand, verifyCommand, diffCommand, formatsCommand];

/** Runs one command line; sets `process.exitCode` and never throws. */
export async function main(argv: readonly string[]): Promise<void> {
  endQuietlyWhenNobodyReads();
  const json = argv.includes("--json");
  try {
    await build().parseAsync([...argv], { from: "user" });
  } catch (error) {
    process.exitCode = error instanceof CommanderError ? usageCode(error, json) : reportFailure(error, json);
  }
}

function build(): Command {
  const program = new Command("vggtool")
    .description("Open, inspect, convert and verify VGG checkpoints of any framework, with Node alone.")
    .version(version(), "-V, --version")
    .helpOption("-h, --help")
    .addHelpText("before", "Examples:\n  vggtool inspect vgg_face.mat\n  vggtool convert vgg_16.ckpt --fc dense --to tfslim\n")
    .exitOverride()
    // What was typed is repeated in errors, and may have come from a file's name.
    .configureOutput({ outputError: (text, write) => write(text.split("\n").map(visible).join("\n")) })
    .showHelpAfterError("(vggtool --help lists the commands)");
  for (const make of commands) {
    const command = make()
      .exitOverride()
      .copyInheritedSettings(program)
      .addOption(new Option("--json", "print one JSON object instead of text"))
      .addOption(new Option("--quiet", "print nothing but the result"))
      .addOption(new Option("--color <when>", "colour the output").choices(["auto", "always", "never"]).default("auto"))
      .showHelpAfterError(false);
    program.addCommand(command);
  }
  return program;
}

function version(): string {
  const file: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  return typeof file === "object" && file !== null && "version" in file ? String(file.version) : "unknown";
}

/** commander has written its sentence to stderr already, except with --json, where stdout gets the record. */
function usageCode(error: CommanderError, json: boolean): number {
  if (error.exitCode === 0) return exitCodes.done;
  if (json)
    process.stdout.write(
      `${JSON.stringify({ schema: "vggtool/error/1", error: { code: "usage", message: error.message.replace(/^error: /, "") } })}\n`,
    );
  return exitCodes.failed;
}

/** `vggtool inspect … | head` closes our stdout early: that is no failure of ours. */
function endQuietlyWhenNobodyReads(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(process.exitCode ?? exitCodes.done);
    throw error;
  });
}
