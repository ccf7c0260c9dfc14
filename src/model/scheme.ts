import type { Axes } from "../tensor/axes.ts";
import type { Config } from "./network/network.ts";
import type { NormPart } from "./role.ts";

/** Roles that a convention treats alike. */
export type RoleKind = NormPart | `${"conv" | "fc6" | "fc7" | "fc8"}.${"weight" | "bias"}`;

/** How a tensor keeps a role: role = undo `as` of (the `take` slice ÷ the number in `over`) × times, axes in `flip` reversed. */
export interface Kept {
  /** One slice of a packed tensor: MatConvNet moments ["s", 1]. */
  readonly take?: readonly [axis: string, index: number];
  /** Of these axes one index in so many, from 0: a head that was sub-sampled. */
  readonly every?: readonly (readonly [axis: string, step: number])[];
  /** Key of Caffe's factor blob; a factor of 0 means 0. */
  readonly over?: string;
  /** Stored is sqrt(var + eps); stored is a variance used as sqrt(var) + 1e-6. */
  readonly as?: "sigma" | "darknet";
  /** 0.5: dropout that scales at inference. */
  readonly times?: number;
  /** ["h", "w"]: Theano. */
  readonly flip?: readonly string[];
}

/** Where a convention keeps a role. */
export interface StoredSlot extends Kept {
  readonly key: string;
  /** Over o i h w (weights) or o (vectors): `(h w i) o`, `o 1`, `o s`. */
  readonly axes: Axes;
}

/** Whether the tensor is the role alone, as it is but for order, turned axes and a factor for all of it. */
export function isWhole({ take, over, as }: Kept): boolean {
  return take === undefined && over === undefined && as === undefined;
}

/** Whether two slots keep a role as the same numbers in the same order, whatever they multiply it with. */
export function keptAlike(a: StoredSlot, b: StoredSlot): boolean {
  return a.as === b.as && a.over === b.over && a.take?.join() === b.take?.join() && a.axes.text === b.axes.text;
}

/** constant: the convention does not store it (no conv bias; slim without gamma; MXNet fix_gamma, though a tensor is there). */
export type Slot = StoredSlot | { readonly constant: 0 | 1 };

/** A slot as a scheme writes it: a template of keys, "features.{features}.weight", "{scope}/conv{b}/conv{b}_{n}/weights". */
export type SlotTemplate = (Omit<StoredSlot, "axes"> & { readonly axes: string }) | { readonly constant: 0 | 1 };

export function isStored(slot: Slot | undefined): slot is StoredSlot {
  return slot !== undefined && "key" in slot;
}

/** Keys that a slot reads or writes. */
export function keysOf(slot: StoredSlot): readonly string[] {
  return slot.over === undefined ? [slot.key] : [slot.key, slot.over];
}

export interface Preprocessing {
  readonly channels: "rgb" | "bgr";
  /** Largest pixel value the network expects before the mean is subtracted: 255 or 1. */
  readonly range: 255 | 1;
  /** In the order of `channels`. */
  readonly mean: readonly number[];
  /** Divided by, in the order of `channels`. */
  readonly std: readonly number[];
  /** Height, width. */
  readonly size?: readonly [number, number];
  readonly source: "read" | "assumed";
}

/** What a running number may count; `flatten` comes before fc6, `fc-relu` and `dropout` behind fc6 and fc7. */
export type LayerKind = "conv" | "bn" | "relu" | "pool" | "flatten" | "fc" | "fc-relu" | "dropout";

/**
 * A naming and layout convention as data. Keys are templates:
 * {b} block from 1, {n} convolution in its block from 1, {n0} the same from 0, {k} convolution of the network from 0,
 * {_k} nothing for the first, then _1, _2 …; {j} fully connected layer from 0, {_j} likewise; {scope}; and what `counters` and `blockNames` name.
 */
export interface Scheme {
  readonly id: string;
  readonly title: string;
  /** Formats it is at home in. */
  readonly formats: readonly string[];
  readonly slots: Readonly<Partial<Record<RoleKind, SlotTemplate>>>;
  /** {features}: counts layers of these kinds in forward order. */
  readonly counters?: Readonly<Record<string, readonly LayerKind[]>>;
  /** First number of the counters: 0 unless said. */
  readonly countFrom?: 0 | 1;
  /** {faceBlock}: a name for each block. */
  readonly blockNames?: Readonly<Record<string, readonly string[]>>;
  /** {scope}: by configuration. */
  readonly scopes?: Readonly<Partial<Record<Config, string>>>;
  /** How fc6… are kept in this convention. */
  readonly head: "dense" | "conv";
  readonly epsilon: number;
  readonly channels: "rgb" | "bgr";
  readonly preprocessing?: Preprocessing;
  /** Old Paddle: what enters fc7 and fc8 is multiplied with this at inference. */
  readonly inputScale?: number;
  /** false: a convolution with batch norm behind it has no bias of its own. */
  readonly biasBesideNorm?: false;
  /** Last part of the key under which its files keep the mean colour as a tensor. */
  readonly imageMean?: string;
  /** An adaptive average pool comes before the head. */
  readonly adaptivePool?: boolean;
}
