import type { ImportedName, Stmt } from "./ast.ts";
import type { TokenReader } from "./token-reader.ts";

/** import a.b as c; from .a import (b, c as d). `name` reads one name. */
export function importStatement(tokens: TokenReader, name: () => string): Stmt {
  const at = tokens.start;
  const names: ImportedName[] = [];
  const from = tokens.take().text === "from" ? dotted(tokens, name) : undefined;
  if (from !== undefined) tokens.need("import");
  const bracket = from !== undefined && tokens.takeIf("(");
  do {
    if (bracket && tokens.at(")")) break;
    const path = tokens.takeIf("*") ? "*" : dotted(tokens, name);
    const alias = tokens.takeIf("as") ? name() : undefined;
    if (from !== undefined) names.push({ local: alias ?? path, path: path === "*" ? from : `${from}.${path}` });
    // `import a.b` makes `a` known, `import a.b as c` makes c known as a.b.
    else names.push(alias === undefined ? { local: path.split(".")[0] ?? path, path: path.split(".")[0] ?? path } : { local: alias, path });
  } while (tokens.takeIf(","));
  if (bracket) tokens.need(")");
  return { kind: "import", names, at };
}

/** a.b.c, with dots before it where the module is beside this one. */
function dotted(tokens: TokenReader, name: () => string): string {
  let path = "";
  while (tokens.at(".") || tokens.at("...")) path += tokens.take().text;
  if (path !== "" && tokens.at("import")) return path;
  path += name();
  while (tokens.takeIf(".")) path += `.${name()}`;
  return path;
}
