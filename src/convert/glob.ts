import { CheckpointError } from "../errors.ts";

/** `*` stands for any characters, `?` for one; everything else for itself. A pattern also takes all that lies below it. */
function toRegExp(pattern: string): RegExp {
  const body = pattern.replace(/[*?]|[^*?]+/g, (piece) => {
    if (piece === "*") return ".*";
    return piece === "?" ? "." : piece.replace(/[\\^$.|+()[\]{}]/g, "\\$&");
  });
  return new RegExp(`^(?:${body})(?:[/.].*)?$`, "su");
}

/** A tensor under all the names a person may know it by. */
export interface Named {
  readonly key: string;
  readonly names: readonly string[];
}

/** The keys that any of the patterns matches. Throws `usage` for a pattern that matches nothing. */
export function matchAll(option: string, patterns: readonly string[], tensors: readonly Named[]): ReadonlySet<string> {
  const matched = new Set<string>();
  for (const pattern of patterns) {
    const expression = toRegExp(pattern);
    const hits = tensors.filter(({ names }) => names.some((name) => expression.test(name)));
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
