import type { Format } from "../../format-row.ts";
import type { Context } from "../../io/context.ts";
import type { Identity } from "../../model/identity.ts";
import type { Network } from "../../model/network/network.ts";
import type { Role } from "../../model/role.ts";
import type { Slot } from "../../model/scheme.ts";
import type { Checkpoint, Conventions } from "../../tensor/checkpoint.ts";
import type { NumericDType } from "../../tensor/dtype.ts";
import type { TensorMap } from "../../tensor/tensor.ts";
import type { FileLayout, WriterInput } from "../../writers/layout.ts";
import type { Move, Plan } from "../plan/plan-types.ts";
import type { Target } from "./targets.ts";

/**
 * Where a conversion leads: made once, from --to and OUT, from another checkpoint, or from a map, before anything is planned. Who plans,
 * writes and checks asks it, and not where it came from.
 */
export interface ConversionTarget {
  /** What OUT names. */
  readonly row: Target;
  readonly format: Format;
  /** In sentences: keras-h5, the other checkpoint. */
  readonly title: string;
  /** Id of the scheme, or "keep". */
  readonly scheme: string;
  /** Which types its file can store. */
  readonly holds: (dtype: NumericDType) => boolean;
  readonly naming: Convention;
  readonly layout: Convention;
  /** The axes of layers that travel under their own names; as they are where absent. */
  readonly ownAxes?: OwnAxes;
  readonly fc?: "dense" | "conv";
  /** Of batch norm, where the convention fixes it; else the source's is kept and recorded. */
  readonly epsilon?: number;
  /** Height and width of what enters fc6, where the target says them. */
  readonly area?: readonly [height: number, width: number];
  /** Biases and scales that the source leaves out are written as zeros and ones: the networks that load this have them. */
  readonly fillsNeutral: boolean;
  /** Whether a mean colour kept as a tensor has a place; everywhere where absent. */
  readonly keepsImageConstant?: (key: string) => boolean;
  /** The source, with the factors that the target's networks expect in the weights; absent where it is not recognised. */
  readonly identity?: Identity;
  /** What the output holds: the source's network after the edits that were asked for. */
  readonly network?: Network;
  /** A network whose layers the output's have to be as large as. */
  readonly sizes?: SizedNetwork;
  /** Tensors that the output has to have, and no others: those of this checkpoint, with its types and shapes. */
  readonly expected?: { readonly checkpoint: Checkpoint };
  /** Slots over `own`, of layers that the output has although the source lacks them; `title`: where they are from, in sentences. */
  readonly fallback?: { readonly title: string; readonly roles: ReadonlyMap<Role, Slot> };
  /** Values that stay where nothing of the source fills their place, by the keys that `ownKey` gives them. */
  readonly own: TensorMap;
  /** Moves that were said by hand; they go before those that are found. */
  readonly byHand?: readonly Move[];
  /** A whole plan: nothing is found any more. */
  readonly plan?: Plan;
  /** Whether a plan can be written this way; the next target is tried where it cannot. */
  readonly takes: (plan: Plan) => boolean;
  readonly files: OutputFiles;
  /** What is read besides the source. */
  readonly reads: readonly Input[];
  /** Sentences for people. */
  readonly warnings: readonly string[];
}

/** Axes that layers get which no scheme names: of kernels, of matrices, of a matrix's inputs behind a feature map. */
export type OwnAxes = Pick<Conventions, "kernel" | "matrix" | "flatten">;

/** Slots of a convention for the roles of one network, or "keep": as the source has them. */
export type Convention = ReadonlyMap<Role, Slot> | "keep";

/** A network whose layers an output has to have; `title`: where it is from, in sentences. */
export interface SizedNetwork {
  readonly title: string;
  readonly network: Network;
}

/** A checkpoint that is read while the output is written. */
export interface Input {
  readonly checkpoint: Checkpoint;
  /** As the person named it. */
  readonly path?: string;
}

/** How the files of an output come about. */
export interface OutputFiles {
  /** What is known of the network goes into the file itself. */
  readonly describes: boolean;
  layouts(input: WriterInput, plan: Plan, ctx: Context): Promise<Layouts>;
}

/** What is written, file by file, the entry last; `close` when it is. */
export interface Layouts {
  readonly layouts: readonly FileLayout[];
  close(): Promise<void>;
}
