import { errorsPage, findingsPage } from "#assets/manual";
import { CheckpointError } from "../errors.ts";
import { nearest } from "../text/nearest.ts";
import type { Style } from "./style.ts";
import { wrapLines } from "./wrap.ts";

/** What the documentation says of one code; field names are part of the command-line contract. */
export interface ExplainRecord {
  readonly schema: "vggtool/explain/1";
  readonly code: string;
  readonly of: "finding" | "error";
  /** How severe it may be; empty for an error. */
  readonly severity: string;
  /** Markdown: paragraphs and lists. */
  readonly text: string;
  /** The page that it is from. */
  readonly page: string;
}

/**
 * What docs/findings.md and docs/errors.md say of a code.
 *
 * @throws CheckpointError `usage` for a code that is in neither.
 * @example
 * console.log(explainCode("layers-missing").text);
 */
export function explainCode(code: string): ExplainRecord {
  const all = explanations();
  const found = all.find((each) => each.code === code);
  if (found !== undefined) return found;
  const codes = all.map((each) => each.code);
  const near = nearest(code, codes);
  throw new CheckpointError("usage", `no finding and no error has the code ${code}`, {
    hint: near === undefined ? `the codes are ${codes.join(", ")}` : `did you mean vggtool explain ${near}?`,
  });
}

/** Every code that the pages describe, in their order. */
export function explanations(): readonly ExplainRecord[] {
  return [...ofPage(findingsPage, "finding", "docs/findings.md"), ...ofPage(errorsPage, "error", "docs/errors.md")];
}

/** A row of a table that begins with a code, or a section whose title does: `### `all-zero` (warning)`. */
function ofPage(page: string, of: ExplainRecord["of"], name: string): readonly ExplainRecord[] {
  const base = { schema: "vggtool/explain/1", of, page: name } as const;
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \|(.+)\|$/gm)].flatMap(([, code = "", rest = ""]) => {
    const cells = rest.split(" | ").map((cell) => cell.trim());
    const severity = of === "finding" ? (cells.shift() ?? "") : "";
    const [meaning = "", advice = ""] = cells;
    // Other tables of the page count how often a code was right.
    if (of === "finding" && !/^(error|warning|info)\b/.test(severity)) return [];
    return [{ ...base, code, severity, text: `${meaning}\n\nWhat to do: ${advice}` }];
  });
  const sections = [...page.matchAll(/^### `([a-z-]+)` \(([^)]+)\)\n([\s\S]*?)(?=^##|(?![\s\S]))/gm)];
  return [...rows, ...sections.map(([, code = "", severity = "", text = ""]) => ({ ...base, code, severity, text: text.trim() }))];
}

/** Wider lines are hard to read. */
const LONGEST_LINE = 100;

/** The same for a terminal. */
export function explanationText({ code, of, severity, text, page }: ExplainRecord, { width, paint }: Style): string {
  const room = Math.min(LONGEST_LINE, Math.max(40, width));
  const what = of === "error" ? "an error" : `a finding (${severity})`;
  const head = wrapLines(`${code}: ${what}`, room).join("\n").replace(code, paint.strong);
  const paragraphs = text.split(/\n{2,}|\n(?=- )/).map((paragraph) => {
    const item = paragraph.startsWith("- ");
    const lines = wrapLines(plainWords(item ? paragraph.slice(2) : paragraph), room - (item ? 2 : 0));
    return lines.map((line, k) => (item ? `${k === 0 ? "-" : " "} ${line}` : line)).join("\n");
  });
  return `${[head, ...paragraphs].join("\n\n")}\n\n${paint.faint(`from ${page}`)}`;
}

/** Links as their words and the page, emphasis without its signs. */
function plainWords(markdown: string): string {
  return markdown
    .replaceAll(/\s*\n\s*/g, " ")
    .replaceAll(/\[([^\]]+)\]\(([^)]+)\)/g, (_, words: string, page: string) =>
      words === page ? `docs/${page}` : `${words} (docs/${page})`,
    )
    .replaceAll("`", "")
    .replaceAll(/(^|[\s(])_([^_]+)_(?=[\s.,;)]|$)/g, "$1$2");
}
