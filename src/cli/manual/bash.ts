import type { CommandDescription, ProgramDescription } from "./describe.ts";

/** For bash 3.2, which macOS has, and all later ones. Words are lines, as names of files may have spaces. */
export function bashCompletion({ name, commands }: ProgramDescription): string {
  const names = commands.map((command) => command.name);
  return `# ${name}: completion for bash
_${name}() {
  local IFS=$'\\n' word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" options="" words=""
  COMPREPLY=()
  if [[ $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W ${list([...names, "help", "--help", "--version"])} -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${commands.map(branch).join("\n")}
    help) words=${list(names)} ;;
  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  elif [[ -n $words ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -o filenames -F _${name} ${name}
`;
}

function branch({ name, options, arguments: positional }: CommandDescription): string {
  const valued = options.flatMap(({ long, short, value }) =>
    value === undefined ? [] : [{ flags: short === undefined ? long : `${long}|${short}`, value }],
  );
  const lines = valued.map(({ flags, value }) => {
    const asks = value.path ? 'compgen -f -- "$word"' : value.words.length > 0 ? `compgen -W ${list(value.words)} -- "$word"` : undefined;
    return `        ${flags}) ${asks === undefined ? "" : `COMPREPLY=($(${asks})); `}return ;;`;
  });
  const words = positional.flatMap((argument) => argument.words);
  return [
    `    ${name})`,
    ...(lines.length === 0 ? [] : ['      case "$before" in', ...lines, "      esac"]),
    `      options=${list(options.map(({ long }) => long))}`,
    ...(words.length === 0 ? [] : [`      words=${list(words)}`]),
    "      ;;",
  ].join("\n");
}

/** A word in quotes that has one item a line. */
function list(words: readonly string[]): string {
  return `$'${words.map((word) => word.replace(/[\\']/g, "\\$&")).join("\\n")}'`;
}
