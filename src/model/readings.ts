import { parseAxes } from "../tensor/axes.ts";
import { isConv, partOf, type Role } from "./role.ts";
import { isStored, type Slot, type StoredSlot } from "./scheme.ts";

/** What a person says of a file that does not say it, or that recognition would take otherwise. */
export interface Readings {
  /** Convolution kernels as they are, or rotated by 180° (Theano). */
  readonly kernels?: "as-stored" | "rotated";
  /** What MatConvNet's second column of moments holds. */
  readonly moments?: "sigma" | "variance";
  /** How the rows of a dense fc6 are ordered: channels, height, width or height, width, channels. */
  readonly flatten?: "chw" | "hwc";
  /** What enters fc7 and fc8 is multiplied with this at inference: old Paddle's dropout. */
  readonly dropoutFactor?: number;
}

/** The slots as a person says that they are to be read. */
export function withReadings(roles: ReadonlyMap<Role, Slot>, readings: Readings): ReadonlyMap<Role, Slot> {
  return new Map([...roles].map(([role, slot]): [Role, Slot] => [role, isStored(slot) ? reread(role, slot, readings) : slot]));
}

function reread(role: Role, slot: StoredSlot, { kernels, moments, flatten }: Readings): StoredSlot {
  if (isConv(role) && partOf(role) === "weight" && kernels !== undefined) {
    const { flip: _flip, ...rest } = slot;
    return kernels === "rotated" ? { ...rest, flip: ["h", "w"] } : rest;
  }
  if (moments === "variance" && slot.as === "sigma") {
    const { as: _as, ...rest } = slot;
    return rest;
  }
  if (flatten === undefined || partOf(role) !== "weight") return slot;
  const order = flatten === "chw" ? "(i h w)" : "(h w i)";
  return { ...slot, axes: parseAxes(slot.axes.text.replace(/\((i h w|h w i)\)/, order)) };
}

/** Order of the rows of a dense fc6, where its slot has one. */
export function rowOrder(slot: Slot | undefined): "i h w" | "h w i" | undefined {
  const found = slot !== undefined && isStored(slot) ? /\((i h w|h w i)\)/.exec(slot.axes.text)?.[1] : undefined;
  return found === "i h w" || found === "h w i" ? found : undefined;
}
