import { CheckpointError } from "../../errors.ts";
import type { Format } from "../../format-row.ts";
import type { Network } from "../../model/network/network.ts";
import { schemeById } from "../../model/schemes.ts";
import { shortened } from "../../text/brief.ts";
import { type LeftOut, leavingOut, optionName, Refusal, type Way } from "../../text/refusal.ts";
import { likeRow } from "../like/like.ts";
import { likeTargets } from "../like/like-targets.ts";
import type { ConvertOptions } from "../options.ts";
import { convention, rescaled, schemeFor, withScale } from "./conventions.ts";
import type { ConversionTarget } from "./conversion-target.ts";
import { editNetwork } from "./head.ts";
import { keepsImageConstants } from "./image-mean.ts";
import { keeping, writable } from "./keeping.ts";
import { handMoves, planFromFile } from "./map.ts";
import { ownAxes } from "./own-axes.ts";
import { isPlan } from "./plan-parse.ts";
import { reductionText, sampled } from "./reduced.ts";
import type { ConvertRequest } from "./request.ts";
import { findTarget, type Target, targets } from "./targets.ts";

/**
 * The targets of a conversion, the one to prefer first: a later one is for a plan that an earlier one does not take. Throws `usage`,
 * `unsupported` and `mismatch` for what leads nowhere.
 */
export async function* targetsFor(request: ConvertRequest, options: ConvertOptions): AsyncGenerator<ConversionTarget> {
  const { like } = request;
  const row = (): Target =>
    like === undefined || options.to !== undefined
      ? findTarget(options.to, options.out, options.naming !== undefined)
      : likeRow(like, options.out);
  if (isPlan(options.map)) yield mappedTarget(request, row(), options);
  else if (like === undefined) yield byHand(usualTarget(request, row(), options), request, options);
  else for await (const target of likeTargets({ ...request, like }, row, options)) yield byHand(target, request, options);
}

/** --map: moves by hand instead of those that would be found. */
function byHand(target: ConversionTarget, { checkpoint }: ConvertRequest, options: ConvertOptions): ConversionTarget {
  return options.map === undefined ? target : { ...target, byHand: handMoves(options.map, checkpoint.tensors, target, options) };
}

/** A plan that was printed and edited: it decides everything but the container. */
function mappedTarget({ checkpoint, identity }: ConvertRequest, row: Target, options: ConvertOptions): ConversionTarget {
  const target = keeping(row, writable(row));
  const plan = planFromFile(options.map, checkpoint.tensors, target.holds);
  if (plan.format !== target.format.id) {
    const meant = targets.find(({ format }) => format === plan.format);
    const found = `--map: the plan is for ${shortened(plan.format)}, the output is ${target.format.id}`;
    throw new CheckpointError("usage", found, meant === undefined ? {} : { hint: `add ${asked(meant)}` });
  }
  return { ...target, plan, ...(identity === undefined ? {} : { network: editNetwork(identity.network, options) }) };
}

/** What names a target on the command line: some share their --to, and OUT's ending decides between them. */
function asked({ id, extensions }: Target): string {
  return targets.filter((target) => target.id === id).length === 1 ? `--to ${id}` : `-o with a name that ends in ${extensions[0]}`;
}

/** What --to and OUT name, with the names and axes that are usual there, for this source, or asked for. */
function usualTarget({ checkpoint, identity }: ConvertRequest, named: Target, options: ConvertOptions): ConversionTarget {
  const row = { ...named, scheme: named.schemeFor?.get(checkpoint.format) ?? named.scheme };
  const format = writable(row);
  // The rest of a network gets what it would get beside its VGG.
  const own = ownAxes(row, format, options, identity !== undefined || options.part === "rest");
  const axes = own === undefined ? {} : { ownAxes: own };
  if (identity === undefined) {
    refuseWithoutIdentity(row, format, options);
    return { ...keeping(row, format), ...axes };
  }
  const scales = bakesScale(row, format, options);
  const edited = editNetwork(identity.network, options);
  const known = scales ? withScale(identity) : identity;
  const network = scales ? rescaled(edited, schemeById(options.naming ?? row.scheme)?.inputScale) : edited;
  return {
    ...keeping(row, format),
    ...axes,
    ...conventionsOf(row, format, network, options),
    identity: sampled(known, options),
    network,
    warnings: options.fc === "reduced" ? [reductionText(identity.network)] : [],
    keepsImageConstant: keepsImageConstants(namingOf(row, options) ?? "keep", checkpoint.format, format.id),
  };
}

/** Old Paddle's factor of 0.5 goes into the weights, but for canonical and kept names in plain files, which record it. */
function bakesScale(row: Target, format: Format, options: ConvertOptions): boolean {
  const naming = options.naming ?? row.scheme;
  return format.carries === "network" || (naming !== "keep" && naming !== "canonical");
}

/** What an unknown network cannot become, said before anything else is looked at. */
function refuseWithoutIdentity(row: Target, format: Format, options: ConvertOptions): void {
  const refused = (needed: string, way: Way): Refusal =>
    new Refusal("unsupported", `${needed} needs a network that is recognised as a VGG, and this one is not`, [way]);
  const asked = asksForNetwork(options);
  if (format.carries !== "network") {
    if (asked === undefined) return;
    const { options: without, say } = leavingOut(asked);
    const value = asked === "naming" || asked === "fc" ? ` ${options[asked]}` : "";
    throw refused(`${optionName(asked)}${value}`, { options: without, say: (more) => `${say(more)}: names are then kept` });
  }
  const layout = row.layout ?? row.scheme;
  throw refused(`--to ${row.id}`, {
    options: { to: findTarget(undefined, undefined).id, layout },
    say: (text) => `${text} keeps its names, with the axes of ${row.id}`,
  });
}

/** The first option that speaks of the network. */
function asksForNetwork(options: ConvertOptions): LeftOut | undefined {
  if (options.naming !== undefined && options.naming !== "keep") return "naming";
  if (options.fc !== undefined) return "fc";
  if (options.noTop === true) return "noTop";
  if (options.numClasses !== undefined) return "numClasses";
  if (options.foldBn === true) return "foldBn";
  return options.swapRgb === true ? "swapRgb" : undefined;
}

/** The scheme that gives the names; undefined where the source's are kept. */
function namingOf(row: Target, options: ConvertOptions) {
  const names = options.naming ?? row.scheme;
  return names === "keep" ? undefined : schemeFor("--naming", names);
}

function conventionsOf(row: Target, format: Format, network: Network, options: ConvertOptions) {
  // Names that were asked for bring their axes with them; kept names take the target's.
  const axes = options.layout ?? (options.naming === undefined || options.naming === "keep" ? (row.layout ?? row.scheme) : options.naming);
  const naming = namingOf(row, options);
  const layout = axes === "keep" ? undefined : schemeFor("--layout", axes);
  const fillsNeutral =
    (row.fillsNeutral && naming !== undefined) || (naming !== undefined && naming.id !== "canonical" && format.carries === "tensors");
  return {
    scheme: naming?.id ?? "keep",
    naming: naming === undefined ? ("keep" as const) : convention(naming, network, fillsNeutral),
    layout: layout === undefined ? ("keep" as const) : convention(layout, network, fillsNeutral),
    // A scheme has its form of the head.
    ...(options.fc === undefined ? {} : { fc: options.fc === "reduced" ? ("conv" as const) : options.fc }),
    ...(row.epsilon === "fixed" && naming !== undefined ? { epsilon: naming.epsilon } : {}),
    fillsNeutral,
  };
}
