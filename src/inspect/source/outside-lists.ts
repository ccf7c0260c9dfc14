import type { CheckContext } from "./class-check.ts";
import { FaultText, type SourceProblem } from "./faults.ts";
import type { GivenToLayer } from "./follow/machine.ts";
import type { Scope } from "./follow/scope.ts";
import { reach, type Site } from "./follow/values.ts";
import { plainsOf } from "./kept-unknown.ts";

/** Lists of layers that code around a class gives to its objects: net.extra = [nn.Conv2d(…)]. */
export function outsideLists(given: readonly GivenToLayer[], scope: Scope, { common, places }: CheckContext): readonly SourceProblem[] {
  return given.flatMap(({ holder, attribute, value, at }): readonly SourceProblem[] => {
    const definition = scope.classes.find(({ name }) => name === holder.maker);
    const framework = definition === undefined ? undefined : common.classes.framework(definition);
    if (definition === undefined || framework === undefined) return [];
    // What a container has beside is registered by it.
    const kept = reach([...holder.children].filter(({ kind }) => kind === "layer")).sites;
    const text = new FaultText(definition, framework, scope, places);
    return plainsOf(value).flatMap((plain) => {
      if (framework.tracks.includes(plain.container)) return [];
      const lost = [...reach([{ kind: "plain", plain }]).sites].filter((site: Site) => site.types.size > 0 && !kept.has(site));
      return lost.length === 0 ? [] : [text.held(attribute, at, plain, lost)];
    });
  });
}
