import type { CommandDescription, OptionDescription, ProgramDescription } from "./describe.ts";

/** A file for ~/.config/fish/completions. */
export function fishCompletion({ name, commands }: ProgramDescription): string {
  const names = commands.map((command) => command.name);
  const first = `complete -c ${name} -n __fish_use_subcommand`;
  return [
    `# ${name}: completion for fish`,
    `complete -c ${name} -f`,
    ...commands.map((command) => `${first} -a ${command.name} -d ${quoted(command.summary)}`),
    `${first} -a help -d ${quoted("show the lines of a command")}`,
    `${first} -l version -d ${quoted("the version")}`,
    ...commands.flatMap((command) => linesOf(name, command)),
    `complete -c ${name} -n '__fish_seen_subcommand_from help' -a ${quoted(names.join(" "))}`,
    "",
  ].join("\n");
}

function linesOf(program: string, { name, options, arguments: positional }: CommandDescription): readonly string[] {
  const base = `complete -c ${program} -n '__fish_seen_subcommand_from ${name}'`;
  const words = positional.flatMap((argument) => argument.words);
  return [
    ...(positional.some(({ path }) => path) ? [`${base} -F`] : []),
    ...(words.length === 0 ? [] : [`${base} -a ${quoted(words.join(" "))}`]),
    ...options.map((option) => `${base}${flags(option)} -d ${quoted(option.about)}`),
  ];
}

function flags({ long, short, value }: OptionDescription): string {
  const named = ` -l ${long.replace(/^--/, "")}${short === undefined ? "" : ` -s ${short.replace(/^-/, "")}`}`;
  if (value === undefined) return named;
  if (value.words.length > 0) return `${named} -x -a ${quoted(value.words.join(" "))}`;
  return `${named}${value.path ? " -r -F" : " -x"}`;
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
