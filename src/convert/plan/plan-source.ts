import { CheckpointError } from "../../errors.ts";
import type { Described } from "../../model/described.ts";
import type { Identity } from "../../model/identity.ts";
import type { Network } from "../../model/network/network.ts";
import { isFc, layerOf, partOf, type Role, roleOf } from "../../model/role.ts";
import { isStored, type Slot } from "../../model/scheme.ts";
import type { AxisSizes } from "../../tensor/axes.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import { leavingOut, Refusal } from "../../text/refusal.ts";
import { type ConvertOptions, defaultSeed } from "../options.ts";
import type { ConversionTarget } from "../target/conversion-target.ts";
import { targetDtype } from "../target/dtype-rule.ts";
import { type FeatureArea, featureArea } from "../target/fc-form.ts";
import { fcLayers } from "../target/head.ts";
import type { RoleSource } from "./role-moves.ts";

/** The source's slots without what was left out, averages in the place of what they average. */
export function sourceRoles(
  identity: Identity,
  kept: ReadonlySet<string>,
  averages: ReadonlyMap<string, string>,
  options: ConvertOptions,
  network: Network,
): ReadonlyMap<Role, Slot> {
  const last = fcLayers(network).at(-1)?.name;
  const roles = new Map<Role, Slot>();
  for (const [role, slot] of identity.roles) {
    if (options.noTop === true && isFc(role)) continue;
    if (options.numClasses !== undefined && layerOf(role) === last) continue;
    if (isStored(slot)) {
      if (!kept.has(slot.key)) continue;
      roles.set(role, { ...slot, key: averages.get(slot.key) ?? slot.key });
    } else roles.set(role, slot);
  }
  return roles;
}

/** Slots of another checkpoint for whole layers that the source lacks; a part of a layer alone would make another layer of it. */
export function fallbackRoles(
  roles: ReadonlyMap<Role, Slot>,
  { network, fallback }: KnownTarget,
  options: ConvertOptions,
): ReadonlyMap<Role, Slot> {
  const made = options.numClasses === undefined ? undefined : fcLayers(network).at(-1)?.name;
  const lacking = new Set(
    network.layers.flatMap(({ name }) => (name === made || isStored(roles.get(roleOf(name, "weight"))) ? [] : [name])),
  );
  return new Map([...(fallback?.roles ?? [])].filter(([role]) => lacking.has(layerOf(role))));
}

/**
 * The source's slots with those of a layer that is made anew, which gets the names that it had. Throws `usage` where the source does not
 * have that layer.
 */
export function withKeptNames(
  roles: ReadonlyMap<Role, Slot>,
  { identity, network }: KnownTarget,
  options: ConvertOptions,
): ReadonlyMap<Role, Slot> {
  const last = options.numClasses === undefined ? undefined : fcLayers(network).at(-1)?.name;
  if (last === undefined) return roles;
  if (!isStored(identity.roles.get(roleOf(last, "weight")))) {
    throw new Refusal("usage", `--naming keep has no name for the new ${last}: the source has no such layer`, [leavingOut("naming")]);
  }
  return new Map([...roles, ...[...identity.roles].filter(([role]) => layerOf(role) === last)]);
}

export function areaOf(
  identity: Identity,
  tensors: ReadonlyMap<string, Described>,
  options: ConvertOptions,
  network: Network,
  wanted: ConversionTarget["area"],
): FeatureArea {
  const first = fcLayers(identity.network)[0];
  // Of a head that is all the other side's.
  if (first === undefined && wanted !== undefined && fcLayers(network).length > 0) return { height: wanted[0], width: wanted[1] };
  const feature = identity.network.featureShape;
  if (first === undefined) return {};
  const slot = identity.roles.get(`${first.name}.weight`);
  const shape = isStored(slot) ? tensors.get(slot.key)?.shape : undefined;
  const elements = shape?.reduce((product, n) => product * n, 1);
  const channels = feature?.[0];
  const positions = elements === undefined || channels === undefined ? undefined : elements / (first.outputs * channels);
  const { inputSize } = options;
  if (inputSize?.[2] !== undefined && inputSize[2] !== network.inputChannels) {
    throw new CheckpointError("mismatch", `--input-size has ${inputSize[2]} channels, conv1_1 takes ${network.inputChannels}`);
  }
  const known = feature?.[1] === undefined || feature[2] === undefined ? undefined : ([feature[1], feature[2]] as const);
  const fits = wanted !== undefined && wanted[0] * wanted[1] === positions;
  return featureArea(known ?? (fits ? wanted : undefined), positions, identity.network, inputSize);
}

/** A target of a network that is recognised. */
export type KnownTarget = ConversionTarget & { readonly identity: Identity; readonly network: Network };

export function roleSource(
  tensors: ReadonlyMap<string, Described>,
  roles: ReadonlyMap<Role, Slot>,
  target: KnownTarget,
  options: ConvertOptions,
  { area, slots }: { readonly area: FeatureArea; readonly slots: ReadonlyMap<Role, Slot> },
): RoleSource {
  const { identity, network } = target;
  const epsilon = options.bnEpsilon ?? identity.epsilon?.value ?? identity.network.epsilon;
  const last = fcLayers(network).at(-1)?.name;
  const fresh = new Map<Role, { readonly formula: "zeros" | "normal"; readonly seed: number }>();
  if (options.numClasses !== undefined && last !== undefined) {
    const seed = options.seed ?? defaultSeed;
    fresh.set(`${last}.weight`, { formula: options.init === "zeros" ? "zeros" : "normal", seed });
    fresh.set(`${last}.bias`, { formula: "zeros", seed });
  }
  return {
    network,
    tensors,
    roles,
    sizes: (role, all) => roleSizes(role, network, area, all),
    dtype: (tensor, key) => targetDtype(tensor, target.holds, options.dtype ?? expectedDtype(target, key), target.format.id),
    epsilon: [epsilon, target.epsilon ?? epsilon],
    fold: options.foldBn === true,
    swapped: (role) => options.swapRgb === true && role === "conv1_1.weight",
    fresh,
    lost: new Set(identity.missing.map(({ role }) => role)),
    keepsBias: (layer) => isStored(slots.get(`${layer}.bias`)),
  };
}

function expectedDtype(target: ConversionTarget, key: string): NumericDType | undefined {
  const dtype = target.expected?.checkpoint.tensors.get(key)?.dtype;
  return dtype === "string" ? undefined : dtype;
}

/** Sizes of a role's axes that its stored shape may not tell; all of them where `all`. */
function roleSizes(role: Role, network: Network, area: FeatureArea, all: boolean): AxisSizes {
  const sizes = new Map<string, number>();
  const set = (name: string, size: number | undefined): void => {
    if (size !== undefined) sizes.set(name, size);
  };
  const layer = network.layers.find(({ name }) => name === layerOf(role));
  if (layer === undefined || (layer.kind !== "conv" && layer.kind !== "fc")) return sizes;
  if (all) set("o", layer.outputs);
  if (partOf(role) !== "weight") return sizes;
  if (layer.kind === "conv") {
    // A kernel kept as a matrix (Torch7's SpatialConvolutionMM) tells its product alone.
    set("i", layer.inputs);
    set("h", layer.kernel[0]);
    set("w", layer.kernel[1]);
  } else if (fcLayers(network)[0] === layer) {
    set("i", network.featureShape?.[0]);
    set("h", area.height);
    set("w", area.width);
  } else {
    if (all) set("i", layer.inputs);
    set("h", 1);
    set("w", 1);
  }
  return sizes;
}
