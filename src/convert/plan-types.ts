import type { Role, StoredSlot } from "../model/scheme.ts";
import type { NumericDType } from "../tensor/dtype.ts";

/** A conversion as data: what fills each target tensor, what stays unused, what stays unfilled. */
export interface Plan {
  readonly schema: "vggtool/plan/1";
  readonly format: string;
  readonly scheme: string;
  readonly moves: readonly Move[];
  readonly unused: readonly Left[];
  readonly missing: readonly Left[];
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
  readonly toAxes?: string;
  readonly toDtype: NumericDType;
  /** The summary for people. */
  readonly move: "copy" | "reshape" | "transpose" | "cast" | "flip" | "compute" | "dequantise" | "init";
  /** Several where the target packs roles (moments). */
  readonly fills: readonly Fill[];
}

export interface Fill {
  readonly role?: Role;
  /** How the target's slot keeps it. */
  readonly put?: Omit<StoredSlot, "key" | "axes">;
  readonly formula: "value" | "fold-weight" | "fold-bias" | "zeros" | "ones" | "normal";
  readonly from: readonly Operand[];
  readonly epsilon?: readonly [from: number, to: number];
  readonly seed?: number;
}

export interface Operand extends StoredSlot {
  readonly shape: readonly number[];
}
