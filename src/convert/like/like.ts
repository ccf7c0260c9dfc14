import { basename } from "node:path";
import { CheckpointError } from "../../errors.ts";
import { type Format, findFormat } from "../../formats.ts";
import type { Described } from "../../model/described.ts";
import type { Identity } from "../../model/identity.ts";
import { kindOf } from "../../model/kinds.ts";
import type { Network } from "../../model/network.ts";
import { layerOf, partOf, type Role } from "../../model/role.ts";
import { isStored, keysOf, type Slot } from "../../model/scheme.ts";
import { plainAxes } from "../../tensor/axes.ts";
import type { Checkpoint } from "../../tensor/checkpoint.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import type { Tensor, TensorMap } from "../../tensor/tensor.ts";
import type { ConvertOptions } from "../options.ts";
import type { Left, Move } from "../plan/plan-types.ts";
import { convention, schemeFor, withScale } from "../target/conventions.ts";
import { noPlace, type Planned, type PlanTarget } from "../target/plan-target.ts";
import { type Target, targetOfEnding, targets } from "../target/targets.ts";

/** The checkpoint that the output has to be like: the user's own freshly saved model. */
export interface Like {
  readonly checkpoint: Checkpoint;
  readonly identity: Identity | undefined;
  /** As the person named it. */
  readonly path?: string;
}

/** The target that writes the other checkpoint's format. Throws `unsupported` where none does. */
export function likeTarget(like: Like, out: string | undefined): Target {
  const id = findFormat(like.checkpoint.format)?.writtenAs ?? like.checkpoint.format;
  const rows = targets.filter(({ format }) => format === id);
  const ending = rows.find(({ extensions }) => extensions.some((extension) => out?.toLowerCase().endsWith(extension) === true));
  // OUT's ending may name another format, as it does without an example: names and axes are the other checkpoint's all the same.
  const other = ending === undefined ? targetOfEnding(out) : undefined;
  const target = ending ?? other ?? rows[0];
  if (target === undefined) {
    throw new CheckpointError("unsupported", `the other checkpoint is ${like.checkpoint.format}, which cannot be written`, {
      hint: "say the format with --to; names and axes still come from the other checkpoint",
    });
  }
  return target;
}

/**
 * Whether the output may be the other checkpoint's own file with other values: where its format holds more than tensors, or is not
 * written otherwise, and neither --to nor OUT's ending asks for another.
 */
export function mayFillIn(like: Like, options: Pick<ConvertOptions, "to" | "out" | "maxShardSize">): boolean {
  const { format } = like.checkpoint;
  const row = findFormat(format);
  if (row === undefined || options.maxShardSize !== undefined) return false;
  if (row.carries === "tensors" && (row.write !== undefined || row.writtenAs !== undefined)) return false;
  if (options.to !== undefined && !targets.some((target) => target.id === options.to && target.format === format)) return false;
  const said = targets.flatMap(({ extensions }) => extensions).filter((extension) => options.out?.toLowerCase().endsWith(extension));
  return said.length === 0 || said.some((extension) => endingOf(entryOf(like)) === endingOf(extension));
}

/** A file that is the other checkpoint's own in all but values. */
export function templateTarget(like: Like): Target {
  const { format } = like.checkpoint;
  const extensions = [endingOf(entryOf(like))];
  return { id: format, format, scheme: "like", extensions, output: "file", epsilon: "fixed", fillsNeutral: true };
}

/** The file that a person would name. */
export function entryOf({ checkpoint, path }: Like): string {
  return checkpoint.files.length === 1 ? (checkpoint.files[0] ?? "") : (path ?? "");
}

/** The name that the files of one checkpoint share: `vgg16` of vgg16-0007.params and vgg16-symbol.json. */
export function stemOf(name: string): string {
  return basename(name)
    .replace(/\.[a-z0-9]+$/i, "")
    .replace(/-(\d{4}|symbol)$/, "");
}

function endingOf(name: string): string {
  const ending = /(\.weights)?\.[a-z0-9]+$/i.exec(name)?.[0].toLowerCase() ?? "";
  return ending === ".hdf5" ? ".h5" : ending;
}

/** Slots, types and shapes of the other checkpoint as a place to convert to. */
export function likePlanTarget(like: Like & { readonly identity: Identity }, format: Format, holds: PlanTarget["holds"]): PlanTarget {
  const identity = withScale(like.identity);
  const roles = identity.roles;
  const feature = identity.network.featureShape;
  const [, height, width] = feature ?? [];
  const epsilon = identity.epsilon?.value;
  return {
    format: format.id,
    scheme: identity.scheme ?? "like",
    // Every slot of the other checkpoint has to be filled, and nothing else has a place.
    carries: "tensors",
    holds,
    naming: roles,
    layout: roles,
    ...(epsilon === undefined ? {} : { epsilon }),
    ...(height === undefined || width === undefined ? {} : { area: [height, width] as const }),
    like: like.checkpoint.tensors,
    fillsNeutral: true,
  };
}

/**
 * The same for a target that holds a network: its writer lays the graph out, so the axes are its own. Names come from the other
 * checkpoint where the target can spell them; `renamed` tells that it cannot.
 */
export function likeNetworkTarget(
  like: Like & { readonly identity: Identity },
  target: Target,
  format: Format,
  holds: PlanTarget["holds"],
  network: Network,
): { readonly place: PlanTarget; readonly renamed: boolean } {
  const own = convention(schemeFor("--like", target.scheme), network, false);
  const layout = target.layout === undefined ? own : convention(schemeFor("--like", target.layout), network, false);
  const names = own === "keep" ? undefined : named(own, like, target);
  const head = like.identity.network.head;
  const [, height, width] = like.identity.network.featureShape ?? [];
  const place: PlanTarget = {
    format: format.id,
    scheme: names === undefined ? target.scheme : (like.identity.scheme ?? "like"),
    carries: format.carries,
    holds,
    naming: names ?? own,
    layout,
    ...(head === undefined || target.scheme === "matconvnet" ? {} : { fc: head }),
    ...(height === undefined || width === undefined ? {} : { area: [height, width] as const }),
    fillsNeutral: false,
  };
  return { place, renamed: names === undefined };
}

/** The target's slots under the other checkpoint's names; undefined where one of them cannot be spelled. */
function named(
  own: ReadonlyMap<Role, Slot>,
  like: Like & { readonly identity: Identity },
  target: Target,
): ReadonlyMap<Role, Slot> | undefined {
  const slots = new Map<Role, Slot>();
  for (const [role, slot] of own) {
    const other = like.identity.roles.get(role);
    if (!isStored(slot) || !isStored(other)) {
      slots.set(role, slot);
      continue;
    }
    const label = like.checkpoint.tensors.get(other.key)?.label;
    const spellings = [other.key, ...(label === undefined ? [] : [label])].flatMap(spelled);
    const key = spellings.find((text) => target.keys?.test(text) !== false);
    if (key === undefined) return undefined;
    slots.set(role, { ...slot, key, ...(slot.over === undefined || other.over === undefined ? {} : { over: other.over }) });
  }
  return slots;
}

/** A key as it is, without a MATLAB variable's name in front, and as Keras' layer and variable. */
function spelled(key: string): readonly string[] {
  const variable = key.replace(/:\d+$/, "").split("/");
  return [key, key.replace(/^\w+\./, ""), variable.slice(-2).join("/")];
}

/** Throws `mismatch` where a layer has other sizes than the other checkpoint's of that name. */
export function compareNetworks(network: Network, like: Network, missing: (layer: string) => boolean): void {
  const others = new Map(like.layers.map((layer) => [layer.name, layer]));
  for (const layer of network.layers) {
    const other = others.get(layer.name);
    if ((layer.kind !== "conv" && layer.kind !== "fc") || other === undefined || other.kind !== layer.kind || missing(layer.name)) continue;
    if (layer.outputs !== other.outputs || layer.inputs !== other.inputs) {
      throw new CheckpointError(
        "mismatch",
        `${layer.name} takes ${layer.inputs} and gives ${layer.outputs} in the source; ${other.inputs} and ${other.outputs} in the other checkpoint`,
        {
          ...(layer.kind === "fc" ? { hint: "a new head: --num-classes N --init normal" } : {}),
        },
      );
    }
  }
}

/** Before the key of a tensor that keeps the value it has in the other checkpoint. */
const ownPrefix = "like:";

/** The source's tensors, and the other checkpoint's under a prefix: what a plan by example draws on. */
export function withOwn(source: TensorMap, like: Like | undefined): TensorMap {
  if (like === undefined) return source;
  return new Map([...source, ...[...like.checkpoint.tensors].map(([key, tensor]): [string, Tensor] => [ownPrefix + key, tensor])]);
}

/** What the other checkpoint has and nothing fills. */
export interface Rest {
  /** Counters and constants keep their values there: whoever restores all variables of that graph needs them. */
  readonly moves: readonly Move[];
  readonly missing: readonly Left[];
}

export function restOf(planned: Planned, like: Like, holds: (dtype: NumericDType) => boolean): Rest {
  const done = new Set([...planned.plan.moves.map(({ to }) => to), ...planned.plan.missing.map(({ key }) => key)]);
  const moves: Move[] = [];
  const missing: Left[] = [];
  for (const tensor of like.checkpoint.tensors.values()) {
    if (done.has(tensor.name) || tensor.dtype === "string") continue;
    const kind = kindOf(tensor);
    if (kind === "bookkeeping" || kind === "constant") {
      if (holds(tensor.dtype)) moves.push(ownMove({ ...tensor, dtype: tensor.dtype }));
    } else if (kind !== "optimizer" && kind !== "average") {
      missing.push({ key: tensor.name, reason: "the source has nothing for it" });
    }
  }
  return { moves, missing };
}

/** Whether a move only repeats what the other checkpoint has. */
export function keepsOwn(move: Move): boolean {
  return move.fills.every(({ from }) => from.length > 0 && from.every(({ key }) => key.startsWith(ownPrefix)));
}

function ownMove({ name, shape, dtype }: Described & { readonly dtype: NumericDType }): Move {
  return {
    to: name,
    toShape: shape,
    toDtype: dtype,
    move: "copy",
    fills: [{ formula: "value", from: [{ key: ownPrefix + name, axes: plainAxes(shape.length), shape }] }],
  };
}

/**
 * Throws `mismatch` where a bias or a batch norm of the source would be lost although the other checkpoint has its layer:
 * the two would compute different things.
 */
export function refuseLosses(planned: Planned, source: ReadonlyMap<Role, Slot>, like: Identity): void {
  for (const { role, key, reason } of planned.plan.unused) {
    if (role === undefined || reason !== noPlace || partOf(role) === "weight") continue;
    const layer = layerOf(role);
    if (!isStored(like.roles.get(`${layer}.weight`))) continue;
    const slot = source.get(role);
    if (!isStored(slot) || !keysOf(slot).includes(key)) continue;
    throw new CheckpointError("mismatch", `the other checkpoint has ${layer}, and no place for ${role}`, {
      tensor: key,
      hint: partOf(role).startsWith("bn.") ? "add --fold-bn" : `add --exclude '${key}' if the layer works without it`,
    });
  }
}
