import { mayBeReduced } from "../../model/geometry/sizes.ts";
import type { Identity } from "../../model/identity.ts";
import type { Network } from "../../model/network/network.ts";
import { isConv, isFcWeight, layerOf, partOf, type Role } from "../../model/role.ts";
import { isStored, isWhole, type Slot, type StoredSlot } from "../../model/scheme.ts";
import { type Axes, axesOf, parseAxes } from "../../tensor/axes.ts";
import type { ConversionTarget } from "./conversion-target.ts";
import { withForm } from "./fc-form.ts";
import { fcLayers } from "./head.ts";

/**
 * Where the target keeps each role: names from one convention, axes from another, fully connected layers in the form asked for.
 * How vectors are kept (moments, sigma, factor blobs) belongs to the names, not to the axes.
 */
export function targetSlots(
  identity: Identity,
  sourceRoles: ReadonlyMap<Role, Slot>,
  network: Network,
  { naming, layout, fc, expected }: Pick<ConversionTarget, "naming" | "layout" | "fc" | "expected">,
): ReadonlyMap<Role, Slot> {
  const names = naming === "keep" ? sourceRoles : naming;
  const axes = layout === "keep" ? sourceRoles : layout;
  const first = fcLayers(network)[0]?.name;
  const convAxes = axesOfConv(axes);
  const hasConvs = identity.network.layers.some((layer) => layer.kind === "conv");
  const form = fc ?? (expected === undefined && keepsConvolutions(network) ? "conv" : undefined);
  const slots = new Map<Role, Slot>();
  for (const [role, named] of names) {
    if (!isStored(named)) {
      slots.set(role, named);
      continue;
    }
    const laid = axes.get(role);
    let slot = withAxes(role, named, isStored(laid) ? laid : undefined, naming === "keep" && layout !== "keep");
    if (isFcWeight(role) && form !== undefined) {
      slot = { ...slot, axes: withForm(slot.axes, form, convAxes, layerOf(role) === first) };
    }
    const stored = sourceRoles.get(role);
    if (layerOf(role) === first && partOf(role) === "weight" && expected === undefined && !hasConvs && isStored(stored)) {
      slot = { ...slot, axes: keepRows(slot.axes, stored.axes) };
    }
    slots.set(role, slot);
  }
  return slots;
}

/** Fully connected layers that slide over their features are no matrices, and those that may do so are made none unasked. */
function keepsConvolutions(network: Network): boolean {
  return mayBeReduced(network) || fcLayers(network).some(({ windows }) => windows !== undefined);
}

function withAxes(role: Role, named: StoredSlot, laid: StoredSlot | undefined, keepNames: boolean): StoredSlot {
  const leaf = partOf(role);
  if (laid === undefined || named === laid) return named;
  if (leaf === "weight") {
    const { flip: _flip, times: _times, ...rest } = named;
    return {
      ...rest,
      axes: laid.axes,
      ...(laid.flip === undefined ? {} : { flip: laid.flip }),
      ...(laid.times === undefined ? {} : { times: laid.times }),
    };
  }
  // Kept names of plain vectors: a MatConvNet bias `o 1` becomes `o` with its axes, its key stays.
  if (keepNames && isWhole(named) && laid.take === undefined && laid.as === undefined) return { ...named, axes: laid.axes };
  return named;
}

function axesOfConv(slots: ReadonlyMap<Role, Slot>): Axes {
  for (const [role, slot] of slots) {
    if (isConv(role) && partOf(role) === "weight" && isStored(slot)) return slot.axes;
  }
  // Without a convolution to look at: TensorFlow's order.
  return parseAxes("h w i o");
}

/** The rows of fc6 in the order of the file: nothing in it says what they are. */
function keepRows(axes: Axes, stored: Axes): Axes {
  const rows = stored.groups.find((group) => group.includes("i"));
  if (rows === undefined || rows.length < 2) return axes;
  return axesOf(axes.groups.map((group) => (group.length > 1 && group.includes("i") ? rows : group)));
}
