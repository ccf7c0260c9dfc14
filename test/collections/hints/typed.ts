import type { Command } from "commander";

/** What a line of advice says to type: options to add or to leave out, a word in the place of another, or a whole command. */
export interface Typed {
  readonly add: readonly string[];
  readonly leave: readonly string[];
  /** In the place of the word that the error complains of. */
  readonly instead?: string;
  /** The arguments behind `vggtool`, where the advice is a command of its own. */
  readonly command?: readonly string[];
  /** Something of it only a person can fill in: a map by hand, a file of theirs. */
  readonly open: boolean;
}

/** Every name of an option, and whether it takes a value. */
export function optionsOf(command: Command): ReadonlyMap<string, boolean> {
  return new Map(
    command.options.flatMap(({ long, short, required, optional }) =>
      [long, short].flatMap((name) => (name == null ? [] : [[name, required || optional] as const])),
    ),
  );
}

/** What is typed where a line has a word for a value. */
export interface Blanks {
  readonly size: string;
  readonly out: string;
}

const nothing: Typed = { add: [], leave: [], open: false };

const ends = /[.,;:)`?]+$/;

/**
 * Every alternative of a line of advice. Clauses are divided by semicolons and "or"; the options of one clause belong together. A
 * clause without options and commands gives nothing.
 */
export function alternatives(advice: string, takesValue: ReadonlySet<string>, blanks: Blanks): readonly Typed[] {
  const [, option, meant] = /did you mean (?:(--\S+) )?(.+)\?/i.exec(advice) ?? [];
  if (meant !== undefined) return [option === undefined ? { ...nothing, instead: meant } : { ...nothing, add: [option, meant] }];
  const side = /pictures as (\d+) × (\d+)/.exec(advice) ?? (/3×3/.test(advice) ? ["", "96", "96"] : undefined);
  const filled = side === undefined ? blanks : { ...blanks, size: `${side[1]}x${side[2]}x3` };
  return advice
    .split(/;\s|,? or (?=-|leave|choose|without|keep|'vggtool|vggtool|use|add|another)/)
    .map((clause) => readClause(clause, takesValue, filled))
    .filter(({ add, leave, command }) => add.length > 0 || leave.length > 0 || command !== undefined);
}

function readClause(clause: string, takesValue: ReadonlySet<string>, blanks: Blanks): Typed {
  const command = /(?:^|['`\s])vggtool ([a-z]+(?: [^'`]*)?)/.exec(clause)?.[1];
  if (command !== undefined) {
    const [sentence = ""] = command.split(/ (?:shows|lists|says|and)\b/);
    const words = wordsOf(sentence).map((word) => word.replace(ends, ""));
    return { add: [], leave: [], command: words, open: words.some((word) => /^[A-Z]+(\.\w+)?$/.test(word)) };
  }
  // Another program's command.
  if (/\b(npm|iconv) /.test(clause)) return { ...nothing, open: true };
  // What convert does anyway unless it is asked otherwise, and what was typed already, is no advice.
  if (/\bunless --|\bwithout --/.test(clause)) return nothing;
  const words = wordsOf(clause);
  const leaving = /\bleave --/.test(clause);
  const add: string[] = [];
  const leave: string[] = [];
  let open = false;
  for (let k = 0; k < words.length; k++) {
    const option = (words[k] ?? "").replace(ends, "");
    if (!/^(--[a-z][a-z-]+|-o)$/.test(option)) continue;
    if (leaving && words[k - 1] === "leave") {
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
  return [...text.matchAll(/'((?:[^']|'\\'')*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single?.replaceAll("'\\''", "'") ?? double ?? bare ?? "",
  );
}

function fill(option: string, word: string, blanks: Blanks): { readonly text: string; readonly taken: boolean } | undefined {
  if (option === "-o") return word === "" || /^[a-z]+$/i.test(word) ? { text: blanks.out, taken: false } : { text: word, taken: true };
  if (option === "--num-classes" && word === "N") return { text: "10", taken: true };
  if (option === "--input-size" && (/^HxW/.test(word) || word === "of")) return { text: blanks.size, taken: true };
  if (option === "--bn-epsilon" && word === "E") return { text: "0.002", taken: true };
  if (/^[A-Z]{2,}(\.\w+)?$/.test(word) || /^(which|holds|one|with|a|model\.py|)$/.test(word)) return undefined;
  return { text: word, taken: true };
}
