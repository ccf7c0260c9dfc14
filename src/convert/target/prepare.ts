import { CheckpointError } from "../../errors.ts";
import { type Format, findFormat } from "../../formats.ts";
import type { Identity } from "../../model/identity.ts";
import type { Network } from "../../model/network.ts";
import type { Scheme } from "../../model/scheme.ts";
import { schemeById } from "../../model/schemes.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import { keepsOwn, type Like, likeTarget, templateTarget } from "../like/like.ts";
import { prepareLike } from "../like/prepare-like.ts";
import type { Template } from "../like/template.ts";
import type { ConvertOptions } from "../options.ts";
import { gaps, judge } from "../plan/judge.ts";
import { planFromFile } from "../plan/map.ts";
import { makePlan } from "../plan/plan.ts";
import { isPlan } from "../plan/plan-parse.ts";
import { convention, rescaled, schemeFor, withScale } from "./conventions.ts";
import { editNetwork } from "./head.ts";
import { keepsImageConstants } from "./image-mean.ts";
import type { PlanTarget } from "./plan-target.ts";
import { type Decided, holds, keeping, mapped, type Prepared, unreadable } from "./prepared.ts";
import { findTarget, type Target } from "./targets.ts";

/** Finds the target and its conventions, makes the plan and judges it. Throws `usage`, `unsupported`, `mismatch`. */
export function prepare(
  checkpoint: Checkpoint,
  identity: Identity | undefined,
  options: ConvertOptions,
  like?: Like,
  template?: Template,
): Prepared {
  if (like !== undefined && template !== undefined) {
    const prepared = prepareInto(checkpoint, identity, like, template, options);
    if (prepared !== undefined) return prepared;
  }
  const target = like === undefined || options.to !== undefined ? findTarget(options.to, options.out) : likeTarget(like, options.out);
  const format = findFormat(target.format);
  if (format?.write === undefined) {
    throw new CheckpointError("unsupported", `${target.format} cannot be written`, { hint: "'vggtool formats' lists what can" });
  }
  if (isPlan(options.map)) return { ...preparePlan(checkpoint, identity, format, options), target, format };
  if (like !== undefined) return { ...prepareLike(checkpoint, identity, like, target, format, options), target, format };
  if (identity === undefined) refuseWithoutIdentity(target, format, options);
  const scales = identity !== undefined && bakesScale(target, format, options);
  const edited = identity === undefined ? undefined : editNetwork(identity.network, options);
  const network = edited !== undefined && scales ? rescaled(edited, schemeById(options.naming ?? target.scheme)?.inputScale) : edited;
  const known = identity !== undefined && scales ? withScale(identity) : identity;
  const place: PlanTarget = {
    ...planTarget(target, format, network, options, checkpoint.format),
    unreadable: unreadable(checkpoint),
  };
  const planned = mapped(makePlan(checkpoint.tensors, known, network, place, options), checkpoint, place, options);
  judge(planned, format, options, identity === undefined);
  const warnings = [...planned.warnings, ...gaps(planned, checkpoint, identity)];
  return { ...planned, warnings, target, format, ...(network === undefined ? {} : { network }) };
}

/** The other checkpoint's own file with other values; undefined where one of them has no place in it as it is. */
function prepareInto(
  checkpoint: Checkpoint,
  identity: Identity | undefined,
  like: Like,
  template: Template,
  options: ConvertOptions,
): Prepared | undefined {
  const row = findFormat(like.checkpoint.format);
  if (row === undefined) return undefined;
  // Whatever the file carries, it is there already; types are those of the places.
  const { dtypes: _dtypes, write: _write, ...rest } = row;
  const format: Format = { ...rest, carries: "tensors" };
  const target = templateTarget(like);
  const decided = prepareLike(checkpoint, identity, like, target, format, options);
  if (!decided.plan.moves.every((move) => keepsOwn(move) || template.places.has(move.to))) return undefined;
  const missing = decided.plan.missing.map((left) => ({ ...left, reason: `${left.reason}: the other checkpoint's value stays` }));
  return { ...decided, plan: { ...decided.plan, missing }, target, format, template };
}

/** A plan that was printed and edited: it decides everything but the container. */
function preparePlan(checkpoint: Checkpoint, identity: Identity | undefined, format: Format, options: ConvertOptions): Decided {
  const plan = planFromFile(options.map, checkpoint.tensors, holds(format));
  if (plan.format !== format.id) {
    throw new CheckpointError("usage", `--map: the plan is for ${plan.format}, the output is ${format.id}`, {
      hint: `add --to or -o for ${plan.format}`,
    });
  }
  const network = identity === undefined ? undefined : editNetwork(identity.network, options);
  return { plan, area: {}, warnings: [], ...(network === undefined ? {} : { network }) };
}

/** Old Paddle's factor of 0.5 goes into the weights, but for canonical and kept names in plain files, which record it. */
function bakesScale(target: Target, format: Format, options: ConvertOptions): boolean {
  const naming = options.naming ?? target.scheme;
  return format.carries === "network" || (naming !== "keep" && naming !== "canonical");
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

function planTarget(
  target: Target,
  format: Format,
  network: Network | undefined,
  options: ConvertOptions,
  sourceFormat: string,
): PlanTarget {
  const { carries } = format;
  if (network === undefined) return keeping(format);
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
    holds: holds(format),
    naming: naming === undefined ? "keep" : convention(naming, network, fillsNeutral),
    layout: layout === undefined ? "keep" : convention(layout, network, fillsNeutral),
    ...(fc === undefined ? {} : { fc }),
    ...(target.epsilon === "fixed" && naming !== undefined ? { epsilon: naming.epsilon } : {}),
    fillsNeutral,
    keepsImageConstant: keepsImageConstants(naming ?? "keep", sourceFormat, format.id),
  };
}
