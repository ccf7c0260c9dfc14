import type { AxisSizes } from "../../tensor/axes.ts";
import type { Conventions } from "../../tensor/checkpoint.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import type { Described } from "../described.ts";
import type { Identity } from "../identity.ts";
import type { Role } from "../role.ts";
import type { Slot } from "../scheme.ts";
import type { DerivedMove } from "./derived-move.ts";

/** One of two checkpoints. A `Checkpoint` with its identity is one. */
export interface AlignSide {
  readonly format: string;
  readonly conventions: Conventions;
  readonly tensors: ReadonlyMap<string, Described>;
  readonly identity?: Identity | undefined;
}

/** What is known of a tensor of numbers. */
export type NumericInfo = Described & { readonly dtype: NumericDType };

/** Two places of one role. */
export interface RolePair {
  readonly by: "role";
  readonly role: Role;
  readonly a: Slot;
  readonly b: Slot;
}

/** Two tensors that mean the same, by their names or by where they are. */
export interface TensorPair {
  readonly by: "hand" | "name" | "affix" | "structure";
  readonly a: NumericInfo;
  readonly b: NumericInfo;
  /** How A's elements are put in B's order; undefined where the shapes do not fit, or nothing says which way round a square is. */
  readonly move?: DerivedMove | undefined;
  /** Of axes that shapes leave open. */
  readonly sizes?: AxisSizes;
}

/** Keys of A and of B that could mean one another in more than one way. */
export interface Ambiguity {
  readonly a: readonly string[];
  readonly b: readonly string[];
}

export interface Alignment {
  readonly roles: readonly RolePair[];
  readonly tensors: readonly TensorPair[];
  readonly ambiguous: readonly Ambiguity[];
  /** Keys that nothing of the other side was found for, ambiguous ones among them; in file order. */
  readonly onlyA: readonly string[];
  readonly onlyB: readonly string[];
}

/** The move from a tensor of A to one of B; undefined where their shapes do not fit. */
export type Fits = (a: NumericInfo, b: NumericInfo) => DerivedMove | undefined;

/** What one kind of evidence finds. */
export type FoundPairs = Pick<Alignment, "tensors" | "ambiguous">;
