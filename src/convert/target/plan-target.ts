import type { Described } from "../../model/described.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import type { Plan } from "../plan/plan-types.ts";
import type { FeatureArea } from "./fc-form.ts";
import type { Convention } from "./target-axes.ts";

/** Where a conversion leads, as far as a plan needs to know. */
export interface PlanTarget {
  readonly format: string;
  /** Id of the scheme, or "keep". */
  readonly scheme: string;
  /** network: only what belongs to a layer has a place. */
  readonly carries: "tensors" | "network";
  readonly holds: (dtype: NumericDType) => boolean;
  readonly naming: Convention;
  readonly layout: Convention;
  readonly fc?: "dense" | "conv";
  /** Of batch norm, where the convention fixes it; else the source's is kept and recorded. */
  readonly epsilon?: number;
  /** Tensors of the checkpoint that the output has to be like: their types and shapes. */
  readonly like?: ReadonlyMap<string, Described>;
  /** Whether a mean colour kept as a tensor has a place; everywhere where absent. */
  readonly keepsImageConstant?: (key: string) => boolean;
  /** Keys of the source that cannot be read; a pattern may name them. */
  readonly unreadable?: readonly string[];
  /** Height and width of what enters fc6, where the target says them. */
  readonly area?: readonly [height: number, width: number];
  /** Biases and scales that the source leaves out are written as zeros and ones: the networks that load this have them. */
  readonly fillsNeutral: boolean;
}

export interface Planned {
  readonly plan: Plan;
  /** Height and width of what enters fc6, where known or assumed. */
  readonly area: FeatureArea;
  /** Sentences for people. */
  readonly warnings: readonly string[];
}

/** The reason that a person has to agree to where the target is a network. */
export const noPlace = "the target has no place for it";
