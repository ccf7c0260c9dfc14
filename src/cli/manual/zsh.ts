import type { CommandDescription, OptionDescription, ProgramDescription, ValueDescription } from "./describe.ts";

/** A file for a folder of $fpath, or lines to source. */
export function zshCompletion({ name, commands }: ProgramDescription): string {
  const described = commands.map((command) => `    ${quoted(`${command.name}:${command.summary}`)}`);
  return `#compdef ${name}
# ${name}: completion for zsh
_${name}() {
  local -a commands
  commands=(
${described.join("\n")}
    ${quoted("help:show the lines of a command")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${commands.map(branch).join("\n")}
    help) _describe command commands ;;
  esac
}
if [[ $funcstack[1] == _${name} ]]; then
  _${name} "$@"
else
  compdef _${name} ${name}
fi
`;
}

function branch({ name, options, arguments: positional }: CommandDescription): string {
  const rest = positional.map((argument) => quoted(`*:${escaped(argument.name)}${action(argument)}`)).slice(0, 1);
  return [`    ${name}) _arguments -s :`, ...options.map(spec), ...rest].join(" \\\n      ").concat(" ;;");
}

function spec({ long, short, about, value, repeatable }: OptionDescription): string {
  const times = repeatable ? "*" : "";
  const tail = `[${escaped(about)}]${value === undefined ? "" : `:${escaped(value.name)}${action(value)}`}`;
  if (short === undefined) return quoted(`${times}${long}${tail}`);
  return `${quoted(`(${short} ${long})`)}{${short},${long}}${quoted(tail)}`;
}

function action({ words, path }: ValueDescription): string {
  if (words.length > 0) return `:(${words.map(escaped).join(" ")})`;
  return path ? ":_files" : ":";
}

/** Of a specification of _arguments. */
function escaped(text: string): string {
  return text.replace(/[\\[\]:]/g, "\\$&");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
