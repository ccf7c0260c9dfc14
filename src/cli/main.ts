import { CommanderError } from "commander";
import { CheckpointError } from "../index.ts";
import { claimProcess } from "../library/own-process.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { reportFailure } from "./failure.ts";
import { commands, makeProgram } from "./program.ts";

/** Runs one command line; sets `process.exitCode` and never throws. */
export async function main(argv: readonly string[]): Promise<void> {
  claimProcess();
  const [asked = "", named = ""] = argv;
  // `help` of a command that is not there is about that command.
  const line = asked === "help" && named !== "" && !commands.has(named) ? argv.slice(1) : argv;
  try {
    if (asked === "--worker") {
      await (await import("./many/worker.ts")).serveTasks();
      return;
    }
    await makeProgram(needed(asked)).parseAsync([...line], { from: "user" });
  } catch (error) {
    const code = failed(error, asked, argv.includes("--json"));
    if (code !== undefined) process.exitCode = code;
  }
}

/** The one command that is asked for; all where none is. */
function needed(asked: string): Iterable<string> {
  if (commands.has(asked)) return [asked];
  return asked === "-V" || asked === "--version" ? [] : commands.keys();
}

/** The exit code of what was thrown; undefined where help or the version was asked for. */
function failed(error: unknown, asked: string, json: boolean): ExitCode | undefined {
  if (!(error instanceof CommanderError)) return reportFailure(error, json);
  if (error.exitCode === 0) return undefined;
  // Nothing was asked for: the commands are listed already.
  if (error.code === "commander.help") return exitCodes.failed;
  return reportFailure(usage(error, commands.has(asked) ? asked : undefined), json);
}

/** What commander says of a command line, as every other error is said. */
function usage({ message }: CommanderError, command: string | undefined): CheckpointError {
  const [first = "", suggestion] = message.replace(/^error: /, "").split("\n");
  const meant = /^\(Did you mean (.*)\?\)$/.exec(suggestion ?? "")?.[1];
  const help = command === undefined ? "vggtool --help lists the commands" : `vggtool ${command} --help lists its options`;
  return new CheckpointError("usage", first.replace(/\.$/, ""), { hint: meant === undefined ? help : `did you mean ${meant}?` });
}
