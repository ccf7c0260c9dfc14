import { CheckpointError } from "../errors.ts";
import { type Format, findFormat } from "../formats.ts";
import type { Identity } from "../model/identity.ts";
import type { Network, NetworkLayer } from "../model/network.ts";
import type { Scheme } from "../model/scheme.ts";
import { schemeById } from "../model/schemes.ts";
import type { Checkpoint } from "../tensor/checkpoint.ts";
import { isNumeric } from "../tensor/tensor.ts";
import { convention, schemeFor, withScale } from "./conventions.ts";
import { editNetwork, fcLayers } from "./head.ts";
import { type Like, likePlanTarget, likeTarget, refuseLosses, restOf } from "./like.ts";
import { planByStructure } from "./like-structure.ts";
import { overridden, planFromFile } from "./map.ts";
import type { ConvertOptions } from "./options.ts";
import { makePlan, noPlace, type Planned, type PlanTarget } from "./plan.ts";
import { isPlan } from "./plan-parse.ts";
import type { Plan } from "./plan-types.ts";
import { findTarget, type Target } from "./targets.ts";

/** A conversion decided, nothing written yet. */
export interface Prepared extends Planned {
  readonly target: Target;
  readonly format: Format;
  /** The network of the output. */
  readonly network?: Network;
}

/** Finds the target and its conventions, makes the plan and judges it. Throws `usage`, `unsupported`, `mismatch`. */
export function prepare(checkpoint: Checkpoint, identity: Identity | undefined, options: ConvertOptions, like?: Like): Prepared {
  const target = like === undefined || options.to !== undefined ? findTarget(options.to, options.out) : likeTarget(like, options.out);
  const format = findFormat(target.format);
  if (format?.write === undefined) {
    throw new CheckpointError("unsupported", `${target.format} cannot be written`, { hint: "'vggtool formats' lists what can" });
  }
  if (isPlan(options.map)) return { ...preparePlan(checkpoint, identity, format, options), target, format };
  if (like !== undefined) return { ...prepareLike(checkpoint, identity, like, format, options), target, format };
  if (identity === undefined) refuseWithoutIdentity(target, format, options);
  const scales = identity !== undefined && bakesScale(target, format, options);
  const edited = identity === undefined ? undefined : editNetwork(identity.network, options);
  const network = edited !== undefined && scales ? rescaled(edited, schemeById(options.naming ?? target.scheme)?.inputScale) : edited;
  const known = identity !== undefined && scales ? withScale(identity) : identity;
  const place = planTarget(target, format, network, options);
  const planned = mapped(makePlan(checkpoint.tensors, known, network, place, options), checkpoint, place, options);
  judge(planned, format, options, identity === undefined);
  const warnings = [...planned.warnings, ...gaps(planned, checkpoint, identity)];
  return { ...planned, warnings, target, format, ...(network === undefined ? {} : { network }) };
}

/** A plan that was printed and edited: it decides everything but the container. */
function preparePlan(
  checkpoint: Checkpoint,
  identity: Identity | undefined,
  format: Format,
  options: ConvertOptions,
): Omit<Prepared, "target" | "format"> {
  const plan = planFromFile(options.map, checkpoint.tensors, (dtype) => format.dtypes?.has(dtype) ?? true);
  if (plan.format !== format.id) {
    throw new CheckpointError("usage", `--map: the plan is for ${plan.format}, the output is ${format.id}`, {
      hint: `add --to or -o for ${plan.format}`,
    });
  }
  const network = identity === undefined ? undefined : editNetwork(identity.network, options);
  return { plan, area: {}, warnings: [], ...(network === undefined ? {} : { network }) };
}

/** Names, axes, types and shapes of another checkpoint: by role where both are recognised, else by structure. */
function prepareLike(
  checkpoint: Checkpoint,
  identity: Identity | undefined,
  like: Like,
  format: Format,
  options: ConvertOptions,
): Omit<Prepared, "target" | "format"> {
  const holds: PlanTarget["holds"] = (dtype) => format.dtypes?.has(dtype) ?? true;
  if (identity === undefined || like.identity === undefined) {
    const empty: Plan = { schema: "vggtool/plan/1", format: format.id, scheme: "like", moves: [], unused: [], missing: [] };
    const place: PlanTarget = { ...keeping(format, holds), like: like.checkpoint.tensors };
    const byHand = options.map === undefined ? [] : overridden(empty, options.map, checkpoint.tensors, place, options).moves;
    const planned = planByStructure(checkpoint, like.checkpoint, format.id, holds, options, byHand);
    refuseGaps(planned.plan.missing, "the other checkpoint", options);
    return { ...planned, warnings: [...planned.warnings, ...gaps(planned, checkpoint, undefined)] };
  }
  const edited = editNetwork(identity.network, options);
  const network = rescaled(edited, fcLayers(like.identity.network).find(({ inputScale }) => inputScale !== undefined)?.inputScale);
  const known = withScale(identity);
  const planned = makePlan(
    checkpoint.tensors,
    known,
    network,
    likePlanTarget({ ...like, identity: like.identity }, format, holds),
    options,
  );
  refuseLosses(planned, known.roles, like.identity);
  const rest = restOf(planned, like, holds);
  const missing = [...planned.plan.missing.filter(({ key }) => like.checkpoint.tensors.has(key)), ...rest.missing];
  refuseGaps(missing, "the other checkpoint", options);
  const own = format.carries === "network" ? [] : rest.moves;
  const plan = { ...planned.plan, moves: [...planned.plan.moves, ...own], missing };
  const kept = own.length === 0 ? [] : [`kept as in the other checkpoint: ${list(own.map(({ to }) => to))}`];
  const complete: Planned = { ...planned, plan, warnings: [...planned.warnings, ...kept] };
  return { ...complete, warnings: [...complete.warnings, ...gaps(complete, checkpoint, identity)], network };
}

/** --map: moves by hand instead of those that were found. */
function mapped(planned: Planned, checkpoint: Checkpoint, place: PlanTarget, options: ConvertOptions): Planned {
  if (options.map === undefined) return planned;
  return { ...planned, plan: overridden(planned.plan, options.map, checkpoint.tensors, place, options) };
}

/** Old Paddle's factor of 0.5 goes into the weights, but for canonical and kept names in plain files, which record it. */
function bakesScale(target: Target, format: Format, options: ConvertOptions): boolean {
  const naming = options.naming ?? target.scheme;
  return format.carries === "network" || (naming !== "keep" && naming !== "canonical");
}

/** The network with the factor that the target's networks apply themselves. */
function rescaled(network: Network, inputScale: number | undefined): Network {
  const first = fcLayers(network)[0];
  const layers = network.layers.map((layer): NetworkLayer => {
    if (layer.kind !== "fc" || layer === first) return layer;
    const { inputScale: _inputScale, ...rest } = layer;
    return inputScale === undefined ? rest : { ...rest, inputScale };
  });
  return { ...network, layers };
}

/** What an unknown network cannot become, said before anything else is looked at. */
function refuseWithoutIdentity(target: Target, format: Format, options: ConvertOptions): void {
  const needed = format.carries === "network" ? `--to ${target.id}` : asksForNetwork(options);
  if (needed === undefined) return;
  throw new CheckpointError("unsupported", `${needed} needs a network that is recognised as a VGG, and this one is not`, {
    hint: "convert it to safetensors or npz, which keep names and axes",
  });
}

function asksForNetwork(options: ConvertOptions): string | undefined {
  if (options.naming !== undefined && options.naming !== "keep") return `--naming ${options.naming}`;
  if (options.layout !== undefined && options.layout !== "keep") return `--layout ${options.layout}`;
  if (options.fc !== undefined) return `--fc ${options.fc}`;
  if (options.noTop === true) return "--no-top";
  if (options.numClasses !== undefined) return "--num-classes";
  if (options.foldBn === true) return "--fold-bn";
  return options.swapRgb === true ? "--swap-rgb" : undefined;
}

function planTarget(target: Target, format: Format, network: Network | undefined, options: ConvertOptions): PlanTarget {
  const holds: PlanTarget["holds"] = (dtype) => format.dtypes?.has(dtype) ?? true;
  const { carries } = format;
  if (network === undefined) return keeping(format, holds);
  const names = options.naming ?? target.scheme;
  // Names that were asked for bring their axes with them; kept names take the target's.
  const axes =
    options.layout ?? (options.naming === undefined || options.naming === "keep" ? (target.layout ?? target.scheme) : options.naming);
  const naming: Scheme | undefined = names === "keep" ? undefined : schemeFor("--naming", names);
  const layout: Scheme | undefined = axes === "keep" ? undefined : schemeFor("--layout", axes);
  const fillsNeutral =
    (target.fillsNeutral && naming !== undefined) || (naming !== undefined && naming.id !== "canonical" && format.carries === "tensors");
  const fc = options.fc ?? (target.fc === "source" ? network.head : undefined);
  return {
    format: format.id,
    scheme: names,
    carries,
    holds,
    naming: naming === undefined ? "keep" : convention(naming, network, fillsNeutral),
    layout: layout === undefined ? "keep" : convention(layout, network, fillsNeutral),
    ...(fc === undefined ? {} : { fc }),
    ...(target.epsilon === "fixed" && naming !== undefined ? { epsilon: naming.epsilon } : {}),
    fillsNeutral,
  };
}

/** Names and axes as they are. */
function keeping(format: Format, holds: PlanTarget["holds"]): PlanTarget {
  return { format: format.id, scheme: "keep", carries: format.carries, holds, naming: "keep", layout: "keep", fillsNeutral: false };
}

/** Refuses a plan that leaves a network without a layer, or drops what nobody said to drop. */
function judge({ plan }: Planned, format: Format, options: ConvertOptions, unknown: boolean): void {
  if (format.carries !== "network") return;
  refuseGaps(plan.missing, format.id, options);
  const homeless = plan.unused.filter(({ key, reason }) => reason === noPlace && !isImageMean(key));
  if (homeless.length > 0 && !unknown) {
    const keys = homeless.map(({ key }) => key);
    throw new CheckpointError("mismatch", `${format.id} has no place for ${list(keys)}`, {
      hint: `leave ${keys.length === 1 ? "it" : "them"} out: ${keys
        .slice(0, 3)
        .map((key) => `--exclude '${key}'`)
        .join(" ")}`,
    });
  }
}

function refuseGaps(missing: Planned["plan"]["missing"], who: string, options: ConvertOptions): void {
  if (missing.length === 0 || options.allowMissing === true) return;
  throw new CheckpointError(
    "mismatch",
    `the source has nothing for ${list(missing.map(({ role, key }) => role ?? key))}, which ${who} needs`,
    {
      hint: "add --allow-missing to write the rest",
    },
  );
}

/** tf-slim's constant image mean: a network target takes it as preprocessing. */
function isImageMean(key: string): boolean {
  return /(^|[/.])(mean_rgb|pixel_mean|mean_bgr)$/.test(key);
}

function list(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 8).join(", ")} and ${names.length - 8} more` : names.join(", ");
}

function gaps({ plan }: Planned, checkpoint: Checkpoint, identity: Identity | undefined): readonly string[] {
  const warnings: string[] = [];
  if (identity === undefined) warnings.push("the network is not recognised: names and axes are kept");
  if (plan.missing.length > 0) warnings.push(`the source lacks ${list(plan.missing.map(({ role, key }) => role ?? key))}`);
  const broken = checkpoint.notes.filter(({ code }) => code === "unsupported-tensor" || code === "unknown-object");
  const wanted = broken.find(({ tensor }) => tensor !== undefined && !plan.unused.some(({ key }) => key === tensor));
  if (wanted !== undefined) {
    throw new CheckpointError("unsupported", `a tensor that cannot be read: ${wanted.message}`, {
      ...(wanted.tensor === undefined ? {} : { tensor: wanted.tensor }),
      hint: "without it the conversion would be incomplete",
    });
  }
  const strings = [...checkpoint.tensors.values()].filter((tensor) => !isNumeric(tensor)).length;
  if (strings > 0) warnings.push(`${strings} text ${strings === 1 ? "tensor is" : "tensors are"} left out`);
  return warnings;
}
