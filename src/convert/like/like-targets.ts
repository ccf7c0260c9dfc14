import type { Format } from "../../format-row.ts";
import { findFormat } from "../../formats.ts";
import type { Identity } from "../../model/identity.ts";
import type { Role } from "../../model/role.ts";
import { isStored, type Slot } from "../../model/scheme.ts";
import type { Tensor, TensorMap } from "../../tensor/tensor.ts";
import type { ConvertOptions } from "../options.ts";
import { keepsOwn, ownKey } from "../plan/own-moves.ts";
import type { Move } from "../plan/plan-types.ts";
import { convention, rescaled, schemeFor, withScale } from "../target/conventions.ts";
import type { ConversionTarget } from "../target/conversion-target.ts";
import { editNetwork, fcLayers, withHeadOf } from "../target/head.ts";
import { keeping, writable } from "../target/keeping.ts";
import { sampled } from "../target/reduced.ts";
import type { ConvertRequest } from "../target/request.ts";
import { type Target, targets } from "../target/targets.ts";
import { endingOf, entryOf, type Like, namesOf, otherTitle } from "./like.ts";
import { type Template, templateOf } from "./template.ts";
import { templateFiles } from "./template-files.ts";
import { isNested, unwrapped } from "./unwrap.ts";

type Request = ConvertRequest & { readonly like: Like };
type Known = Like & { readonly identity: Identity };

/**
 * Targets with the names, axes, types and shapes of another checkpoint: its own file with other values where that holds more than
 * tensors, then the file that is usual. `row`: what --to, OUT and its format name; it throws where that cannot be written.
 */
export async function* likeTargets(request: Request, row: () => Target, options: ConvertOptions): AsyncGenerator<ConversionTarget> {
  const template = mayFillIn(request.like, options) ? await templateOf(request.like.checkpoint, entryOf(request.like)) : undefined;
  const filled = template === undefined ? undefined : templateTarget(request, template, options);
  if (filled !== undefined) yield filled;
  const written = row();
  const format = writable(written);
  const { identity, like } = request;
  if (format.carries === "network" && identity !== undefined && like.identity !== undefined) {
    yield networkTarget(identity, { ...like, identity: like.identity }, written, format, options);
    return;
  }
  const flat = unwrapped(like);
  yield { ...expectedTarget({ ...request, like: flat.like }, keeping(written, format), options), reads: [like], warnings: flat.warnings };
}

/**
 * Whether the output may be the other checkpoint's own file with other values: where it holds more than a table of tensors, or is not
 * written otherwise, and neither --to nor OUT's ending asks for another.
 */
function mayFillIn(like: Like, options: Pick<ConvertOptions, "to" | "out" | "maxShardSize" | "compress">): boolean {
  const { format } = like.checkpoint;
  const row = findFormat(format);
  if (row === undefined || options.maxShardSize !== undefined || options.compress === true) return false;
  const nested = isNested(like.checkpoint);
  if (row.carries === "tensors" && (row.write !== undefined || row.writtenAs !== undefined) && !nested) return false;
  if (options.to !== undefined && !targets.some((target) => target.id === options.to && target.format === format)) return false;
  const said = targets.flatMap(({ extensions }) => extensions).filter((extension) => options.out?.toLowerCase().endsWith(extension));
  if (said.length === 0 || said.some((extension) => endingOf(entryOf(like)) === endingOf(extension))) return true;
  // A pickle is one whatever it is called: `.pth`, `.pth.tar`.
  return nested && said.some((extension) => targets.some((target) => target.format === format && target.extensions.includes(extension)));
}

/** A file that is the other checkpoint's own in all but values; it takes a plan whose tensors are all in it as they are. */
function templateTarget(request: Request, template: Template, options: ConvertOptions): ConversionTarget | undefined {
  const { like } = request;
  const { format: id } = like.checkpoint;
  const known = findFormat(id);
  if (known === undefined) return undefined;
  const extensions = [endingOf(entryOf(like))];
  const row: Target = { id, format: id, scheme: namesOf(like), extensions, output: "file", epsilon: "fixed", fillsNeutral: true };
  // Whatever the file carries, it is there already; types are those of the places.
  const { dtypes: _dtypes, write: _write, ...rest } = known;
  const format: Format = { ...rest, carries: "tensors" };
  // A table of tensors is written with other types all the same; a file of another kind is not.
  const sameType = ({ to, toDtype }: Move): boolean => known.carries === "network" || like.checkpoint.tensors.get(to)?.dtype === toDtype;
  return {
    ...expectedTarget(request, keeping(row, format), options),
    takes: ({ moves }) => moves.every((move) => keepsOwn(move) || (template.places.has(move.to) && sameType(move))),
    files: templateFiles(template, like),
  };
}

/** Every tensor of the other checkpoint has to be filled, and nothing else has a place: by role where both are recognised. */
function expectedTarget({ identity, like }: Request, base: ConversionTarget, options: ConvertOptions): ConversionTarget {
  const target: ConversionTarget = {
    ...base,
    title: otherTitle,
    scheme: namesOf(like),
    expected: { checkpoint: like.checkpoint },
    own: ownValues(like),
    reads: [like],
    fillsNeutral: true,
    ...(identity === undefined ? {} : { identity }),
  };
  if (identity === undefined || like.identity === undefined) return target;
  const factor = fcLayers(like.identity.network).find(({ inputScale }) => inputScale !== undefined)?.inputScale;
  const other = withScale(like.identity);
  const [, height, width] = other.network.featureShape ?? [];
  const epsilon = other.epsilon?.value;
  return {
    ...target,
    scheme: other.scheme ?? namesOf(like),
    identity: sampled(withScale(identity), options),
    network: rescaled(editNetwork(identity.network, options), factor),
    naming: other.roles,
    layout: other.roles,
    ...(epsilon === undefined ? {} : { epsilon }),
    ...(height === undefined || width === undefined ? {} : { area: [height, width] as const }),
  };
}

function ownValues({ checkpoint }: Like): TensorMap {
  return new Map([...checkpoint.tensors].map(([key, tensor]): [string, Tensor] => [ownKey(key), tensor]));
}

/**
 * A target that holds a network lays it out itself, so the axes are its own. Names come from the other checkpoint where the target can
 * spell them.
 */
function networkTarget(identity: Identity, like: Known, row: Target, format: Format, options: ConvertOptions): ConversionTarget {
  const edited = editNetwork(identity.network, options);
  const network = rescaled(
    options.allowMissing === true && options.noTop !== true ? withHeadOf(edited, like.identity.network) : edited,
    undefined,
  );
  const own = convention(schemeFor("--like", row.scheme), network, false);
  const layout = row.layout === undefined ? own : convention(schemeFor("--like", row.layout), network, false);
  const names = named(own, like, row);
  const head = like.identity.network.head;
  const [, height, width] = like.identity.network.featureShape ?? [];
  return {
    ...keeping(row, format),
    scheme: names === undefined ? row.scheme : (like.identity.scheme ?? namesOf(like)),
    identity: sampled(withScale(identity), options),
    network,
    sizes: { title: otherTitle, network: like.identity.network },
    ...(options.allowMissing === true ? { fallback: { title: otherTitle, roles: ownSlots(withScale(like.identity).roles) } } : {}),
    own: ownValues(like),
    naming: names ?? own,
    layout,
    ...(head === undefined || row.convHead === true ? {} : { fc: head }),
    ...(height === undefined || width === undefined ? {} : { area: [height, width] as const }),
    reads: [like],
    warnings: names === undefined ? [`the names of ${otherTitle} have no place in ${row.id}: its usual names are written`] : [],
  };
}

function ownSlots(roles: ReadonlyMap<Role, Slot>): ReadonlyMap<Role, Slot> {
  return new Map(
    [...roles].map(([role, slot]): [Role, Slot] => {
      if (!isStored(slot)) return [role, slot];
      return [role, { ...slot, key: ownKey(slot.key), ...(slot.over === undefined ? {} : { over: ownKey(slot.over) }) }];
    }),
  );
}

/** The target's slots under the other checkpoint's names; undefined where one of them cannot be spelled. */
function named(own: ReadonlyMap<Role, Slot>, like: Known, row: Target): ReadonlyMap<Role, Slot> | undefined {
  const slots = new Map<Role, Slot>();
  for (const [role, slot] of own) {
    const other = like.identity.roles.get(role);
    if (!isStored(slot) || !isStored(other)) {
      slots.set(role, slot);
      continue;
    }
    const label = like.checkpoint.tensors.get(other.key)?.label;
    const spellings = [other.key, ...(label === undefined ? [] : [label])].flatMap(spelled);
    const key = spellings.find((text) => row.keys?.test(text) !== false);
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
