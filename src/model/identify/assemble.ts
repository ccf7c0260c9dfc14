import type { Assumption } from "../assumption.ts";
import { assumptionsOf } from "../assumptions.ts";
import type { DescribedCheckpoint } from "../described.ts";
import { withCarried } from "../geometry/carried.ts";
import { mayBeReduced, withSizes } from "../geometry/sizes.ts";
import { unusualLayers, withGeometry } from "../geometry/stated.ts";
import type { Body } from "../identity.ts";
import { naturalCompare } from "../layers/order.ts";
import { buildNetwork, type NetworkParts, withHabits } from "../network/build-network.ts";
import type { Network } from "../network/network.ts";
import type { IdentifyOptions } from "../options.ts";
import { readPreprocessing } from "../preprocessing.ts";
import { withReadings } from "../readings.ts";
import { type Recorded, readRecorded } from "../recorded.ts";
import { recordedEpsilon, recordedInput, recordedInputScale } from "../records.ts";
import type { Role } from "../role.ts";
import type { Slot } from "../scheme.ts";
import type { Draft } from "./body.ts";
import { type Recognised, recogniseScheme } from "./recognise.ts";

/** A body with its scheme, its epsilon and its preprocessing. */
export interface Finished {
  readonly body: Body;
  readonly draft: Draft;
}

export function finish(checkpoint: DescribedCheckpoint, draft: Draft, options: IdentifyOptions): Finished {
  const { parts, missing, unread, through } = draft;
  const recorded = readRecorded(checkpoint);
  const roles = withReadings(recorded === undefined ? draft.roles : withAxes(draft.roles, recorded, checkpoint), options);
  const built = buildNetwork(checkpoint, parts);
  // A file with holes is another chain of layers to its names than to an engine.
  const places = counted(parts);
  // The names of three fully connected layers alone are those of several conventions.
  const recognised =
    parts.convs.length === 0
      ? undefined
      : recogniseScheme(
          roles,
          places === parts ? built : buildNetwork(checkpoint, places),
          checkpoint.format,
          (key) => checkpoint.tensors.get(key)?.label,
        );
  const epsilon = chooseEpsilon(checkpoint, recorded, recognised, options);
  const scale = chooseScale(checkpoint, recorded, recognised, options);
  const plain = withHabits(built, parts.sizes.feature, {
    epsilon: epsilon.value,
    adaptivePool: recognised?.scheme.adaptivePool === true,
    inputScale: scale?.value ?? 1,
  });
  const declared = options.inputSize ?? recorded?.inputSize ?? recordedInput(checkpoint).size;
  const sized = withSizes(withCarried(withGeometry(plain, roles, checkpoint), recorded?.windows ?? new Map()), declared);
  // Conventions whose heads are convolutions have no other 3×3 fc6.
  const doubtful = declared === undefined && recognised?.scheme.head !== "conv" && mayBeReduced(withoutInput(sized));
  const network = doubtful ? withoutInput(sized) : sized;
  const preprocessing = recorded?.preprocessing ?? readPreprocessing(checkpoint) ?? recognised?.scheme.preprocessing;
  const assumed = [
    ...(doubtful ? [slidesOrNot] : []),
    ...(parts.sizes.assumed === undefined || unusualLayers(network).length > 0 ? [] : [parts.sizes.assumed]),
    ...assumptionsOf({
      checkpoint,
      network,
      roles,
      scheme: recognised?.scheme,
      preprocessing,
      epsilonSource: epsilon.source,
      scaleSource: scale?.source,
      ownAxes: recorded !== undefined && recorded.axes.size > 0,
      readings: options,
    }),
    ...(parts.assumed ?? []),
  ];
  const named = recognised === undefined ? [] : [`names of ${recognised.scheme.title}`];
  const sure = recognised !== undefined || (network.complete && network.config !== "other" && network.head !== undefined);
  const keys = [...roles.values()].flatMap((slot) => ("key" in slot ? [slot.key] : []));
  const body: Body = {
    network,
    roles,
    through,
    missing,
    unread,
    prefix: recognised?.prefix ?? commonPrefix(keys),
    geometry: network.geometry ?? "assumed",
    ...(recognised && { scheme: recognised.scheme.id }),
    confidence: sure && parts.convs.length > 0 && network.missing.length === 0 ? "sure" : "likely",
    evidence: [...draft.evidence, ...named],
    assumed,
    ...(network.batchNorm && { epsilon }),
    ...(preprocessing && { preprocessing }),
  };
  return { body, draft };
}

/** The layers as names count them: a number goes to a layer that is missing, too. */
function counted(parts: NetworkParts): NetworkParts {
  const gone = (kind: string): readonly string[] => parts.missing.filter((name) => name.startsWith(kind));
  const convs = filled(parts.convs, gone("conv"));
  const fcs = parts.fcs.length === 0 ? parts.fcs : filled(parts.fcs, gone("fc"));
  return convs === parts.convs && fcs === parts.fcs ? parts : { ...parts, convs, fcs };
}

/** With a layer like the first for each of these names, in forward order. */
function filled<T extends { readonly name: string }>(layers: readonly T[], names: readonly string[]): readonly T[] {
  const [first] = layers;
  if (first === undefined || names.length === 0) return layers;
  const there = new Set(layers.map(({ name }) => name));
  const more = names.filter((name) => !there.has(name)).map((name): T => ({ ...first, name }));
  return [...layers, ...more].toSorted((a, b) => naturalCompare(a.name, b.name));
}

function withoutInput(network: Network): Network {
  const { inputSize: _inputSize, ...rest } = network;
  return rest;
}

/** SSD's fc6 is 3×3 as well: which of both a file of tensors alone does not say, nor which picture it takes. */
const slidesOrNot: Assumption = {
  of: "size",
  what: "fc6 is taken as a 3×3 convolution without padding and dilation",
  grounds: "its kernel is 3×3; SSD's reduced fc6 is too, with dilation 6 behind a pool5 of 3×3 and stride 1, and the file states neither",
  switch: "--input-size HxWxC, where it sees all of pool5",
};

/** What all keys begin with, up to a separator. */
function commonPrefix([first, ...rest]: readonly string[]): string {
  if (first === undefined) return "";
  let length = first.length;
  for (const key of rest) while (!key.startsWith(first.slice(0, length))) length--;
  return /^.*[/.:]/.exec(first.slice(0, length))?.[0] ?? "";
}

function chooseEpsilon(
  checkpoint: DescribedCheckpoint,
  recorded: Recorded | undefined,
  recognised: Recognised | undefined,
  options: IdentifyOptions,
): { readonly value: number; readonly source: "read" | "option" | "assumed" } {
  const read = recorded?.epsilon ?? recordedEpsilon(checkpoint);
  if (options.bnEpsilon !== undefined) return { value: options.bnEpsilon, source: "option" };
  if (read !== undefined) return { value: read, source: "read" };
  return { value: recognised?.scheme.epsilon ?? checkpoint.conventions.epsilon, source: "assumed" };
}

type Scale = { readonly value: number; readonly source: "option" | "recorded" | "program" | "scheme" };

/** What enters fc7 and fc8 is multiplied with; undefined where nothing says anything. */
function chooseScale(
  checkpoint: DescribedCheckpoint,
  recorded: Recorded | undefined,
  recognised: Recognised | undefined,
  options: IdentifyOptions,
): Scale | undefined {
  const rows: readonly (readonly [Scale["source"], number | undefined])[] = [
    ["option", options.dropoutFactor],
    ["recorded", recorded?.inputScale],
    ["program", recordedInputScale(checkpoint)],
    ["scheme", recognised?.scheme.inputScale],
  ];
  return rows.flatMap(([source, value]) => (value === undefined ? [] : [{ source, value }]))[0];
}

/** The axes that an output of this tool records for its keys, where they have as many parts as the tensor. */
function withAxes(roles: ReadonlyMap<Role, Slot>, recorded: Recorded, checkpoint: DescribedCheckpoint): ReadonlyMap<Role, Slot> {
  return new Map(
    [...roles].map(([role, slot]): [Role, Slot] => {
      if ("constant" in slot) return [role, slot];
      const axes = recorded.axes.get(slot.key);
      const fits = axes !== undefined && axes.groups.length === checkpoint.tensors.get(slot.key)?.shape.length;
      return [role, fits ? { ...slot, axes } : slot];
    }),
  );
}
