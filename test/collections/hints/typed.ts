import type { Command } from "commander";

/** What a line of advice says to type: options to add, options to leave out, or a whole command. */
export interface Typed {
  readonly add: readonly string[];
  readonly leave: readonly string[];
  /** The arguments behind `vggtool`, where the advice is a command of its own. */
  readonly command?: readonly string[];
  /** Something of it only a person can fill in: a map by hand, a file of theirs. */
  readonly open: boolean;
}

/** Options of a command that take a value. */
export function valued(command: Command): ReadonlySet<string> {
  return new Set(
    command.options.filter(({ required, optional }) => required || optional).flatMap(({ long, short }) => [long ?? "", short ?? ""]),
  );
}

/** What stands for a value, and what is typed in its place; undefined: only a person knows it. */
export interface Blanks {
  readonly size: string;
  readonly out: string;
}

const ends = /[.,;:)`]+$/;

/**
 * Every alternative of a line of advice. Clauses are divided by semicolons and "or"; the options of one clause belong together. A
 * clause without options and commands gives nothing.
 */
export function alternatives(advice: string, takesValue: ReadonlySet<string>, blanks: Blanks): readonly Typed[] {
  return advice
    .split(/;\s|,? or (?=-|leave|choose|without|'vggtool|vggtool|use|add|another)/)
    .map((clause) => readClause(clause, takesValue, blanks))
    .filter(({ add, leave, command }) => add.length > 0 || leave.length > 0 || command !== undefined);
}

function readClause(clause: string, takesValue: ReadonlySet<string>, blanks: Blanks): Typed {
  const command = /(?:^|['`\s])vggtool ([a-z]+(?: [^'`]*)?)/.exec(clause)?.[1];
  if (command !== undefined) {
    const words = wordsOf(command).map((word) => word.replace(ends, ""));
    return { add: [], leave: [], command: words, open: words.some((word) => /^[A-Z]+(\.\w+)?$|^model\.py$/.test(word)) };
  }
  const words = wordsOf(clause);
  const add: string[] = [];
  const leave: string[] = [];
  let open = false;
  // What convert does anyway unless told otherwise is no advice.
  if (/\bunless --/.test(clause)) return { add: [], leave: [], open: false };
  const leaving = /\bleave --/.test(clause);
  for (let k = 0; k < words.length; k++) {
    const option = (words[k] ?? "").replace(ends, "");
    if (!/^(--[a-z][a-z-]+|-o)$/.test(option)) continue;
    if (leaving) {
      leave.push(option);
      continue;
    }
    add.push(option);
    if (!takesValue.has(option)) continue;
    // "with one of A, B, C": the first of them.
    const listed = words[k + 1] === "with" && words[k + 2] === "one" && words[k + 3] === "of" ? 3 : 0;
    const value = fill(option, (words[k + 1 + listed] ?? "").replace(ends, ""), blanks);
    if (value === undefined) open = true;
    else {
      add.push(value.text);
      if (value.taken) k += 1 + listed;
    }
  }
  return { add, leave, open };
}

/** Words; quoted ones whole. */
function wordsOf(text: string): readonly string[] {
  return [...text.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, bare]) => single ?? double ?? bare ?? "");
}

function fill(option: string, word: string, blanks: Blanks): { readonly text: string; readonly taken: boolean } | undefined {
  if (option === "-o") return word === "" || /^[a-z]+$/i.test(word) ? { text: blanks.out, taken: false } : { text: word, taken: true };
  if (option === "--num-classes" && word === "N") return { text: "10", taken: true };
  if (option === "--input-size" && (/^HxW/.test(word) || word === "of")) return { text: blanks.size, taken: true };
  if (option === "--exclude" && (word === "" || word === "them")) return undefined;
  if (option === "--bn-epsilon" && word === "E") return { text: "0.001", taken: true };
  if (/^[A-Z]{2,}(\.\w+)?$/.test(word) || word === "" || /^(which|holds|one|with|a)$/.test(word)) return undefined;
  return { text: word, taken: true };
}
