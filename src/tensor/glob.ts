/**
 * A test for names against a shell-like pattern: `*` any characters (slashes and dots too: tensor names are no paths), `?` one,
 * `[abc]` and `[!abc]` one of a set, `{a,b}` one of several (braces without a comma are themselves, as in MATLAB's `layers{3}`), `\` takes
 * the next character as it is. The whole name has to match.
 */
export function glob(pattern: string): (name: string) => boolean {
  const regex = new RegExp(`^${translate(pattern)}$`, "su");
  return (name) => regex.test(name);
}

const escaped = (char: string): string => char.replace(/[\\^$.*+?()[\]{}|/-]/u, "\\$&");

function translate(pattern: string): string {
  let out = "";
  let braces = 0;
  const chars = Array.from(pattern);
  for (let k = 0; k < chars.length; k += 1) {
    const char = chars[k] ?? "";
    if (char === "*") out += ".*";
    else if (char === "?") out += ".";
    else if (char === "\\" && k + 1 < chars.length) {
      k += 1;
      out += escaped(chars[k] ?? "");
    } else if (char === "[" && chars.indexOf("]", k + 2) > 0) {
      const end = chars.indexOf("]", k + 2);
      const negated = chars[k + 1] === "!";
      const set = chars.slice(k + (negated ? 2 : 1), end);
      out += `[${negated ? "^" : ""}${set.map((c, at) => (c === "-" && at > 0 && at < set.length - 1 ? "-" : escaped(c))).join("")}]`;
      k = end;
    } else if (char === "{" && chars.slice(k, chars.indexOf("}", k) + 1).includes(",")) {
      out += "(?:";
      braces += 1;
    } else if (char === "}" && braces > 0) {
      out += ")";
      braces -= 1;
    } else if (char === "," && braces > 0) out += "|";
    else out += escaped(char);
  }
  return out;
}
