import { CheckpointError } from "../../errors.ts";

/** A piece of an expression; `at`: its first character, from 0. */
export interface WhereToken {
  readonly kind: "word" | "number" | "text" | "sign" | "end";
  readonly text: string;
  readonly at: number;
}

/** Characters of an expression. */
const longest = 10_000;
/** One token, or what is between two. Texts double their quotes: 'it''s'. A word in double quotes is a column, whatever it is called. */
const piece = /\s+|'(?:[^']|'')*'|"(?:[^"]|"")+"|[A-Za-z_][A-Za-z0-9_]*|-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|<=|>=|<>|!=|[=<>(),]/y;

/** Throws `usage` for what is no token. */
export function whereTokens(text: string): readonly WhereToken[] {
  if (text.length > longest) throw wrong(text, longest, `the expression has ${text.length} characters, at most ${longest} are taken`);
  const tokens: WhereToken[] = [];
  piece.lastIndex = 0;
  for (let at = 0; at < text.length; at = piece.lastIndex) {
    piece.lastIndex = at;
    const found = piece.exec(text)?.[0];
    if (found === undefined)
      throw wrong(text, at, /^['"]/.test(text.slice(at)) ? "a quote is not closed" : "this is no part of an expression");
    const token = tokenOf(found, at);
    if (token !== undefined) tokens.push(token);
  }
  return [...tokens, { kind: "end", text: "", at: text.length }];
}

function tokenOf(found: string, at: number): WhereToken | undefined {
  if (/^\s/.test(found)) return undefined;
  if (found.startsWith("'")) return { kind: "text", text: found.slice(1, -1).replaceAll("''", "'"), at };
  if (found.startsWith('"')) return { kind: "word", text: found.slice(1, -1).replaceAll('""', '"'), at };
  if (/^[A-Za-z_]/.test(found)) return { kind: "word", text: found, at };
  return /^[-.\d]/.test(found) ? { kind: "number", text: found, at } : { kind: "sign", text: found, at };
}

/** The place in the expression is shown below it. */
export function wrong(text: string, at: number, message: string, hint = expressionHint): CheckpointError {
  const around = text.slice(Math.max(0, at - 30), at + 30).replace(/\s/g, " ");
  return new CheckpointError("usage", `--where: ${message}, at character ${at + 1}: …${around}…`, { hint });
}

const expressionHint =
  "write it like: --where \"classes = 2622 and format in ('torch', 'mat') and not (source like '%/old/%' or error is not null)\"";
