import { Command, CommanderError, Option } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { claimProcess } from "../library/own-process.ts";
import { visibleWithin } from "../report/style.ts";
import { catalogueCommand } from "./commands/catalogue.ts";
import { convertCommand } from "./commands/convert.ts";
import { diffCommand } from "./commands/diff.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { explainCommand } from "./commands/explain.ts";
import { formatsCommand } from "./commands/formats.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { reportCommand } from "./commands/report.ts";
import { verifyCommand } from "./commands/verify.ts";
import { exitCodes } from "./exit-codes.ts";
import { reportFailure } from "./failure.ts";
import { print, tell } from "./streams.ts";

const commands: ReadonlyMap<string, () => Command> = new Map([
  ["inspect", inspectCommand],
  ["convert", convertCommand],
  ["verify", verifyCommand],
  ["diff", diffCommand],
  ["catalogue", catalogueCommand],
  ["report", reportCommand],
  ["explain", explainCommand],
  ["doctor", doctorCommand],
  ["formats", formatsCommand],
]);

/** Characters that are shown of what was typed wrongly. */
const longestLine = 400;

/** Runs one command line; sets `process.exitCode` and never throws. */
export async function main(argv: readonly string[]): Promise<void> {
  const json = argv.includes("--json");
  claimProcess();
  try {
    await build(argv[0]).parseAsync([...argv], { from: "user" });
  } catch (error) {
    process.exitCode = error instanceof CommanderError ? usageCode(error, json) : reportFailure(error, json);
  }
}

/** All commands, or only the one that is asked for: each takes a while to describe its options. */
function build(asked = ""): Command {
  const program = new Command("vggtool")
    .description("Open, inspect, convert and verify VGG checkpoints of any framework, with Node alone.")
    .version(packageJson.version, "-V, --version")
    .helpOption("-h, --help")
    .addHelpText("before", "Examples:\n  vggtool inspect vgg_face.mat\n  vggtool convert vgg_16.ckpt --fc dense --to tfslim\n")
    .exitOverride()
    // Options behind the name of a command are that command's.
    .enablePositionalOptions()
    // What was typed is repeated in errors, and may have come from a file's name.
    .configureOutput({
      writeOut: print,
      writeErr: tell,
      outputError: (text, write) =>
        write(
          text
            .split("\n")
            .map((line) => visibleWithin(line, longestLine))
            .join("\n"),
        ),
    })
    .showHelpAfterError("(vggtool --help lists the commands)");
  const one = commands.get(asked);
  for (const make of one === undefined ? commands.values() : [one]) {
    const command = make();
    for (const each of [command, ...command.commands]) shareOptions(each, program);
    program.addCommand(command);
  }
  return program;
}

/** What every command takes. */
function shareOptions(command: Command, program: Command): void {
  command
    .exitOverride()
    .copyInheritedSettings(program)
    .addOption(new Option("--json", "print one JSON object instead of text"))
    .addOption(new Option("--quiet", "print nothing but the result"))
    .addOption(new Option("--offline", "ask no server: an address is an error"))
    .addOption(new Option("--download", "fetch a file whole where its server gives no parts of it"))
    .addOption(new Option("--cache <dir>", "keep what is fetched from servers in this folder, for the next run"))
    .addOption(new Option("--color <when>", "colour the output").choices(["auto", "always", "never"]).default("auto"))
    .showHelpAfterError(false);
}

/** commander has written its sentence to stderr already, except with --json, where stdout gets the record. */
function usageCode(error: CommanderError, json: boolean): number {
  if (error.exitCode === 0) return exitCodes.done;
  if (json)
    print(`${JSON.stringify({ schema: "vggtool/error/1", error: { code: "usage", message: error.message.replace(/^error: /, "") } })}\n`);
  return exitCodes.failed;
}
