import { basename, join } from "node:path";
import { convertCommand } from "../../../src/cli/commands/convert.ts";
import { diffCommand } from "../../../src/cli/commands/diff.ts";
import { inspectCommand } from "../../../src/cli/commands/inspect.ts";
import { verifyCommand } from "../../../src/cli/commands/verify.ts";
import type { Ran } from "../../support/cli.ts";
import { isRecord } from "../../support/golden.ts";
import { alternatives, type Blanks, optionsOf, type Typed } from "./typed.ts";

/** A line that names a command or an option, printed after a command line. */
export interface Advice {
  readonly args: readonly string[];
  readonly text: string;
  /** Of an error: its sentence and the file that it is about, for "did you mean". */
  readonly message: string;
  readonly file: string;
}

export interface Followed {
  readonly right: boolean;
  /** What was typed. */
  readonly line: readonly string[];
  readonly ran: Ran;
}

const commands = [inspectCommand(), convertCommand(), verifyCommand(), diffCommand()];
const options = new Map(commands.map((command) => [command.name(), optionsOf(command)] as const));
const valued = new Set(commands.flatMap((command) => [...optionsOf(command)].flatMap(([name, value]) => (value ? [name] : []))));

/** Parts of a record that hold what files say, not what the tool advises. */
const contents = new Set(["tensors", "layers", "metadata", "moves", "ledger", "files", "file", "output", "foreign", "grounds"]);

/** Types lines of advice, and says whether what they promise came true. */
export class Typist {
  readonly #run: (args: readonly string[]) => Promise<Ran>;
  readonly #blanks: Blanks;
  readonly #folder: string;
  #counter = 0;

  /** `folder` is for what is written. */
  constructor(run: (args: readonly string[]) => Promise<Ran>, folder: string) {
    this.#run = run;
    this.#folder = folder;
    this.#blanks = { size: "64x96x3", out: join(folder, "again.safetensors") };
  }

  /** Every line of a command's record that names an option or a command. */
  async advice(args: readonly string[]): Promise<readonly Advice[]> {
    const ran = await this.#run([...args, "--json"]);
    const record = parsed(ran.stdout);
    const error = isRecord(record) && isRecord(record.error) ? record.error : {};
    const [message, file] = [error.message, error.file].map((value) => (typeof value === "string" ? value : ""));
    const texts = record === undefined ? ran.stderr.split("\n") : [...strings(record)];
    const hints = new Set([...errorsAdvice(ran.stdout), ...fixesIn(record)]);
    // A sentence about an option that was typed advises nothing.
    const about = (text: string): boolean =>
      !hints.has(text) && !/did you mean/i.test(text) && optionsIn(text).every((option) => args.includes(option));
    return texts
      .filter((text) => namesSomething(text) && !about(text))
      .map((text) => ({ args, text: text.trim(), message: message ?? "", file: file ?? "" }));
  }

  /** The alternatives of a line of advice; those that only a person can fill in are `open`. */
  alternatives(text: string): readonly Typed[] {
    return alternatives(text, valued, this.#blanks);
  }

  /** Types one alternative. Its promise: the command succeeds, and does not say the same again. */
  async follow(advice: Advice, typed: Typed): Promise<Followed> {
    let line = this.#line(advice, typed);
    let ran = await this.#run([...line, "--json"]);
    // A fix that `inspect` prints is for a conversion of the person's own: what ours needs beside it is no fault of the fix.
    if (advice.args[0] === "inspect" && line[0] === "convert" && ran.code !== 0) {
      const [next] = errorsAdvice(ran.stdout).flatMap((text) => this.alternatives(text));
      if (next?.open === false) {
        line = this.#line({ ...advice, args: line }, next);
        ran = await this.#run([...line, "--json"]);
      }
    }
    const compared = line[0] === "diff" || (line[0] === "verify" && line[2] !== undefined && !line[2].startsWith("-"));
    const done = ran.code === 0 || (compared && ran.code === 1) || damaged.test(ran.stdout);
    const again = typed.command === undefined && ran.stdout.includes(JSON.stringify(advice.text));
    return { right: done && !again, line, ran };
  }

  /** The same command line with an output of its own: what the first run wrote is not in the way. */
  #elsewhere(args: readonly string[]): readonly string[] {
    return args.map((word, k) => (args[k - 1] === "-o" && word.startsWith(this.#folder) ? this.#fresh(basename(word)) : word));
  }

  #fresh(name: string): string {
    return join(this.#folder, `${this.#counter++}-${name}`);
  }

  /** The command line that results. A fix of a finding and a switch are for a conversion where the command that printed them lacks them. */
  #line({ args, message, file }: Advice, { add, leave, instead, command }: Typed): readonly string[] {
    if (command !== undefined) return command;
    if (instead !== undefined) return args.map((word) => (word === file || isMeant(word, message) ? instead : word));
    const known = options.get(args[0] ?? "");
    const missing = add.some((word) => word.startsWith("-") && known?.has(word) !== true && options.get("convert")?.has(word) === true);
    const base = missing ? ["convert", args[1] ?? "", "--to", "torch", "-o", this.#fresh("fix.pth")] : this.#elsewhere(args);
    // A new last layer and no head at all contradict each other.
    const against = add.includes("--no-top") ? ["--num-classes"] : [];
    const replaced = new Set([...leave, ...against, ...add.filter((word) => word.startsWith("-") && word !== "--exclude")]);
    const kept: string[] = [];
    for (let k = 0; k < base.length; k++) {
      const word = base[k] ?? "";
      if (!replaced.has(word)) kept.push(word);
      else if (valued.has(word)) k += 1;
    }
    return [...kept, ...add];
  }
}

/** What no advice could know of: values are read when they are moved. */
const damaged = /"code":"(truncated|malformed)"/;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a listing in several records, or text
  }
}

function errorsAdvice(text: string): readonly string[] {
  const record = parsed(text);
  return isRecord(record) && isRecord(record.error) && typeof record.error.hint === "string" ? [record.error.hint] : [];
}

function fixesIn(record: unknown): readonly string[] {
  const findings = isRecord(record) && Array.isArray(record.findings) ? record.findings : [];
  return findings.flatMap((finding) => (isRecord(finding) && typeof finding.fix === "string" ? [finding.fix] : []));
}

function* strings(value: unknown): Generator<string> {
  if (typeof value === "string") yield value;
  else if (Array.isArray(value)) for (const item of value) yield* strings(item);
  else if (isRecord(value) && typeof value.what === "string" && typeof value.switch === "string") yield `${value.what}; ${value.switch}`;
  else if (isRecord(value)) for (const [key, item] of Object.entries(value)) if (!contents.has(key)) yield* strings(item);
}

function namesSomething(text: string): boolean {
  return (optionsIn(text).length > 0 || /(^|[\s(`'"])vggtool [a-z]|did you mean/i.test(text)) && !/would still be refused/.test(text);
}

function optionsIn(text: string): readonly string[] {
  return [...text.matchAll(/(?:^|[\s(`'"])(--[a-z][a-z-]+|-o\b)/g)].map(([, option = ""]) => option);
}

/** The word of the command line that an error complains of. */
function isMeant(word: string, message: string): boolean {
  return [`'${word}'`, ` ${word} `].some((quoted) => ` ${message} `.includes(quoted));
}

/** Advice with names and numbers taken out: what is the same everywhere is one kind. */
export function kindOf(text: string): string {
  return text.replace(/'[^']*'|[\w./-]*\d[\w./-]*/g, "#").replace(/(--exclude # ?)+/g, "--exclude # ");
}
