import { CheckpointError } from "../../errors.ts";

/** A code cell of a notebook. */
export interface Cell {
  /** From 1, counting the cells of all kinds, as they are on the page. */
  readonly number: number;
  readonly text: string;
}

/** Whether a text is a notebook: JSON with cells. Names are not asked, as notebooks are saved under others. */
export function isNotebook(text: string): boolean {
  return /^\s*\{/.test(text) && /"(?:cells|worksheets)"\s*:/.test(text);
}

/** The code cells of a notebook in Python, of formats 3 and 4. Throws `malformed` for no JSON, `unsupported` for other languages. */
export function codeCells(text: string, file: string): readonly Cell[] {
  const notebook = parsed(text, file);
  const language = languageOf(notebook);
  if (language !== undefined && !/^(?:i?python\d*)$/i.test(language))
    throw new CheckpointError("unsupported", `a notebook in ${language}, and only Python is checked`, { file });
  return cellsOf(notebook).flatMap((cell, k): readonly Cell[] => {
    if (field(cell, "cell_type") !== "code") return [];
    const code = joined(field(cell, "source") ?? field(cell, "input"));
    return code === undefined ? [] : [{ number: k + 1, text: withoutMagic(code) }];
  });
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CheckpointError("malformed", `a notebook that is no JSON: ${error.message}`, { file, cause: error });
  }
}

function cellsOf(notebook: unknown): readonly unknown[] {
  const cells = field(notebook, "cells");
  if (Array.isArray(cells)) return cells;
  const sheets = field(notebook, "worksheets");
  return Array.isArray(sheets) ? sheets.flatMap((sheet: unknown) => cellsOf(sheet)) : [];
}

function languageOf(notebook: unknown): string | undefined {
  const metadata = field(notebook, "metadata");
  const language = field(field(metadata, "language_info"), "name") ?? field(field(metadata, "kernelspec"), "language");
  return typeof language === "string" ? language : undefined;
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined;
}

/** Formats 3 and 4 keep text as one string or as lines. */
function joined(source: unknown): string | undefined {
  if (typeof source === "string") return source;
  return Array.isArray(source) ? source.map((line: unknown) => (typeof line === "string" ? line : "")).join("") : undefined;
}

/** Cells that IPython hands to Python after all: %%time, %%capture, %%writefile model.py. */
const pythonCells = /^%%(?:time|timeit|capture|prun|writefile|file|python\d?|pypy|px|debug|heat|mprun|memit|script\s+python\S*)\b/;

/** IPython's own lines become empty, in place, so that lines keep their numbers; `files = !ls` gives no layers. */
function withoutMagic(code: string): string {
  const first = /^\s*(%%\S*.*)/.exec(code)?.[1];
  if (first !== undefined && !pythonCells.test(first)) return code.replace(/[^\r\n]/g, " ");
  return code
    .split(/(?<=\r\n|\n|\r(?!\n))/)
    .map((line) => {
      if (/^\s*(?:%{1,2}[A-Za-z]|!|\?)/.test(line) || /^\s*[\w.]+\?{1,2}\s*$/.test(line)) return blank(line);
      const assigned = /^(\s*[\w, ]+=\s*)[!%]\S/.exec(line)?.[1];
      return assigned === undefined ? line : `${assigned}0${blank(line.slice(assigned.length + 1))}`;
    })
    .join("");
}

/** A line of the same length; one that is alone in a block keeps it from being empty. */
function blank(line: string): string {
  const indent = /^\s*/.exec(line)?.[0] ?? "";
  const rest = line.slice(indent.length);
  return (
    indent +
    (/^\S{4}/.test(rest)
      ? `pass${rest.slice(4).replace(/[^\r\n]/g, " ")}`
      : rest.replace(/[^\r\n]/g, (_, k: number) => (k === 0 ? "0" : " ")))
  );
}
