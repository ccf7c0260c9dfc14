import type { Format } from "../../formats.ts";
import type { Identity } from "../../model/identity.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import type { ConvertOptions } from "../options.ts";
import { gaps, judge, list, refuseGaps } from "../plan/judge.ts";
import { overridden } from "../plan/map.ts";
import { makePlan } from "../plan/plan.ts";
import type { Plan } from "../plan/plan-types.ts";
import { rescaled, withScale } from "../target/conventions.ts";
import { editNetwork, fcLayers } from "../target/head.ts";
import type { Planned, PlanTarget } from "../target/plan-target.ts";
import { type Decided, holds, keeping, mapped, unreadable } from "../target/prepared.ts";
import type { Target } from "../target/targets.ts";
import { compareNetworks, type Like, likeNetworkTarget, likePlanTarget, refuseLosses, restOf } from "./like.ts";
import { planByStructure } from "./like-structure.ts";

type Known = Like & { readonly identity: Identity };

/** Names, axes, types and shapes of another checkpoint: by role where both are recognised, else by structure. */
export function prepareLike(
  checkpoint: Checkpoint,
  identity: Identity | undefined,
  like: Like,
  target: Target,
  format: Format,
  options: ConvertOptions,
): Decided {
  if (identity === undefined || like.identity === undefined) return byStructure(checkpoint, like, format, options);
  const known = { ...like, identity: like.identity };
  if (format.carries === "network") return intoNetwork(checkpoint, identity, known, target, format, options);
  return byRole(checkpoint, identity, known, format, options);
}

function byStructure(checkpoint: Checkpoint, like: Like, format: Format, options: ConvertOptions): Decided {
  const empty: Plan = { schema: "vggtool/plan/1", format: format.id, scheme: "like", moves: [], unused: [], missing: [] };
  const place: PlanTarget = { ...keeping(format), like: like.checkpoint.tensors };
  const byHand = options.map === undefined ? [] : overridden(empty, options.map, checkpoint.tensors, place, options).moves;
  const planned = planByStructure(checkpoint, like.checkpoint, format.id, holds(format), options, byHand);
  refuseGaps(planned.plan.missing, "the other checkpoint", options);
  return { ...planned, warnings: [...planned.warnings, ...gaps(planned, checkpoint, undefined)] };
}

function byRole(checkpoint: Checkpoint, identity: Identity, like: Known, format: Format, options: ConvertOptions): Decided {
  const factor = fcLayers(like.identity.network).find(({ inputScale }) => inputScale !== undefined)?.inputScale;
  const network = rescaled(editNetwork(identity.network, options), factor);
  const known = withScale(identity);
  const place: PlanTarget = { ...likePlanTarget(like, format, holds(format)), unreadable: unreadable(checkpoint) };
  const planned = mapped(makePlan(checkpoint.tensors, known, network, place, options), checkpoint, place, options);
  refuseLosses(planned, known.roles, like.identity);
  const rest = restOf(planned, like, holds(format));
  const missing = [...planned.plan.missing.filter(({ key }) => like.checkpoint.tensors.has(key)), ...rest.missing];
  refuseGaps(missing, "the other checkpoint", options);
  const plan = { ...planned.plan, moves: [...planned.plan.moves, ...rest.moves], missing };
  const kept = rest.moves.length === 0 ? [] : [`kept as in the other checkpoint: ${list(rest.moves.map(({ to }) => to))}`];
  const complete: Planned = { ...planned, plan, warnings: [...planned.warnings, ...kept] };
  return { ...complete, warnings: [...complete.warnings, ...gaps(complete, checkpoint, identity)], network };
}

/** A target that holds a network lays it out itself: names alone are the other checkpoint's. */
function intoNetwork(
  checkpoint: Checkpoint,
  identity: Identity,
  like: Known,
  target: Target,
  format: Format,
  options: ConvertOptions,
): Decided {
  const network = rescaled(editNetwork(identity.network, options), undefined);
  const { place: found, renamed } = likeNetworkTarget(like, target, format, holds(format), network);
  const place: PlanTarget = { ...found, unreadable: unreadable(checkpoint) };
  const planned = mapped(makePlan(checkpoint.tensors, withScale(identity), network, place, options), checkpoint, place, options);
  const { missing } = planned.plan;
  compareNetworks(network, like.identity.network, (layer) => missing.some(({ role, key }) => (role ?? key).startsWith(layer)));
  judge(planned, format, options, false);
  const names = renamed ? [`the names of the other checkpoint have no place in ${target.id}: its usual names are written`] : [];
  return { ...planned, warnings: [...planned.warnings, ...names, ...gaps(planned, checkpoint, identity)], network };
}
