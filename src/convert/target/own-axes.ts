import type { Format } from "../../format-row.ts";
import type { Scheme } from "../../model/scheme.ts";
import type { ConvertOptions } from "../options.ts";
import { schemeFor } from "./conventions.ts";
import type { OwnAxes } from "./conversion-target.ts";
import type { Target } from "./targets.ts";

/**
 * The axes of the target for layers outside its names; undefined where they stay as they are: with `--layout keep`, and in files of plain
 * arrays, which have no axes of their own, unless a network in them gets others.
 */
export function ownAxes(row: Target, format: Format, options: ConvertOptions, recognised: boolean): OwnAxes | undefined {
  const named = options.naming === undefined || options.naming === "keep" ? undefined : options.naming;
  const asked = options.layout ?? named;
  if (asked === "keep" || (asked === undefined && format.conventions.plain === true && !recognised)) return undefined;
  return axesOfScheme(schemeFor(options.layout === undefined ? "--naming" : "--layout", asked ?? row.layout ?? row.scheme));
}

function axesOfScheme({ slots }: Scheme): OwnAxes | undefined {
  const [conv, first, last] = [slots["conv.weight"], slots["fc6.weight"], slots["fc8.weight"]].map((slot) =>
    slot !== undefined && "axes" in slot ? slot.axes : undefined,
  );
  if (conv === undefined) return undefined;
  const kernel = conv.endsWith("o") ? "h w i o" : "o i h w";
  return {
    kernel,
    // Heads that are convolutions: matrices as the framework keeps them beside such kernels.
    matrix: (last ?? conv).endsWith("o") ? "i o" : "o i",
    flatten: first?.includes("i h w") === true || (first === undefined && kernel === "o i h w") ? "i h w" : "h w i",
  };
}
