import type { Assumption } from "../../model/assumption.ts";
import type { KnownKind } from "../../model/layers/layer-kind.ts";
import type { Role } from "../../model/role.ts";
import type { Kept, StoredSlot } from "../../model/scheme.ts";
import type { Axes } from "../../tensor/axes.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import type { FeatureArea } from "../target/fc-form.ts";

/** A conversion as data: what fills each target tensor, what stays unused, what stays unfilled. */
export interface Plan {
  readonly schema: "vggtool/plan/1";
  readonly format: string;
  readonly scheme: string;
  readonly moves: readonly Move[];
  readonly unused: readonly Left[];
  readonly missing: readonly Left[];
  /** What it rests on and the source does not state. */
  readonly assumed: readonly Assumption[];
}

export interface Left {
  readonly key: string;
  readonly role?: Role;
  /** A sentence: why. */
  readonly reason: string;
}

/** One target tensor. A value or fold-weight that fills it streams; all else is one value a channel, computed in float64 and rounded once. */
export interface Move {
  readonly to: string;
  readonly toShape: readonly number[];
  readonly toAxes?: Axes;
  readonly toDtype: NumericDType;
  /** Sizes of axes that the two shapes leave open: i of `(i h w) o`. */
  readonly sizes?: readonly (readonly [axis: string, size: number])[];
  /** The summary for people. */
  readonly move: "copy" | "reshape" | "transpose" | "cast" | "flip" | "compute" | "subsample" | "dequantise" | "init";
  /** Several where the target packs roles (moments). */
  readonly fills: readonly Fill[];
}

export interface Fill {
  readonly role?: Role;
  /** How the target's slot keeps it. */
  readonly put?: Kept;
  readonly formula: Formula;
  readonly from: readonly Operand[];
  /** Batch norm: what the source adds to the variance, what the target adds. */
  readonly epsilon?: readonly [from: number, to: number];
  readonly seed?: number;
}

/**
 * value: the role itself. fold-weight, fold-bias: the convolution with its batch norm inside. shift-mean: bn.mean − conv.bias, for
 * conventions whose convolutions have no bias before a batch norm. The others make new values.
 */
export type Formula = "value" | "fold-weight" | "fold-bias" | "shift-mean" | "zeros" | "ones" | "normal";

export interface Operand extends StoredSlot {
  /** Of the stored tensor. */
  readonly shape: readonly number[];
  /** Which of the formula's variables this is. */
  readonly role?: Role;
}

export interface Planned {
  readonly plan: Plan;
  /** Height and width of what enters fc6, where known or assumed. */
  readonly area: FeatureArea;
  /** Sentences for people. */
  readonly warnings: readonly string[];
  /** What becomes of the layers that travel under their own names; empty where axes are not asked for. */
  readonly layers: readonly LayerLine[];
}

/** What becomes of a layer that travels under its own names. */
export interface LayerLine {
  readonly layer: string;
  readonly kind: KnownKind;
  /** A sentence: what says that it is one. */
  readonly grounds: string;
  /** Keys. */
  readonly tensors: readonly string[];
  /** Of its weight, where they are known. */
  readonly axes?: { readonly from: string; readonly to: string };
  /** A sentence, where the target would keep it otherwise and it stays as it is: why. */
  readonly kept?: string;
}

/** The reason that a person has to agree to where the target is a network. */
export const noPlace = "the target cannot store it";
