import type { Argument, Command, Option } from "commander";
import type { FormatsRecord } from "../../index.ts";

/** The command line as records: what the manual page and the completions of the shells are made of, and `--help` shows. */
export interface ProgramDescription {
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  readonly commands: readonly CommandDescription[];
}

export interface CommandDescription {
  readonly name: string;
  readonly summary: string;
  /** Behind the name: `[options] <file>`. */
  readonly usage: string;
  readonly examples: readonly string[];
  readonly arguments: readonly ValueDescription[];
  readonly options: readonly OptionDescription[];
}

export interface ValueDescription {
  readonly name: string;
  readonly about: string;
  /** What may be typed, where that is a list. */
  readonly words: readonly string[];
  /** It is the name of a file or a folder. */
  readonly path: boolean;
}

export interface OptionDescription {
  readonly long: string;
  readonly short: string | undefined;
  readonly about: string;
  readonly group: string;
  readonly repeatable: boolean;
  /** Absent for flags. */
  readonly value: ValueDescription | undefined;
}

/** Placeholders of values that are paths. */
const paths = new Set([
  "file",
  "other",
  "out",
  "dir",
  "a",
  "b",
  "path",
  "folder",
  "file.json",
  "page.html",
  "source",
  "model.py",
  "pictures",
]);

/** Option → its words, where those are the rows of tables. */
export function wordsOf({ formats, schemes }: FormatsRecord): ReadonlyMap<string, readonly string[]> {
  const readable = formats.filter(({ read }) => read).map(({ id }) => id);
  const names = ["keep", ...schemes.map(({ id }) => id)];
  return new Map([
    ["--to", [...new Set(formats.flatMap(({ to }) => to))]],
    ["--from", readable],
    ["--other-from", readable],
    ["--naming", names],
    ["--layout", names],
  ]);
}

export function describeProgram(program: Command, words: ReadonlyMap<string, readonly string[]>): ProgramDescription {
  return {
    name: program.name(),
    version: program.version() ?? "",
    summary: program.description(),
    commands: program.commands.map((command) => describeCommand(command, words)),
  };
}

function describeCommand(command: Command, words: ReadonlyMap<string, readonly string[]>): CommandDescription {
  return {
    name: command.name(),
    summary: command.description(),
    usage: command.usage(),
    examples: examplesOf(command),
    arguments: command.registeredArguments.map(describeArgument),
    options: command
      .createHelp()
      .visibleOptions(command)
      .map((option) => describeOption(option, words.get(option.long ?? "") ?? option.argChoices ?? [])),
  };
}

/** The lines that its help begins with. */
function examplesOf(command: Command): readonly string[] {
  let help = "";
  command.configureOutput({
    writeOut: (text) => {
      help += text;
    },
  });
  command.outputHelp();
  const [examples = ""] = help.split("\nUsage:");
  return [...examples.matchAll(/^ {2}(vggtool .*|source .*)$/gm)].map(([, line = ""]) => line);
}

function describeArgument(argument: Argument): ValueDescription {
  const name = argument.name();
  return { name, about: argument.description, words: argument.argChoices ?? [], path: paths.has(name) };
}

function describeOption(option: Option, words: readonly string[]): OptionDescription {
  const placeholder = /[<[]([^>\]]+)[>\]]/.exec(option.flags)?.[1]?.replace(/\.\.\.$/, "");
  return {
    long: option.long ?? option.flags,
    short: option.short,
    about: option.description,
    group: option.helpGroupHeading ?? "Options:",
    repeatable: option.variadic || option.description.includes("(repeatable)"),
    value: placeholder === undefined ? undefined : { name: placeholder, about: "", words, path: paths.has(placeholder) },
  };
}
