import { Command, Option } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { catalogueCommand } from "./commands/catalogue.ts";
import { completionCommand } from "./commands/completion.ts";
import { convertCommand } from "./commands/convert.ts";
import { diffCommand } from "./commands/diff.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { explainCommand } from "./commands/explain.ts";
import { formatsCommand } from "./commands/formats.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { manCommand } from "./commands/man.ts";
import { reportCommand } from "./commands/report.ts";
import { serveCommand } from "./commands/serve.ts";
import { showCommand } from "./commands/show.ts";
import { verifyCommand } from "./commands/verify.ts";
import { print, tell } from "./streams.ts";

export const commands: ReadonlyMap<string, () => Command> = new Map([
  ["inspect", inspectCommand],
  ["convert", convertCommand],
  ["verify", verifyCommand],
  ["diff", diffCommand],
  ["catalogue", catalogueCommand],
  ["report", reportCommand],
  ["show", showCommand],
  ["serve", serveCommand],
  ["explain", explainCommand],
  ["doctor", doctorCommand],
  ["formats", formatsCommand],
  ["completion", completionCommand],
  ["man", manCommand],
]);

/** All commands, or only those that are asked for: each takes a while to describe its options. */
export function makeProgram(asked: Iterable<string> = commands.keys()): Command {
  const program = new Command("vggtool")
    .description("Open, inspect, convert and verify VGG checkpoints of any framework, with Node alone.")
    .version(packageJson.version, "-V, --version")
    .helpOption("-h, --help")
    .addHelpText("before", "Examples:\n  vggtool inspect vgg_face.mat\n  vggtool convert vgg_16.ckpt --fc dense --to tfslim\n")
    .exitOverride()
    // Options behind the name of a command below another are its own.
    .enablePositionalOptions()
    // What was typed wrongly is said by whoever calls, as every other error is.
    .configureOutput({ writeOut: print, writeErr: tell, outputError: () => {} });
  for (const name of asked) {
    const command = commands.get(name)?.();
    if (command !== undefined) program.addCommand(withSettingsOf(program, withCommonOptions(command)));
  }
  return program;
}

/** A command and the commands below it. */
function withSettingsOf(program: Command, command: Command): Command {
  for (const below of command.commands) withSettingsOf(program, withCommonOptions(below));
  return command.exitOverride().copyInheritedSettings(program);
}

function withCommonOptions(command: Command): Command {
  return command
    .optionsGroup("For every command:")
    .addOption(new Option("--json", "print one JSON object instead of text"))
    .addOption(new Option("--quiet", "print nothing but the result"))
    .addOption(new Option("--offline", "ask no server: an address is an error"))
    .addOption(new Option("--download", "fetch a file whole where its server gives no parts of it"))
    .addOption(new Option("--cache <dir>", "keep what is fetched from servers in this folder, for the next run"))
    .addOption(new Option("--color <when>", "colour the output").choices(["auto", "always", "never"]).default("auto"))
    .addHelpOption(new Option("-h, --help", "show these lines").helpGroup("For every command:"));
}
