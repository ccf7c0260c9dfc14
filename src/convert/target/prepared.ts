import type { Format } from "../../formats.ts";
import type { Network } from "../../model/network.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import type { Template } from "../like/template.ts";
import type { ConvertOptions } from "../options.ts";
import { overridden } from "../plan/map.ts";
import type { Planned, PlanTarget } from "./plan-target.ts";
import type { Target } from "./targets.ts";

/** A conversion decided, nothing written yet. */
export interface Prepared extends Planned {
  readonly target: Target;
  readonly format: Format;
  /** The network of the output. */
  readonly network?: Network;
  /** Of a conversion by example: the other checkpoint's own file, whose values are replaced. */
  readonly template?: Template;
}

/** What does not depend on where the decision came from is added by `prepare`. */
export type Decided = Omit<Prepared, "target" | "format" | "template">;

/** --map: moves by hand instead of those that were found. */
export function mapped(planned: Planned, checkpoint: Checkpoint, place: PlanTarget, options: ConvertOptions): Planned {
  if (options.map === undefined) return planned;
  return { ...planned, plan: overridden(planned.plan, options.map, checkpoint.tensors, place, options) };
}

/** Names and axes as they are. */
export function keeping(format: Format): PlanTarget {
  return {
    format: format.id,
    scheme: "keep",
    carries: format.carries,
    holds: holds(format),
    naming: "keep",
    layout: "keep",
    fillsNeutral: false,
  };
}

/** Which types a format can store. */
export function holds(format: Format): PlanTarget["holds"] {
  return (dtype) => format.dtypes?.has(dtype) ?? true;
}

/** Keys that the file has and that cannot be read: a pattern may leave them out. */
export function unreadable(checkpoint: Checkpoint): readonly string[] {
  return checkpoint.notes.flatMap(({ code, tensor }) =>
    tensor !== undefined && (code === "unsupported-tensor" || code === "unknown-object") && !checkpoint.tensors.has(tensor) ? [tensor] : [],
  );
}
