import { exitCodes } from "../exit-codes.ts";
import type { CommandDescription, OptionDescription, ProgramDescription } from "./describe.ts";

/** The manual page in the macros of man(7), which every groff and mandoc knows. */
export function manualPage({ name, version, summary, commands }: ProgramDescription): string {
  return [
    `.TH ${name.toUpperCase()} 1 "" "${name} ${version}"`,
    ".SH NAME",
    `${name} \\- ${roff(summary.replace(/\.$/, "").replace(/^./, (first) => first.toLowerCase()))}`,
    ".SH SYNOPSIS",
    ".nf",
    ...commands.map((command) => `${name} ${command.name} ${roff(command.usage)}`),
    ".fi",
    ".SH COMMANDS",
    ...commands.flatMap((command) => section(name, command)),
    ".SH EXIT STATUS",
    ...item(String(exitCodes.done), "done, or the answer is yes"),
    ...item(String(exitCodes.no), "the answer is no (verify, diff, inspect --fail-on)"),
    ...item(String(exitCodes.failed), "it could not be done"),
    ...item(String(exitCodes.interrupted), "interrupted"),
    "",
  ].join("\n");
}

function section(program: string, command: CommandDescription): readonly string[] {
  const groups = new Set(command.options.map(({ group }) => group));
  return [
    `.SS ${program} ${command.name} ${roff(command.usage)}`,
    roff(command.summary),
    ...command.arguments.flatMap((argument) => item(argument.name, argument.about)),
    ...[...groups].flatMap((group) => [
      ".PP",
      roff(group),
      ...command.options.filter((option) => option.group === group).flatMap((option) => item(typed(option), withWords(option))),
    ]),
    ...(command.examples.length === 0 ? [] : [".PP", "Examples:", ".nf", ...command.examples.map((line) => `  ${roff(line)}`), ".fi"]),
  ];
}

function typed({ short, long, value }: OptionDescription): string {
  const flags = short === undefined ? long : `${short}, ${long}`;
  return value === undefined ? flags : `${flags} <${value.name}>`;
}

function withWords({ about, value }: OptionDescription): string {
  return value === undefined || value.words.length === 0 ? about : `${about} (${value.words.join(", ")})`;
}

function item(title: string, about: string): readonly string[] {
  return [".TP", `.B ${roff(title)}`, roff(about)];
}

/** Backslashes and hyphens mean themselves, and no line begins with a macro. */
function roff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^([.'])/, "\\&$1");
}
