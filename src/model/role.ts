/** What batch norm has beside its layer. */
export type NormPart = "bn.weight" | "bn.bias" | "bn.mean" | "bn.var";

/** `bn.factor` is the blob that Caffe's mean and variance are divided by: an output has it, no network does. */
export type RolePart = "weight" | "bias" | NormPart | "bn.factor";

/**
 * Which part of which layer a tensor is: `conv1_1.weight`, `fc6.bias`, `conv3_2.bn.var`. A text, so that it is the key of a map and the
 * word of every output as it is; what it consists of is found once for each (`layerOf`, `partOf`).
 */
export type Role = `${string}.${RolePart}`;

interface RoleParts {
  readonly layer: string;
  readonly part: RolePart;
}

export const normParts: readonly NormPart[] = ["bn.weight", "bn.bias", "bn.mean", "bn.var"];

const parts: readonly RolePart[] = ["weight", "bias", ...normParts, "bn.factor"];
const known = new Map<Role, RoleParts>();

export function roleOf(layer: string, part: RolePart): Role {
  return `${layer}.${part}`;
}

/** Whether a text is a role: in a plan that a person edited it may be anything. */
export function isRole(text: string): text is Role {
  return split(text) !== undefined;
}

function split(text: string): RoleParts | undefined {
  const dot = text.indexOf(".");
  const part = parts.find((name) => name === text.slice(dot + 1));
  return dot < 1 || part === undefined ? undefined : { layer: text.slice(0, dot), part };
}

function partsOf(role: Role): RoleParts {
  const found = known.get(role);
  if (found !== undefined) return found;
  const made = split(role);
  if (made === undefined) throw new Error(`${role} is no role`);
  known.set(role, made);
  return made;
}

/** conv1_1 of conv1_1.bn.var. */
export function layerOf(role: Role): string {
  return partsOf(role).layer;
}

/** bn.var of conv1_1.bn.var. */
export function partOf(role: Role): RolePart {
  return partsOf(role).part;
}

export function isNorm(role: Role): boolean {
  return partOf(role).startsWith("bn.");
}

export function isConv(role: Role): boolean {
  return role.startsWith("conv");
}

export function isFc(role: Role): boolean {
  return role.startsWith("fc");
}

export function isFcWeight(role: Role): boolean {
  return isFc(role) && partOf(role) === "weight";
}

/** What a role is worth where a convention does not store it: a bias 0, a scale 1; undefined where that has no answer. */
export function neutral(role: Role): 0 | 1 | undefined {
  switch (partOf(role)) {
    case "bias":
    case "bn.bias":
      return 0;
    case "bn.weight":
      return 1;
    default:
      return undefined;
  }
}
