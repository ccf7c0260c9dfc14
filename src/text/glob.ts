import { CheckpointError } from "../errors.ts";

/*
 * The one meaning of a pattern, wherever one is given: `*` any characters (slashes and dots too: tensor names are no paths), `?` one,
 * `[abc]` and `[!abc]` one of a set, `{a,b}` one of several (braces without a comma are themselves, as in MATLAB's `layers{3}`), `\` takes
 * the next character as it is. A pattern takes a name, and all that lies below it: `fc8` is also `fc8.weight` and `fc8/biases`.
 */

/** A test for names. Throws `usage` for a range that goes downwards. */
export function glob(pattern: string): (name: string) => boolean {
  const regex = expression(pattern, `^(?:${translate(pattern, ".*")})(?:[/.].*)?$`);
  return (name) => regex.test(name);
}

/** What each `*` of a pattern stands for in a name, in order; undefined where the whole name is not the pattern. */
export function globStars(pattern: string): (name: string) => readonly string[] | undefined {
  const regex = expression(pattern, `^(?:${translate(pattern, "(.*?)")})$`);
  return (name) => regex.exec(name)?.slice(1);
}

function expression(pattern: string, source: string): RegExp {
  try {
    return new RegExp(source, "su");
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CheckpointError("usage", `'${pattern}' is no pattern`, { hint: "a range in brackets goes upwards, as in [1-3]" });
  }
}

/** A tensor under all the names a person may know it by. */
export interface Named {
  readonly key: string;
  readonly names: readonly string[];
}

/** The keys that any of the patterns takes. Throws `usage` for a pattern that takes none. */
export function matchAll(option: string, patterns: readonly string[], tensors: readonly Named[]): ReadonlySet<string> {
  const matched = new Set<string>();
  for (const pattern of patterns) {
    const takes = glob(pattern);
    const hits = tensors.filter(({ names }) => names.some(takes));
    if (hits.length === 0) {
      const known = tensors.slice(0, 3).map(({ key }) => key);
      throw new CheckpointError("usage", `${option} '${pattern}' matches no tensor`, {
        hint: `names look like ${known.join(", ") || "nothing: there are none"}; 'vggtool inspect FILE' lists them`,
      });
    }
    for (const { key } of hits) matched.add(key);
  }
  return matched;
}

/** In a regular expression with the flag u, "-" may be escaped inside a set alone. */
const escaped = (char: string): string => char.replace(/[\\^$.*+?()[\]{}|/]/u, "\\$&");
const escapedInSet = (char: string): string => char.replace(/[\\\]^-]/u, "\\$&");

function translate(pattern: string, any: string): string {
  let out = "";
  let braces = 0;
  const chars = Array.from(pattern);
  for (let k = 0; k < chars.length; k += 1) {
    const char = chars[k] ?? "";
    if (char === "*") out += any;
    else if (char === "?") out += ".";
    else if (char === "\\" && k + 1 < chars.length) {
      k += 1;
      out += escaped(chars[k] ?? "");
    } else if (char === "[" && chars.indexOf("]", k + 2) > 0) {
      const end = chars.indexOf("]", k + 2);
      const negated = chars[k + 1] === "!";
      const set = chars.slice(k + (negated ? 2 : 1), end);
      out += `[${negated ? "^" : ""}${set.map((c, at) => (c === "-" && at > 0 && at < set.length - 1 ? "-" : escapedInSet(c))).join("")}]`;
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
