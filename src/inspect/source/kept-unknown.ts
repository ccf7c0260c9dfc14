import type { SourceProblem } from "./faults.ts";
import { optionsOf, type Plain, type Reached, reach, type Self, type Site, type Value } from "./follow/values.ts";
import type { Framework } from "./vocabulary.ts";

interface Unread {
  readonly at: number;
  readonly reason: string;
}

/** Why it cannot be said that every layer is registered: of what attributes keep in plain lists, and of lists that were taken apart. */
export function keptUnknown(self: Self, framework: Framework, registered: Reached, problems: readonly SourceProblem[]): readonly Unread[] {
  const of = `class ${self.definition.name}`;
  const blamed = new Set(problems.map(({ attribute }) => attribute));
  const direct = new Set([...self.registered].flatMap((value) => (value.kind === "layer" ? [value.site] : [])));
  const reasons = [...self.attributes].flatMap(([attribute, values]): readonly Unread[] => {
    if (blamed.has(attribute)) return [];
    const before = new Set<Site>();
    return values.flatMap(({ value, at }): readonly Unread[] => {
      const layers = optionsOf(value).filter((option) => option.kind === "layer");
      for (const site of reach(layers).sites) before.add(site);
      const open = plainsOf(value).filter(({ container }) => !framework.tracks.includes(container) && container !== "object");
      const made = open.flatMap((plain) => strangers(plain, registered));
      const both = open.some((plain) =>
        [...reach([{ kind: "plain", plain }]).sites].some((site) => site.types.size > 0 && before.has(site) && !direct.has(site)),
      );
      if (made[0] !== undefined)
        return [
          { at, reason: `${of} keeps ${made[0]} in a plain list, attribute ${attribute}: whether these are layers is not in the files` },
        ];
      return both
        ? [{ at, reason: `${of} keeps the same layers in attribute ${attribute} in a container on one way and in a plain list on another` }]
        : [];
    });
  });
  return [...reasons, ...pickedApart(of, registered)];
}

/** What may be layers, by the name of what makes them. */
function strangers({ items }: Plain, registered: Reached): readonly string[] {
  return [...items].flatMap((item) =>
    item.kind === "opaque" && !item.element && item.opaque.maybeLayer && !registered.opaque.has(item.opaque) ? [item.opaque.text] : [],
  );
}

/** Registered layers of lists of which only some were ever taken. */
function pickedApart(of: string, { sites, plain }: Reached): readonly Unread[] {
  const whole = new Set(
    [...plain].flatMap(({ items, cut }) => (cut === true ? [] : [...items].flatMap((item) => (item.kind === "layer" ? [item.site] : [])))),
  );
  const some = [...sites].find((site) => site.picked && !site.taken && !whole.has(site) && site.types.size > 0);
  if (some === undefined) return [];
  return [{ at: some.at, reason: `${of} registers some of a list of ${some.maker}(…): of the others that could not be followed` }];
}

export function plainsOf(value: Value): readonly Plain[] {
  return optionsOf(value).flatMap((option) => (option.kind === "plain" ? [option.plain] : []));
}
